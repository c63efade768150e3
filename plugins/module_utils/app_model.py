# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app is: its keys, defaults, validation, paths and unit names. Pure Python, no Ansible.

C(complete_apps) takes the list C(flask_apps) as users write it and returns the apps that roles and templates
use. Every problem of every app is found before the first is reported.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from .app_keys import APP
from .app_schema import Problem, check_mapping, show
from .app_source import complete_source, source_problems
from .providers import MANAGERS, PROXIES, SERVERS, protocol, requirements
from .wsgi_target import parse_wsgi


class AppModelError(ValueError):
    """The list of apps is not usable. ``problems`` has one line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"flask_apps has {count}; nothing was touched:", *(f"  - {line}" for line in problems)]))


def complete_apps(apps: t.Any, proxy: str = "nginx", manager: str = "systemd") -> list[dict[str, t.Any]]:
    """Validate and complete a list of apps.

    :param apps: the value of C(flask_apps).
    :param proxy: the value of C(flask_proxy).
    :param manager: the value of C(flask_manager).
    :returns: one dictionary per app, every key present; the same input gives the same output.
    :raises AppModelError: with every problem found.
    """
    if not isinstance(apps, (list, tuple)):
        raise AppModelError([f"flask_apps is a {type(apps).__name__}; expected a list of apps, each beginning with '- name: …'"])
    problems: list[str] = []
    completed = []
    for variable, value, choices in (("flask_proxy", proxy, PROXIES), ("flask_manager", manager, MANAGERS)):
        if value not in choices:
            problems.append(f"{variable} is {value!r}; expected one of {', '.join(choices)}")
    for number, app in enumerate(apps):
        label = app.get("name") if isinstance(app, dict) else None
        found = list(_problems_of(app, manager))
        problems += [f"app {show(label)}: {problem}" if label else f"item {number + 1}: {problem}" for problem in found]
        if not found:
            completed.append(_complete(app))
    problems += _duplicates(completed)
    if problems:
        raise AppModelError(problems)
    return completed


def bare_app(name: str) -> dict[str, t.Any]:
    """An app of which only the name is left: its paths and units, for removing it.

    :raises AppModelError: when it is no name of an app.
    """
    return complete_apps([{"name": name, "source": {"path": "/"}, "wsgi": "gone:app"}])[0]


def _problems_of(app: t.Any, manager: str) -> t.Iterator[str]:
    problems: list[Problem] = []
    check_mapping(APP, app, "", problems)
    yield from (problem.text for problem in problems)
    if problems:
        return
    server = app.get("server", "gunicorn")
    if manager in MANAGERS and manager not in SERVERS[server].managers:
        yield f"server {server!r} does not run under flask_manager {manager!r}; managers that run it: {', '.join(SERVERS[server].managers)}"
    if manager == "supervisor" and app.get("sandbox"):
        yield "sandbox changes what systemd runs it in, and flask_manager is 'supervisor', which has no sandbox for each app; drop the one or the other"
    if server == "mod_wsgi" and "python" in app:
        yield (
            f"python is {app['python']!r}, and server 'mod_wsgi' runs only Debian's own Python, for which Debian's module is built; "
            f"leave python out, or choose another server: {', '.join(name for name in SERVERS if name != 'mod_wsgi')}"
        )
    tls = app.get("tls", {})
    if tls.get("issuer") == "files" and not ("certificate" in tls and "key" in tls):
        yield "tls: issuer 'files' needs certificate and key, each the PEM text, for instance from lookup('file', …) and the vault"
    if tls.get("issuer", "letsencrypt") != "files" and ("certificate" in tls or "key" in tls):
        yield "tls: certificate and key go with issuer 'files'; add it, or drop them"
    yield from source_problems(app["source"])
    yield from _access_problems(app.get("access", []))
    try:
        parse_wsgi(app["wsgi"])
    except ValueError as error:
        yield f"wsgi is {app['wsgi']!r}; {error}"


def _duplicates(apps: list[dict[str, t.Any]]) -> list[str]:
    """Names, and places on the web, that two apps claim. A domain is shared by apps with the same canonical domain and different paths."""
    problems = [f"more than one app is named {name!r}; give each a name of its own" for name in _repeated([app["name"] for app in apps])]
    places: dict[str, dict[str, str]] = {}
    canonical: dict[str, str] = {}
    for app in apps:
        name = app["name"]
        problems += [f"app {name!r}: domain {domain!r} stands twice; name it once" for domain in _repeated(app["domains"])]
        for domain in app["domains"]:
            first = canonical.setdefault(domain, app["canonical"])
            owner = places.setdefault(domain, {}).setdefault(app["mount"], name)
            if owner != name:
                at = f" at path {app['mount'] or '/'}"
                problems.append(f"app {name!r}: domain {domain!r}{at} is taken already by app {owner!r}; give one of them another path or domain")
            elif first != app["canonical"]:
                problems.append(f"app {name!r}: domain {domain!r} belongs to the site {first!r} already; apps that share it name {first!r} first")
    return problems


def _access_problems(rules: list[dict[str, t.Any]]) -> t.Iterator[str]:
    for path in _repeated([rule.get("path", "/").rstrip("/") or "/" for rule in rules]):
        yield f"access: path {path!r} stands in two rules; put allow and users of a path into one"
    for network in (network for rule in rules for network in rule.get("allow", [])):
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            yield f"access: allow has {network!r}; {error}"


def _repeated(values: list[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


def _complete(app: dict[str, t.Any]) -> dict[str, t.Any]:
    name: str = app["name"]
    domains: list[str] = app.get("domains", [])
    server: str = app.get("server", "gunicorn")
    timeout: int = app.get("timeout_seconds", 30)
    settings = {key: app.get(key, {}) for key in SERVERS}
    spoken = protocol(server, settings[server])
    return {
        "name": name,
        "source": complete_source(app["source"]),
        "wsgi": dataclasses.asdict(parse_wsgi(app["wsgi"])),
        "domains": domains,
        "canonical": domains[0] if domains else None,
        "server": server,
        "protocol": spoken,
        "server_requirements": app.get("server_requirements", requirements(server, settings[server])),
        "workload": app.get("workload", "mixed"),
        "workers": app.get("workers"),
        "threads": app.get("threads"),
        "timeout_seconds": timeout,
        "graceful_timeout_seconds": max(timeout, app.get("graceful_timeout_seconds", 30)),
        **settings,
        "env": {key: _env_text(value) for key, value in app.get("env", {}).items()},
        "static": [{"url": item["url"].rstrip("/"), "path": item["path"].strip("/")} for item in app.get("static", [])],
        "persist": sorted({"instance", *(path.strip("/") for path in app.get("persist", []))}),
        "healthcheck": {"path": "/", "status": None, "timeout_seconds": 60, "successes": 2, **app.get("healthcheck", {})},
        "tls": {"issuer": "letsencrypt", "certificate": None, "key": None, **app.get("tls", {})},
        "mount": app.get("path", "/").rstrip("/"),
        "streaming": [path.rstrip("/") or "/" for path in app.get("streaming", [])],
        "rate_limit": {"burst": 20, "paths": [], **app["rate_limit"]} if "rate_limit" in app else None,
        "access": [{"path": "/", "allow": [], "users": {}, **item} for item in app.get("access", [])],
        "maintenance": app.get("maintenance", False),
        "maintenance_page": app.get("maintenance_page"),
        "error_page": app.get("error_page"),
        "headers": app.get("headers", {}),
        "max_body_mb": app.get("max_body_mb", 16),
        "python": app.get("python"),
        "installer": app.get("installer", "uv"),
        "requirements": app.get("requirements"),
        "build_command": app.get("build_command"),
        "keep_releases": app.get("keep_releases", 5),
        "sandbox": app.get("sandbox", {}),
        "nginx_extra": app.get("nginx_extra", ""),
        "apache_extra": app.get("apache_extra", ""),
        "user": f"flask-{name}",
        "build_user": f"flask-{name}-b",
        "unit": f"flask-{name}",
        "paths": _paths(name, spoken),
    }


def _env_text(value: t.Any) -> str:
    """A value as the app's environment holds it: true and false are lower case, as in YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _paths(name: str, spoken: str) -> dict[str, str]:
    root = f"/srv/flask/{name}"
    return {
        "root": root,
        "releases": f"{root}/releases",
        "venvs": f"{root}/venvs",
        "cache": f"{root}/cache",
        "source": f"{root}/source",
        "current": f"{root}/current",
        "config": f"/etc/flask/{name}",
        "slots": f"/etc/flask/{name}/slots",
        "secret_key": f"/etc/flask/{name}/secret_key",
        "state": f"/var/lib/flask-{name}",
        "run": f"/run/flask-{name}",
        "socket": f"/run/flask-{name}/{'current' if spoken == 'http' else spoken}.sock",
        "certificate": f"/etc/flask-tls/live/{name}",
    }
