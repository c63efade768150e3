# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health check of an app, on its own socket and through the public address."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import typing as t

from .._host.errors import HostError
from .protocols import Answer, Line, ask_fastcgi, ask_http, ask_uwsgi

_INTERVAL_SECONDS = 0.2
_REQUEST_SECONDS = 10.0
#: How much of a body is searched for the text.
_BODY_BYTES = 65536
_ASK: dict[str, t.Callable[[Line, str, dict[str, str]], Answer]] = {"http": ask_http, "uwsgi": ask_uwsgi, "fastcgi": ask_fastcgi}


class GateError(HostError):
    """The app did not become healthy in time."""


def _connect(path: str, seconds: float, is_hopeless: t.Callable[[], object] | None = None) -> Line:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line = Line(connection, seconds, is_hopeless)
    connection.settimeout(seconds)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return line


def _connect_public(domain: str, seconds: float) -> Line:
    """Connect to this host by HTTPS under a public name. This check ignores who signed the certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", 443), seconds) as plain:
        return Line(context.wrap_socket(plain, server_hostname=domain), seconds)


class Gate:
    """The health check of one app, as the model completes it."""

    def __init__(self, app: dict[str, t.Any]) -> None:
        self._check: dict[str, t.Any] = app["healthcheck"]
        # Records of slots from older versions have neither this nor the port.
        self._body: str = self._check.get("body") or ""
        self._domain: str = app["canonical"] or "localhost"
        self._authority = self._domain + (app.get("port_suffix") or "")
        self._path: str = app["mount"] + self._check["path"]
        self._protocol: str = app["protocol"]

    @property
    def public_url(self) -> str:
        """The URL of the public check."""
        return f"https://{self._authority}{self._path}"

    def wait(self, path: str, dead: t.Callable[[], str]) -> None:
        """Ask through the socket ``path`` until the app was healthy often enough in a row.

        :param dead: returns why the service can no longer become healthy, or an empty text.
        :raises GateError: with the last answer.
        """
        end = time.monotonic() + self._check["timeout_seconds"]
        good = 0
        while True:
            healthy, answer = self.answer(path, end - time.monotonic(), dead)
            good = good + 1 if healthy else 0
            if good == self._check["successes"]:
                return
            reason = "" if healthy else dead()
            # A last request without enough time for an answer would hide the app's previous answer.
            if reason or time.monotonic() > end - 2 * _INTERVAL_SECONDS:
                raise GateError(f"GET {self._path} gave {answer}; {reason or self._patience()}")
            time.sleep(_INTERVAL_SECONDS)

    def answer(self, path: str, seconds: float = _REQUEST_SECONDS, dead: t.Callable[[], str] | None = None) -> tuple[bool, str]:
        """Whether the socket C(path) gives a healthy answer now, and the answer in words.

        :param dead: returns why there will be no answer, or an empty text.
        """
        return self._judge(lambda limit: _connect(path, limit, dead), self._protocol, seconds)

    def speaks(self, path: str) -> bool:
        """Whether the socket C(path) gives any answer, even a bad one."""
        try:
            with _connect(path, _REQUEST_SECONDS) as line:
                _ASK[self._protocol](line, self._path, self._headers)
        except (OSError, ValueError, http.client.HTTPException):
            return False
        return True

    def public_answer(self) -> tuple[bool, str]:
        """Whether the public address gives a healthy answer now, and the answer in words."""
        return self._judge(lambda limit: _connect_public(self._domain, limit), "http", _REQUEST_SECONDS)

    def _patience(self) -> str:
        wanted = f"status {self._check['status']}" if self._check["status"] else "a status below 500"
        wanted += f" and {self._body!r} in the body" if self._body else ""
        return f"expected {wanted}, {self._check['successes']} times in a row within {self._check['timeout_seconds']} s (key healthcheck)"

    def _judge(self, connect: t.Callable[[float], Line], protocol: str, seconds: float) -> tuple[bool, str]:
        status = ""
        try:
            with connect(max(min(seconds, _REQUEST_SECONDS), _INTERVAL_SECONDS)) as line:
                answer = _ASK[protocol](line, self._path, self._headers)
                status = f"status {answer.status}"
                if answer.status != self._check["status"] if self._check["status"] else answer.status >= 500:
                    return False, status
                if self._body and not answer.has(self._body, _BODY_BYTES):
                    return False, f"{status} without {self._body!r} in its body"
        except (OSError, ValueError, http.client.HTTPException) as error:
            said = str(error) or type(error).__name__
            return False, f"{status} and then no body ({said})" if status else f"no answer ({said})"
        return True, status

    @property
    def _headers(self) -> dict[str, str]:
        return {
            "Host": self._authority,
            "X-Forwarded-For": "127.0.0.1",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": self._authority,
            "User-Agent": "flaskyard-gate",
        }
