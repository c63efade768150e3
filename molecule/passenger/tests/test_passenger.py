# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role passenger, with no proxy in front: a core for each app, which its door alone reaches, and which asks nobody on the internet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from testinfra.host import Host


@pytest.fixture
def door(service: str) -> str:
    """The unit of the current slot's door."""
    return service.replace(".service", "-door.service")


def test_app_answers_from_its_own_virtualenv(host: Host, ask: Callable[..., Any]) -> None:
    process = ask("/process")
    assert ask("/").startswith("one.")
    assert process["prefix"].startswith("/srv/flask/probe/")
    assert process["uid"] == host.user("flask-probe").uid


def test_all_units_start_at_boot(host: Host, service: str, door: str) -> None:
    for unit in (service, door, service.replace(".service", ".socket")):
        assert host.service(unit).is_running and host.service(unit).is_enabled


def test_sandbox(host: Host, ask: Callable[..., Any], service: str, door: str, exposure: Callable[[str], float]) -> None:
    process = ask("/process")
    assert (int(process["capabilities"], 16), process["no_new_privileges"], process["seccomp"]) == (0, True, True)
    with host.sudo():
        assert exposure(service) <= 1.5
        assert exposure(door) <= 1.5


def test_it_has_no_network_connection_of_its_own(host: Host) -> None:
    with host.sudo():
        sockets = host.check_output("ss --tcp --udp --all --numeric --no-header --processes")
    assert "assenger" not in sockets and "python" not in sockets, sockets


@pytest.mark.parametrize("unit", ["service", "door"])
def test_killed_unit_comes_back_and_visitors_wait(
    host: Host, ask: Callable[..., Any], request: pytest.FixtureRequest, unit: str, unit_property: Callable[[str, str], str]
) -> None:
    name = request.getfixturevalue(unit)
    with host.sudo():
        before = unit_property(name, "MainPID")
        host.check_output(f"kill -9 {before}; sleep 0.2")
        assert ask("/").startswith("one."), "the socket stays open meanwhile"
        assert unit_property(name, "MainPID") not in ("0", before)
