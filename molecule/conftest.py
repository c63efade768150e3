# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of all scenarios share: how to ask a host's web server, and what systemd says of a unit."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from testinfra.host import Host

AUTHORITY = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"], ".cache", "hosts", f"flaskyard-test-{os.environ['MOLECULE_SCENARIO_NAME']}")


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Site:
    """A web server as its clients see it: by name, at an address.

    `trusted` is the PEM file of the authority to validate certificates with; None accepts every certificate.
    """

    address: str
    domain: str
    trusted: Path | None = None

    def connect(self, tls: bool = True) -> socket.socket:
        """Return a connection, after the TLS handshake."""
        plain = socket.create_connection((self.address, 443 if tls else 80), timeout=10)
        if not tls:
            return plain
        context = ssl.create_default_context(cafile=self.trusted) if self.trusted else ssl._create_unverified_context()
        return context.wrap_socket(plain, server_hostname=self.domain)

    def ask(self, path: str = "/", method: str = "GET", body: bytes | None = None, tls: bool = True, **headers: str) -> Answer:
        """Send one request. Header names are keyword arguments, with _ for -."""
        connection = http.client.HTTPConnection(self.address)
        with self.connect(tls) as connection.sock:
            sent = {"Host": self.domain} | {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())


@pytest.fixture
def name(host: Host) -> str:
    """The host's name in the inventory."""
    return str(host.ansible.get_variables()["inventory_hostname"])


@pytest.fixture
def site(host: Host, name: str) -> Site:
    """The host's first domain; every certificate is accepted."""
    return Site(host.ansible.get_variables()["ansible_host"], f"{name}.test")


@pytest.fixture
def unit_property(host: Host) -> Callable[[str, str], str]:
    """Ask systemd for a property of a unit as it is now."""
    return lambda unit, name: host.check_output(f"systemctl show --value --property={name} {unit}")


@pytest.fixture
def exposure(host: Host) -> Callable[[str], float]:
    """Ask systemd how exposed a running unit is, from 0 (best) to 10."""

    def score(unit: str) -> float:
        said = host.run(f"systemd-analyze --no-pager security {unit}").stdout
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        assert found, said
        return float(found[1])

    return score
