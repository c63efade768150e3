# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for all scenarios: requests to a host's web server, and properties of units."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.hosts.client import Site

ASK = """
import http.client, socket, sys
app, method, path, *headers = sys.argv[1:]
connection = http.client.HTTPConnection("probe.test")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(f"/run/flask-{app}/current.sock")
connection.request(method, path, headers=dict(header.split(": ", 1) for header in headers))
print(connection.getresponse().read().decode(), end="")
"""


@pytest.fixture(scope="session")
def prefix() -> str:
    """The prefix of the scenario's hosts."""
    return f"flaskyard-test-{os.environ['MOLECULE_SCENARIO_NAME']}"


@pytest.fixture(scope="session")
def authority(prefix: str) -> Path:
    """The root certificate of the scenario's test CA."""
    return Path(os.environ["MOLECULE_PROJECT_DIRECTORY"], ".cache", "hosts", prefix, "acme-root.pem")


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


@pytest.fixture
def ask(host: Host) -> Callable[..., Any]:
    """Ask an app on its socket, `probe` unless named, as the proxy's account does."""

    def asking(path: str, *headers: str, method: str = "GET", app: str = "probe") -> Any:
        with host.sudo():
            said = host.check_output(shlex.join(["runuser", "-u", "www-data", "--", "python3", "-c", ASK, app, method, path, *headers]))
        return json.loads(said) if said.startswith("{") else said

    return asking


@pytest.fixture
def service(host: Host) -> str:
    """The service of the current slot of `probe`."""
    slot = host.check_output("readlink /run/flask-probe/current.sock").removesuffix(".sock")
    return f"flask-probe@{slot}.service"
