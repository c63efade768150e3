# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of an app on this host, and every setting of its server, for the server's templates.

Both follow from the host's facts and from variables of the server's role, which are set where the role is used. So the model of a host's
apps, which is made before any role runs, cannot have them.
"""

from __future__ import annotations

import typing as t

from .schema import Key, Problem, check_value
from .server_keys import variables
from .sizing import size

App = dict[str, t.Any]
#: Threads in one process of a slot's private Apache.
_APACHE_THREADS = 64
#: The texts that Ansible reads as true and false.
_TRUE, _FALSE = {"y", "yes", "on", "1", "true", "t"}, {"n", "no", "off", "0", "false", "f"}


class ServingError(ValueError):
    """A variable of a server's role is not usable."""


def served(apps: list[App], server: str, host: dict[str, t.Any], given: dict[str, t.Any]) -> list[App]:
    """The apps of one server, with C(size) (C(processes) and C(threads)) and complete C(settings).

    :param apps: all completed apps of the host, since they share its memory.
    :param host: the host's facts, with C(cores) and C(memory_mb).
    :param given: the variables of the server's role, by name. A missing one has its default.
    :raises ServingError: naming the variable and its allowed values.
    """
    declared = variables(server)
    defaults = {setting: _value(name, key, given.get(name, key.default)) for name, (setting, key) in declared.items()}
    return [{**app, **_served(app, defaults, host, len(apps))} for app in apps if app["server"] == server]


def _served(app: App, defaults: dict[str, t.Any], host: dict[str, t.Any], apps: int) -> App:
    own: dict[str, t.Any] = {**defaults, **app["settings"]}
    if app["workload"] == "sessions" and "max_requests" in own:
        # A process that is replaced forgets its clients.
        own["max_requests"] = 0
    auto = size(app["server"], app["workload"], int(host["cores"]), int(host["memory_mb"]), apps, own.pop("worker_memory_mb", 128))
    chosen = {}
    for name, computed in (("workers", auto.processes), ("threads", auto.threads)):
        of_role = own.pop(name, "auto")
        if app["workload"] == "sessions":
            of_role = "auto"
        chosen[name] = app[name] or (computed if of_role == "auto" else of_role)
    if "extra_settings" in own:
        own["extra_settings"] = dict(sorted({**defaults["extra_settings"], **own["extra_settings"]}.items()))
    if "extra_configuration" in own:
        own["extra_configuration"] = [defaults["extra_configuration"], app["settings"].get("extra_configuration", "")]
    if follow := _FOLLOWING.get(app["server"]):
        own |= follow(own, chosen["workers"], chosen["threads"])
    return {"size": {"processes": chosen["workers"], "threads": chosen["threads"]}, "settings": own}


def _gunicorn(own: dict[str, t.Any], _processes: int, threads: int) -> dict[str, t.Any]:
    return {"worker_class": "gthread" if own["worker_class"] == "sync" and threads > 1 else own["worker_class"]}


def _uwsgi(own: dict[str, t.Any], processes: int, _threads: int) -> dict[str, t.Any]:
    return {"cheaper": own["cheaper"] if own["cheaper"] < processes else 0}


def _mod_wsgi(own: dict[str, t.Any], _processes: int, _threads: int) -> dict[str, t.Any]:
    groups = -(-own["connections"] // _APACHE_THREADS)
    return {"connections": groups * _APACHE_THREADS, "apache_processes": groups}


#: Settings of a server that follow from others.
_FOLLOWING: dict[str, t.Callable[[dict[str, t.Any], int, int], dict[str, t.Any]]] = {"gunicorn": _gunicorn, "uwsgi": _uwsgi, "mod_wsgi": _mod_wsgi}


def _value(name: str, key: Key, value: t.Any) -> t.Any:
    """The value of a role's variable. From the command line it may be text.

    :raises ServingError: if it is not usable.
    """
    if key.kind == "auto" and value == "auto":
        return value
    if isinstance(value, str) and key.kind in ("int", "auto") and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, str) and key.kind == "bool":
        value = value.lower() in _TRUE if value.lower() in _TRUE | _FALSE else value
    problems: list[Problem] = []
    check_value(key, value, name, problems)
    if problems:
        raise ServingError("\n".join(problem.text for problem in problems))
    return value
