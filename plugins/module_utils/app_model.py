# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app is: its defaults, validation, paths and unit names. Pure Python, no Ansible.

C(complete_apps) takes the list C(flask_apps) as users write it and returns the apps that roles and templates
use. Every problem of every app is found before the first is reported.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .app_keys import APP
from .app_schema import Problem, check_mapping, show
from .app_source import complete_source, source_problems
from .app_web import certificate_path, clashes, complete_service, complete_web, repeated, service_problems, web_problems
from .providers import MANAGERS, PROXIES, SERVERS, embeds_python, lock, protocol, requirements
from .wsgi_target import parse_wsgi

_Find = t.Callable[[t.Any], t.Iterator[str]]
_Complete = t.Callable[[dict[str, t.Any]], dict[str, t.Any]]


class AppModelError(ValueError):
    """The list of apps is not usable. ``problems`` has one line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"The inventory has {count}; nothing was touched:", *(f"  - {line}" for line in problems)]))


def complete_apps(apps: t.Any, proxy: str = "nginx", manager: str = "systemd", services: t.Any = ()) -> list[dict[str, t.Any]]:
    """Validate and complete a list of apps.

    :param apps: the value of C(flask_apps).
    :param proxy: the value of C(flask_proxy).
    :param manager: the value of C(flask_manager).
    :param services: the value of C(flask_proxy_services), what else the proxy serves.
    :returns: one dictionary per app, every key present, then one per service; the same input gives the same output.
    :raises AppModelError: with every problem found.
    """
    for variable, given, example in (("flask_apps", apps, "apps"), ("flask_proxy_services", services, "services")):
        if not isinstance(given, (list, tuple)):
            raise AppModelError([f"{variable} is a {type(given).__name__}; expected a list of {example}, each beginning with '- name: …'"])
    problems = []
    for variable, value, choices in (("flask_proxy", proxy, PROXIES), ("flask_manager", manager, MANAGERS)):
        if value not in choices:
            problems.append(f"{variable} is {value!r}; expected one of {', '.join(choices)}")
    completed = [
        *_completed("app", apps, functools.partial(_problems_of, manager=manager), _complete, problems),
        *_completed("service", services, service_problems, complete_service, problems),
    ]
    problems += clashes(completed)
    if problems:
        raise AppModelError(problems)
    return completed


def _completed(kind: str, given: t.Any, find_problems: _Find, complete: _Complete, problems: list[str]) -> t.Iterator[dict[str, t.Any]]:
    """The sound ones of a list, completed; what is wrong with the others is appended to C(problems)."""
    for number, item in enumerate(given):
        name = item.get("name") if isinstance(item, dict) else None
        found = list(find_problems(item))
        problems += [f"{f'{kind} {show(name)}' if name else f'item {number + 1} of the {kind}s'}: {problem}" for problem in found]
        if not found:
            yield complete(item)


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
    if "python" in app and embeds_python(server, app.get(server, {})):
        yield f"python is {app['python']!r}, and server {server!r} of Debian runs only Debian's own Python; leave python out, or choose another server"
    yield from source_problems(app)
    yield from web_problems(app)
    for url in repeated([folder["url"].rstrip("/") for folder in app.get("static", [])]):
        yield f"static: url {url!r} stands twice; a path has one folder"
    try:
        parse_wsgi(app["wsgi"])
    except ValueError as error:
        yield f"wsgi is {app['wsgi']!r}; {error}"


def _complete(app: dict[str, t.Any]) -> dict[str, t.Any]:
    name: str = app["name"]
    server: str = app.get("server", "gunicorn")
    settings = {key: {**kind.settings, **app.get(key, {})} for key, kind in SERVERS.items()}
    spoken = protocol(server, settings[server])
    web = complete_web(app)
    paths = _paths(name, spoken)
    persist = [] if "in_place" in app["source"] else sorted({"instance", *(path.strip("/") for path in app.get("persist", []))})
    static = [_static(item, persist) for item in app.get("static", [])]
    return {
        **web,
        "source": complete_source(app["source"]),
        "wsgi": dataclasses.asdict(parse_wsgi(app["wsgi"])),
        "server": server,
        "embeds_python": embeds_python(server, settings[server]),
        "protocol": spoken,
        "reads_chunks": SERVERS[server].reads_chunks,
        "upstream": f"unix:{paths['socket']}",
        "server_requirements": app.get("server_requirements", requirements(server, settings[server])),
        "server_lock": None if "server_requirements" in app else lock(server, settings[server]),
        "workload": app.get("workload", "mixed"),
        "workers": app.get("workers"),
        "threads": app.get("threads"),
        "graceful_timeout_seconds": max(web["timeout_seconds"], app.get("graceful_timeout_seconds", 30)),
        **settings,
        "env": {key: _env_text(value) for key, value in app.get("env", {}).items()},
        "static": static,
        "persist": persist,
        "public": _public(static, [app.get("maintenance_page"), app.get("error_page")]),
        "healthcheck": {"path": "/", "status": None, "timeout_seconds": 60, "successes": 2, **app.get("healthcheck", {})},
        "maintenance_page": app.get("maintenance_page"),
        "error_page": app.get("error_page"),
        "python": app.get("python"),
        "installer": app.get("installer", "uv"),
        "requirements": app.get("requirements"),
        "build_command": app.get("build_command"),
        "keep_releases": app.get("keep_releases", 5),
        "sandbox": {"network": True, "memory_deny_write_execute": True, "proc_subset_pid": True, "memory_max_mb": None, **app.get("sandbox", {})},
        "user": f"flask-{name}",
        "build_user": f"flask-{name}-b",
        "paths": paths,
    }


def _static(given: dict[str, t.Any], persist: list[str]) -> dict[str, str]:
    """A static folder and, as C(base), the path that it is below: C(state) if it outlives releases, otherwise C(current)."""
    path = given["path"].strip("/")
    base = "state" if any(path == name or path.startswith(f"{name}/") for name in persist) else "current"
    return {"url": given["url"].rstrip("/"), "path": path, "base": base}


def _public(static: list[dict[str, str]], pages: list[str | None]) -> dict[str, list[str]]:
    """What the proxy may read of the app, relative to its release and to its state. Everything else is closed to it."""
    folders = {base: {folder["path"] for folder in static if folder["base"] == base} for base in ("current", "state")}
    return {"release": sorted({*folders["current"], *filter(None, pages)}), "state": sorted(folders["state"])}


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
        "certificate": certificate_path(name),
    }
