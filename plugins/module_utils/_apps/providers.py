# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can fill a place in the stack: WSGI servers, proxies, process managers; and what each app needs of its server."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Server:
    """A WSGI server, which a role of the same name runs.

    :param packages: what goes into an app's virtualenv unless the app's own lock brings it.
    :param lowest: the lowest version of the first of them that has run here, tests/drills/test_frameworks.py.
    :param protocol: what its socket speaks: http, uwsgi or fastcgi.
    :param managers: process managers that can run it.
    :param processes: whether it runs more than one process.
    :param threads: whether its processes run more than one thread.
    :param reads_chunks: whether an app gets a body of unknown length, sent in chunks. WSGI itself knows none (PEP 3333, "CONTENT_LENGTH").
    """

    packages: tuple[str, ...] = ()
    lowest: str = ""
    protocol: str = "http"
    managers: tuple[str, ...] = ("systemd", "supervisor")
    processes: bool = True
    threads: bool = True
    reads_chunks: bool = True


SERVERS: dict[str, Server] = {
    # gunicorn before 26 has a control socket that cannot be switched off for good, and stuck workers were seen on 25.1.
    "gunicorn": Server(("gunicorn==27.0.1",), "21.2.0"),
    # A wheel of uWSGI: uWSGI's own distribution has to be compiled.
    "uwsgi": Server(("pyuwsgi==2.0.30",), "2.0.28.post1", reads_chunks=False),
    "granian": Server(("granian==2.8.7",), "2.6.0"),
    "waitress": Server(("waitress==3.0.2",), "2.1.2", processes=False),
    "fastcgi": Server(("flup==1.0.3",), protocol="fastcgi", processes=False, reads_chunks=False),
    # Debian's packages. Each slot has a private one behind a door, a further unit that only systemd runs.
    "mod_wsgi": Server(managers=("systemd",)),
    "passenger": Server(managers=("systemd",), threads=False, reads_chunks=False),
}

#: Who can own ports 80 and 443. Each speaks every protocol.
PROXIES = ("nginx", "apache")

MANAGERS = ("systemd", "supervisor")

#: What a proxy can speak to what is behind it.
PROTOCOLS = ("http", "uwsgi", "fastcgi")


def embeds_python(server: str, settings: dict[str, t.Any]) -> bool:
    """Whether a server with these settings is a program of Debian's that runs apps with the library of Debian's own Python, and so with no other."""
    return server == "mod_wsgi" or settings.get("package") == "debian"


def requirements(server: str, settings: dict[str, t.Any]) -> list[str]:
    """What a server with these settings of an app needs in the app's virtualenv."""
    if embeds_python(server, settings):
        return []
    packages = list(SERVERS[server].packages)
    if server == "gunicorn" and settings.get("worker_class") == "gevent":
        # gunicorn's worker reads the version of gevent by packaging, which neither asks for.
        packages += ["gevent>=24.10.1", "packaging"]
    return packages


def lowest(server: str, settings: dict[str, t.Any]) -> dict[str, str]:
    """The lowest versions that work, by package, of what a server with these settings of an app needs in the app's virtualenv."""
    first, version = SERVERS[server].packages[:1], SERVERS[server].lowest
    return {first[0].partition("==")[0]: version} if version and requirements(server, settings) else {}


def lock(server: str, settings: dict[str, t.Any]) -> str | None:
    """Name of the file in C(roles/python/files/locks) that has C(requirements) with hashes; None when there are none."""
    if not requirements(server, settings):
        return None
    return "gunicorn-gevent" if settings.get("worker_class") == "gevent" else server


def protocol(server: str, settings: dict[str, t.Any]) -> str:
    """What the socket of a server with these settings speaks."""
    return str(settings.get("protocol", SERVERS[server].protocol))
