# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server as its clients see it: reached by name, at an address that no resolver knows."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Site:
    """A web server as its clients see it: by name, at an address.

    `trusted` is the PEM file of the authority to validate certificates with; None accepts every certificate.
    """

    address: str
    domain: str
    trusted: Path | None = None

    def connect(self, *versions: ssl.TLSVersion, protocols: Sequence[str] = ()) -> ssl.SSLSocket:
        """Return a connection after the TLS handshake, made with the versions and ALPN protocols given, or any."""
        context = ssl.create_default_context(cafile=self.trusted) if self.trusted else ssl._create_unverified_context()
        if versions:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version, context.maximum_version = min(versions), max(versions)
        context.set_alpn_protocols(protocols)
        return context.wrap_socket(socket.create_connection((self.address, 443), timeout=10), server_hostname=self.domain)

    def ask(
        self, path: str = "/", headers: Mapping[str, str] = MappingProxyType({}), *, method: str = "GET", body: bytes | None = None, tls: bool = True
    ) -> Answer:
        """Send one request, over plain HTTP where `tls` is false, and return the answer."""
        connection = http.client.HTTPConnection(self.address)
        with self.connect() if tls else socket.create_connection((self.address, 80), timeout=10) as connection.sock:
            connection.request(method, path, body, {"Host": self.domain, **headers})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def wait(self, status: int = 200, seconds: float = 20) -> Answer:
        """Ask until the answer has this status, and return it.

        Raises:
            AssertionError: after `seconds`, with what came instead.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = self.ask()
            except OSError as error:
                seen = str(error)
            else:
                if answer.status == status:
                    return answer
                seen = str(answer.status)
            assert time.monotonic() < deadline, f"{self.domain} gives {seen} after {seconds} s, not {status}"
            time.sleep(0.1)
