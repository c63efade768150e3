# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WSGI servers, proxies and process managers to choose from, and what an app's virtualenv needs for its server."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Server:
    """A WSGI server. A role of the same name runs it.

    :param packages: the packages for an app's virtualenv, unless the app's own lock file has them.
    :param lowest: the lowest tested version of the first package (tests/drills/test_frameworks.py).
    :param protocol: the protocol of its socket: http, uwsgi or fastcgi.
    :param managers: the process managers that can run it.
    :param processes: whether it can run more than one process.
    :param threads: whether its processes can run more than one thread.
    :param reads_chunks: whether it passes chunked request bodies to the app. WSGI itself has no bodies of unknown length (PEP 3333, "CONTENT_LENGTH").
    """

    packages: tuple[str, ...] = ()
    lowest: str = ""
    protocol: str = "http"
    managers: tuple[str, ...] = ("systemd", "supervisor")
    processes: bool = True
    threads: bool = True
    reads_chunks: bool = True


SERVERS: dict[str, Server] = {
    # Before 26, gunicorn's control socket could not be switched off for good, and 25.1 had stuck workers.
    "gunicorn": Server(("gunicorn==27.0.1",), "21.2.0"),
    # pyuwsgi is uWSGI as a wheel. The package uWSGI itself must be compiled.
    "uwsgi": Server(("pyuwsgi==2.0.30",), "2.0.28.post1", reads_chunks=False),
    "granian": Server(("granian==2.8.7",), "2.6.0"),
    "waitress": Server(("waitress==3.0.2",), "2.1.2", processes=False),
    "fastcgi": Server(("flup==1.0.3",), protocol="fastcgi", processes=False, reads_chunks=False),
    # From Debian. Each slot has a private server behind a socket proxy: an additional unit, which only systemd can run.
    "mod_wsgi": Server(managers=("systemd",)),
    "passenger": Server(managers=("systemd",), threads=False, reads_chunks=False),
}

#: The services that can own ports 80 and 443. Each speaks every protocol.
PROXIES = ("nginx", "apache")

MANAGERS = ("systemd", "supervisor")

#: The protocols that a proxy can speak to an app or service.
PROTOCOLS = ("http", "uwsgi", "fastcgi")


def embeds_python(server: str, settings: dict[str, t.Any]) -> bool:
    """Whether a server with these settings is a Debian package that is linked with Debian's Python, and can run no other Python."""
    return server == "mod_wsgi" or settings.get("package") == "debian"


def requirements(server: str, settings: dict[str, t.Any]) -> list[str]:
    """The packages that a server with these settings needs in the app's virtualenv."""
    if embeds_python(server, settings):
        return []
    packages = list(SERVERS[server].packages)
    if server == "gunicorn" and settings.get("worker_class") == "gevent":
        # gunicorn's worker reads the version of gevent with the package packaging, on which neither depends.
        packages += ["gevent>=24.10.1", "packaging"]
    return packages


def lowest(server: str, settings: dict[str, t.Any]) -> dict[str, str]:
    """The lowest working versions, by package, of what a server with these settings needs in the app's virtualenv."""
    first, version = SERVERS[server].packages[:1], SERVERS[server].lowest
    return {first[0].partition("==")[0]: version} if version and requirements(server, settings) else {}


def lock(server: str, settings: dict[str, t.Any]) -> str | None:
    """The name of the file in C(roles/python/files/locks) with C(requirements) and their hashes; None if there are no requirements."""
    if not requirements(server, settings):
        return None
    return "gunicorn-gevent" if settings.get("worker_class") == "gevent" else server


def protocol(server: str, settings: dict[str, t.Any]) -> str:
    """The protocol of the socket of a server with these settings."""
    return str(settings.get("protocol", SERVERS[server].protocol))
