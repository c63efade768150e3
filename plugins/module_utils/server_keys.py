# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of an app that are settings of its WSGI server, by server. Each overrides the variable of the server's role."""

from __future__ import annotations

from .app_schema import Key, number

_GUNICORN = {
    "worker_class": Key("str", "how a worker handles requests", choices=("sync", "gthread", "gevent")),
    "worker_connections": number("connections of one gevent worker", 1, 100000),
    "max_requests": number("requests after which a worker is renewed, 0 for never", 0, 10000000),
    "max_requests_jitter": number("spread of max_requests", 0, 10000000),
    "keepalive_seconds": number("seconds that an idle connection is kept", 0, 3600),
    "preload": Key("bool", "whether the app is imported before workers are forked"),
    "extra_settings": Key("settings", "further gunicorn settings by their own names"),
}

_UWSGI = {
    "package": Key("str", "where uWSGI comes from", choices=("pypi", "debian")),
    "protocol": Key("str", "what the proxy speaks to it", choices=("http", "uwsgi")),
    "cheaper": number("workers to go down to, 0 for all of them", 0, 512),
    "max_requests": number("requests after which a worker is renewed, 0 for never", 0, 10000000),
    "buffer_size": number("bytes that the headers of a request may have", 4096, 65535),
    "extra_settings": Key("lines", "further uWSGI settings by their own names, each of one line"),
}

_GRANIAN = {
    "backpressure": number("requests that one worker takes at a time, 0 for granian's own choice", 0, 100000),
    "extra_settings": Key("settings", "further arguments of granian's server by their own names"),
}

_WAITRESS = {
    "connection_limit": number("connections that are accepted at a time", 1, 100000),
    "channel_timeout_seconds": number("seconds after which an idle connection is closed", 1, 86400),
    "extra_settings": Key("settings", "further waitress arguments by their own names"),
}

_MOD_WSGI = {
    "max_requests": number("requests after which a process is renewed, 0 for never", 0, 10000000),
    "keepalive_seconds": number("seconds that an idle connection is kept", 1, 3600),
    "connections": number("requests that may run or wait at a time", 16, 4096),
    "extra_configuration": Key("str", "raw configuration for the slot's own Apache"),
}

_PASSENGER = {
    "max_requests": number("requests after which a process is renewed, 0 for never", 0, 10000000),
    "queue_size": number("requests that may wait for a process; more get 503", 1, 100000),
}

SETTINGS: dict[str, dict[str, Key]] = {
    "gunicorn": _GUNICORN,
    "uwsgi": _UWSGI,
    "granian": _GRANIAN,
    "waitress": _WAITRESS,
    "mod_wsgi": _MOD_WSGI,
    "passenger": _PASSENGER,
}
