# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of WSGI servers, by server. Each is declared here and used in the server's template, and nowhere else.

An app gives a setting by a key of its server's name, such as C(gunicorn: {preload: true}). For all apps, the variable of the server's role
gives it, here C(gunicorn_preload); its default is the one declared here. C(python -m tests.docs) writes the roles' defaults and specifications.
"""

from __future__ import annotations

import dataclasses

from .providers import SERVERS
from .schema import Key, number

_MAX_REQUESTS = "Requests after which a process is replaced, to limit slow memory leaks. C(0) means never."
_KEEPALIVE = "Seconds that an idle connection from the proxy stays open."


def _extra(server: str, kind: str = "settings") -> Key:
    several = " A list becomes one line for each item." if kind == "lines" else ""
    meaning = f"Further settings under {server}'s own names, written last. An app's settings are added to the role's.{several}"
    return Key(kind, meaning, default={})


SETTINGS: dict[str, dict[str, Key]] = {
    "gunicorn": {
        "worker_class": Key(
            "str",
            "How a worker handles requests. With more than one thread, C(sync) becomes C(gthread). "
            "If an app sets C(gevent) itself, its release includes gevent. If you set C(gevent) by the role's variable, each app must bring gevent.",
            choices=("sync", "gthread", "gevent"),
            default="sync",
        ),
        "worker_connections": number("Connections that one gevent worker handles at a time.", 1, 100000, 1000),
        "max_requests": number(_MAX_REQUESTS, 0, 10000000, 1000),
        "max_requests_jitter": number(
            "Upper bound of a random number added to C(max_requests), so that workers are not all replaced at once.", 0, 10000000, 100
        ),
        "keepalive_seconds": number(_KEEPALIVE, 0, 3600, 2),
        "preload": Key(
            "bool",
            "Import the app once, before gunicorn forks the workers. Turn it on only if the app opens no connections and starts no threads at import. "
            "The workers would share such connections, which breaks most database drivers, and such threads would not run in any worker. "
            "It saves little memory: 38 of 112 MiB with five workers of the sample app (C(make bench)).",
            default=False,
        ),
        "extra_settings": _extra("gunicorn"),
    },
    "uwsgi": {
        "package": Key("str", "Where to install uWSGI from.", choices=("pypi", "debian"), default="pypi", variable=False),
        "protocol": Key("str", "Protocol between the proxy and uWSGI.", choices=("http", "uwsgi"), default="http", variable=False),
        "cheaper": number("Number of workers to keep when there is little to do. C(0) keeps all of them.", 0, 512, 0),
        "max_requests": number(_MAX_REQUESTS, 0, 10000000, 1000),
        "buffer_size": number("Largest size of a request's headers in bytes. The path counts up to four times.", 4096, 65535, 65535),
        "extra_settings": _extra("uWSGI", "lines"),
    },
    "granian": {
        "backpressure": number(
            "Requests that one worker accepts at a time. Further ones wait in the socket's queue. C(0) means granian's own default.", 0, 100000, 0
        ),
        "extra_settings": _extra("granian"),
    },
    "waitress": {
        "connection_limit": number("Connections that waitress accepts from the proxy at a time. Further ones wait in the socket's queue.", 1, 100000, 1000),
        "channel_timeout_seconds": number("Seconds after which an idle connection is closed.", 1, 86400, 120),
        "extra_settings": _extra("waitress"),
    },
    "mod_wsgi": {
        "max_requests": number(
            f"{_MAX_REQUESTS} mod_wsgi adds no random spread, so processes of the same age are replaced at about the same time.", 0, 10000000, 0
        ),
        "keepalive_seconds": number(_KEEPALIVE, 1, 3600, 5),
        "connections": number(
            "Requests that may run or wait at a time, rounded up to a multiple of 64. Further ones wait in the socket's queue.", 16, 4096, 256
        ),
        "extra_configuration": Key("str", "Raw configuration for the slot's private Apache, written last. An app's lines come after the role's.", default=""),
    },
    "passenger": {
        "max_requests": number(_MAX_REQUESTS, 0, 10000000, 0),
        "queue_size": number("Requests that may wait for a free process. Further ones get 503. Passenger's own default is 100.", 1, 100000, 2048),
    },
    "fastcgi": {},
}

_AUTO = "C(auto) derives the number from the app's C(workload) and this host, see C(docs/servers.md)"
_MORE = {
    "gunicorn_threads": " With more than 1, the worker class C(sync) becomes C(gthread).",
    "passenger_workers": " Passenger starts all of them at once.",
}


def variables(server: str) -> dict[str, tuple[str, Key]]:
    """The variables of a server's role: of each, the setting it is the default of, and its declaration, in the order of the reference."""
    kind, found = SERVERS[server], {}
    if kind.processes:
        room = f"Together, the processes of all apps use at most half of the host's memory, at C({server}_worker_memory_mb) each"
        found["workers"] = Key("auto", f"Number of worker processes of an app. {_AUTO}. {room}.", low=1, high=512, default="auto")
        found["worker_memory_mb"] = number("Memory in MiB that one process is expected to use. C(auto) calculates with it.", 1, 1048576, 128)
    if kind.threads:
        found["threads"] = Key("auto", f"Number of threads in each process. {_AUTO}.", low=1, high=1024, default="auto")
    found |= {name: key for name, key in SETTINGS[server].items() if key.variable}
    return {f"{server}_{name}": (name, dataclasses.replace(key, meaning=key.meaning + _MORE.get(f"{server}_{name}", ""))) for name, key in found.items()}
