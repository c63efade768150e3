# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask an app whether it is healthy: through its own socket, and through the public door."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
import typing as t

from .native_protocols import ask_fastcgi, ask_uwsgi, cgi_variables

_INTERVAL_SECONDS = 0.2
_REQUEST_SECONDS = 10.0


class GateError(Exception):
    """The app did not become healthy in time."""


def _connect(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_REQUEST_SECONDS)
    connection.connect(path)
    return connection


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_REQUEST_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = _connect(self._path)


class _PublicConnection(http.client.HTTPSConnection):
    """HTTPS to this host under a public name; who signed the certificate is not this check's business."""

    def __init__(self, domain: str) -> None:
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE
        super().__init__(domain, timeout=_REQUEST_SECONDS)

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


class Gate:
    """The health check of one app, as the model completes it."""

    def __init__(self, app: dict[str, t.Any]) -> None:
        self._check: dict[str, t.Any] = app["healthcheck"]
        self._domain: str = app["canonical"] or "localhost"
        self._path: str = app["mount"] + self._check["path"]
        self._protocol: str = app["protocol"]

    @property
    def public_url(self) -> str:
        """Where the public door is."""
        return f"https://{self._domain}{self._path}"

    def wait(self, path: str, dead: t.Callable[[], str]) -> None:
        """Ask through the socket ``path`` until healthy so many times in a row.

        :param dead: returns why the service can no longer become healthy, or an empty text.
        :raises GateError: with the last answer.
        """
        end = time.monotonic() + self._check["timeout_seconds"]
        good, answer = 0, "nothing"
        while good < self._check["successes"]:
            healthy, answer = self._judge(lambda: self._ask_socket(path))
            good = good + 1 if healthy else 0
            reason = "" if healthy else dead()
            if reason or time.monotonic() > end:
                raise GateError(f"GET {self._path} gave {answer}; {reason or self._patience()}")
            if good < self._check["successes"]:
                time.sleep(_INTERVAL_SECONDS)

    def public_answer(self) -> tuple[bool, str]:
        """Whether the public door gives a healthy answer now, and the answer in words."""
        return self._judge(lambda: self._ask_http(_PublicConnection(self._domain)))

    def _patience(self) -> str:
        wanted = self._check["status"] or "a status below 500"
        return f"expected {wanted}, {self._check['successes']} times in a row within {self._check['timeout_seconds']} s (key healthcheck)"

    def _judge(self, ask: t.Callable[[], int]) -> tuple[bool, str]:
        try:
            status = ask()
        except (OSError, ValueError, http.client.HTTPException) as error:
            return False, f"no answer ({error or type(error).__name__})"
        healthy = status == self._check["status"] if self._check["status"] else status < 500
        return healthy, f"status {status}"

    def _ask_socket(self, path: str) -> int:
        if self._protocol == "http":
            return self._ask_http(_SocketConnection(path))
        ask = {"uwsgi": ask_uwsgi, "fastcgi": ask_fastcgi}[self._protocol]
        with _connect(path) as connection:
            return ask(connection, cgi_variables(self._path, self._headers))

    def _ask_http(self, connection: http.client.HTTPConnection) -> int:
        with contextlib.closing(connection):
            connection.request("GET", self._path, headers={**self._headers, "Connection": "close"})
            return connection.getresponse().status

    @property
    def _headers(self) -> dict[str, str]:
        return {
            "Host": self._domain,
            "X-Forwarded-For": "127.0.0.1",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": self._domain,
            "User-Agent": "flaskyard-gate",
        }
