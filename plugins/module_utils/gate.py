# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask an app whether it is healthy: through its own socket, and through the public door."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import typing as t

_INTERVAL_SECONDS = 0.2
_REQUEST_SECONDS = 10.0


class GateError(Exception):
    """The app did not become healthy in time."""


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_REQUEST_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


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
    """The health check of one app, from its key C(healthcheck)."""

    def __init__(self, healthcheck: dict[str, t.Any], domain: str | None) -> None:
        self._check = healthcheck
        self._domain = domain or "localhost"

    def wait(self, path: str, dead: t.Callable[[], str]) -> None:
        """Ask through the socket ``path`` until healthy so many times in a row.

        :param dead: returns why the service can no longer become healthy, or an empty text.
        :raises GateError: with the last answer.
        """
        end = time.monotonic() + self._check["timeout_seconds"]
        good, answer = 0, "nothing"
        while good < self._check["successes"]:
            healthy, answer = self._ask(_SocketConnection(path))
            good = good + 1 if healthy else 0
            reason = "" if healthy else dead()
            if reason or time.monotonic() > end:
                raise GateError(f"GET {self._check['path']} gave {answer}; {reason or self._patience()}")
            if good < self._check["successes"]:
                time.sleep(_INTERVAL_SECONDS)

    def public_answer(self) -> tuple[bool, str]:
        """Whether the public door gives a healthy answer now, and the answer in words."""
        return self._ask(_PublicConnection(self._domain))

    def _patience(self) -> str:
        wanted = self._check["status"] or "a status below 500"
        return f"expected {wanted}, {self._check['successes']} times in a row within {self._check['timeout_seconds']} s (key healthcheck)"

    def _ask(self, connection: http.client.HTTPConnection) -> tuple[bool, str]:
        headers = {
            "Host": self._domain,
            "X-Forwarded-For": "127.0.0.1",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": self._domain,
            "User-Agent": "flaskyard-gate",
            "Connection": "close",
        }
        try:
            connection.request("GET", self._check["path"], headers=headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return False, f"no answer ({error or type(error).__name__})"
        finally:
            connection.close()
        healthy = status == self._check["status"] if self._check["status"] else status < 500
        return healthy, f"status {status}"
