# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app is: its defaults, validation, paths and unit names. Pure Python, no Ansible.

C(complete_apps) takes the list C(flask_apps) as users write it, and returns the apps that roles and templates
use. It finds every problem of every app before it reports the first.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .balancers import balancer_problems
from .directory import directory_problems, in_directory, root_of
from .keys import APP, HOST
from .providers import MANAGERS, PROXIES, SERVERS, embeds_python, lock, lowest, protocol, requirements
from .sandbox import sandbox_problems
from .schema import complete, problems_of, show
from .secret_files import complete_secret_files, secret_file_problems
from .server_keys import SETTINGS
from .sites import sites, user_files
from .source import complete_source, source_problems
from .state import complete_state, state_problems
from .static import first_path, served, served_of_release, static_problems
from .stores import queue_place, store_environment, store_problems, store_units
from .web import certificate_path, clashes, complete_service, complete_web, service_problems, web_problems
from .work import complete_work, work_problems
from .wsgi_target import parse_wsgi

_Find = t.Callable[[t.Any], t.Iterator[str]]
_Complete = t.Callable[[dict[str, t.Any]], dict[str, t.Any]]


class AppModelError(ValueError):
    """The list of apps is not usable. ``problems`` has one line for each problem."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"The inventory has {count}; nothing was touched:", *(f"  - {line}" for line in problems)]))


def complete_apps(
    apps: t.Any,
    proxy: t.Any = "nginx",
    manager: t.Any = "systemd",
    services: t.Any = (),
    trusted_networks: t.Any = (),
    proxy_protocol: t.Any = False,
    tls_terminated_by: t.Any = HOST["flask_tls_terminated_by"].default,
    deploy_log: t.Any = HOST["flask_deploy_log"].default,
    on_failure: t.Any = (),
) -> list[dict[str, t.Any]]:
    """Validate and complete a list of apps, and the other variables of a host that concern them.

    :param apps: the value of C(flask_apps).
    :param proxy: the value of C(flask_proxy).
    :param manager: the value of C(flask_manager).
    :param services: the value of C(flask_proxy_services): other services behind the proxy.
    :param trusted_networks: the value of C(flask_trusted_networks).
    :param proxy_protocol: the value of C(flask_proxy_protocol).
    :param tls_terminated_by: the value of C(flask_tls_terminated_by).
    :param deploy_log: the value of C(flask_deploy_log).
    :param on_failure: the value of C(flask_on_failure).
    :returns: one dictionary for each app, then one for each service, with every key present. The same input gives the same output.
    :raises AppModelError: with every problem found.
    """
    problems = []
    for variable, given, example in (("flask_apps", apps, "apps"), ("flask_proxy_services", services, "services")):
        if not isinstance(given, (list, tuple)):
            problems.append(f"{variable} is a {type(given).__name__}; expected a list of {example}, each beginning with '- name: …'")
    for variable, value, choices in (("flask_proxy", proxy, PROXIES), ("flask_manager", manager, MANAGERS)):
        if value not in choices:
            problems.append(f"{variable} is {show(value)}; expected one of {', '.join(choices)}")
    problems += balancer_problems(trusted_networks, proxy_protocol, tls_terminated_by)
    for variable, value in (("flask_deploy_log", deploy_log), ("flask_on_failure", on_failure)):
        problems += problems_of({variable: HOST[variable]}, {variable: value})
    failing = {"on_failure": [*on_failure] if isinstance(on_failure, (list, tuple)) else []}
    completed = [
        *_completed("app", apps, functools.partial(_problems_of, manager=manager), lambda app: {**_complete(app), **failing}, problems),
        *_completed("service", services, service_problems, complete_service, problems),
    ]
    problems += clashes(completed)
    if problems:
        raise AppModelError(problems)
    return completed


def complete_host(**declared: t.Any) -> dict[str, t.Any]:
    """Everything that roles and templates select from: C(apps), C(places) (the apps, then the services), C(sites) of the proxy and its C(user_files).

    :param declared: the arguments of C(complete_apps).
    :raises AppModelError: with every problem found.
    """
    places = complete_apps(**declared)
    count = len(declared["apps"])
    return {"apps": places[:count], "places": places, "sites": sites(places), "user_files": user_files(places)}


def _completed(kind: str, given: t.Any, find_problems: _Find, complete: _Complete, problems: list[str]) -> t.Iterator[dict[str, t.Any]]:
    """The valid items of a list, completed. The problems of the others are appended to C(problems)."""
    for number, item in enumerate(given if isinstance(given, (list, tuple)) else ()):
        name = item.get("name") if isinstance(item, dict) else None
        found = list(find_problems(item))
        problems += [f"{f'{kind} {show(name)}' if name else f'item {number + 1} of the {kind}s'}: {problem}" for problem in found]
        if not found:
            yield complete(item)


def bare_app(name: str) -> dict[str, t.Any]:
    """An app that is known only by its name: the paths and units that are needed to remove it.

    :raises AppModelError: if it is not a valid name of an app.
    """
    return complete_apps([{"name": name, "source": {"path": "/"}, "wsgi": "gone:app"}])[0]


def _problems_of(app: t.Any, manager: str) -> t.Iterator[str]:
    problems = problems_of(APP, app)
    yield from problems
    if problems:
        return
    server = app.get("server", "gunicorn")
    if manager in MANAGERS and manager not in SERVERS[server].managers:
        yield f"server {server!r} does not run under flask_manager {manager!r}; managers that run it: {', '.join(SERVERS[server].managers)}"
    if manager == "supervisor" and app.get("sandbox"):
        yield "sandbox has no effect under flask_manager 'supervisor', which has no sandbox for each app; remove sandbox, or use flask_manager 'systemd'"
    for process in app.get("processes", []) if manager == "supervisor" else ():
        if process.get("memory_max_mb"):
            yield f"processes: memory_max_mb of {process['name']!r} has no effect under flask_manager 'supervisor'; remove it, or use flask_manager 'systemd'"
    if app.get("workload") == "sessions":
        yield from _session_problems(app, server)
    if "python" in app and embeds_python(server, app.get(server, {})):
        yield f"python is {app['python']!r}, and server {server!r} of Debian runs only Debian's own Python; remove python, or choose another server"
    yield from source_problems(app)
    yield from secret_file_problems(app)
    yield from directory_problems(app)
    yield from sandbox_problems(app)
    yield from state_problems(app)
    yield from store_problems(app)
    yield from web_problems(app)
    yield from work_problems(app)
    yield from static_problems(app)
    try:
        parse_wsgi(app["wsgi"])
    except ValueError as error:
        yield f"wsgi is {app['wsgi']!r}; {error}"


def _session_problems(app: dict[str, t.Any], server: str) -> t.Iterator[str]:
    if not SERVERS[server].threads:
        yield f"workload 'sessions' needs many threads in one process, and server {server!r} has one; choose another server, such as gunicorn"
    if app.get("workers", 1) != 1:
        yield f"workload 'sessions' keeps all clients in one process, and workers is {app['workers']}; remove one of the two"
    if app.get(server, {}).get("max_requests"):
        yield f"workload 'sessions' keeps the process that knows the clients, and {server}.max_requests replaces it; remove one of the two"


def _complete(app: dict[str, t.Any]) -> dict[str, t.Any]:
    app = in_directory(app)
    declared = complete(APP, app)
    name: str = app["name"]
    server: str = declared["server"]
    settings = {**_default_settings(server), **app.get(server, {})}
    spoken = protocol(server, settings)
    web = complete_web(app)
    graceful = max(web["timeout_seconds"], declared["graceful_timeout_seconds"])
    paths = _paths(name, spoken)
    state = complete_state(app)
    static = served(declared["static"], state["persist"])
    target = parse_wsgi(app["wsgi"])
    return {
        **{key: value for key, value in declared.items() if key not in SETTINGS},
        **web,
        **complete_work(declared),
        "source": complete_source(app["source"]),
        "wsgi": dataclasses.asdict(target),
        "code_suffix": f"/{declared['directory']}" if declared["directory"] else "",
        "settings": settings,
        "embeds_python": embeds_python(server, settings),
        "protocol": spoken,
        "reads_chunks": SERVERS[server].reads_chunks,
        "upstream": f"unix:{paths['socket']}",
        "server_requirements": app.get("server_requirements", requirements(server, settings)),
        "server_lowest": lowest(server, settings),
        "server_lock": None if "server_requirements" in app else lock(server, settings),
        "graceful_timeout_seconds": graceful,
        # The server ends by itself after the graceful timeout. The process manager must wait longer.
        "stop_timeout_seconds": graceful + 10,
        "env": {
            # The command flask finds the app by this variable.
            "FLASK_APP": f"{target.module}:{target.expression}",
            **store_environment(name, declared["database"], declared["database_pool"], declared["queue"]),
            **{key: _env_text(value) for key, value in declared["env"].items()},
        },
        "files": complete_secret_files(app),
        "queue_place": queue_place(name, declared["queue"]) if declared["queue"] else None,
        "store_units": store_units(name, declared["database"], declared["database_pool"], declared["queue"]),
        "static": static,
        "healthcheck": {**declared["healthcheck"], "path": app.get("healthcheck", {}).get("path") or first_path(static)},
        **state,
        "public": _public(static, [declared["maintenance_page"], declared["error_page"]]),
        "served": served_of_release(static, {key: declared[key] for key in ("maintenance_page", "error_page")}),
        "user": f"flask-{name}",
        "build_user": f"flask-{name}-b",
        "paths": paths,
    }


def _default_settings(server: str) -> dict[str, t.Any]:
    """Defaults of the settings that are keys of an app but not variables of the server's role."""
    return {name: key.default for name, key in SETTINGS[server].items() if not key.variable}


def _public(static: list[dict[str, str]], pages: list[str | None]) -> dict[str, list[str]]:
    """The paths that the proxy may read, relative to the release and to the state. It can read nothing else."""
    folders = {base: {folder["path"] for folder in static if folder["base"] == base} for base in ("current", "state")}
    return {"release": sorted({*folders["current"], *filter(None, pages)}), "state": sorted(folders["state"])}


def _env_text(value: t.Any) -> str:
    """A value as the app's environment has it: true and false in lower case, as in YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _paths(name: str, spoken: str) -> dict[str, str]:
    root = root_of(name)
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
