# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a slot promises besides where a door stands before its server: the door is as safe as the slot, and as hard to kill."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from testinfra.host import Host

from tests.hosts.exposure import bound
from tests.hosts.slot import Ask, SlotContract


class DoorContract(SlotContract):
    """Tests for the app `probe`; the fixtures `ask` and `service` are of molecule/conftest.py."""

    noticed_seconds = 2.0
    """The door ends connections to a server that is gone until systemd has stopped it."""

    @pytest.fixture
    def door(self, service: str) -> str:
        """The unit of the current slot's door."""
        return service.replace(".service", "-door.service")

    def test_app_runs_from_its_own_virtualenv(self, ask: Ask) -> None:
        assert ask("/process")["prefix"].startswith("/srv/flask/probe/")

    def test_door_starts_at_boot(self, host: Host, door: str) -> None:
        assert host.service(door).is_running and host.service(door).is_enabled

    def test_door_is_in_a_sandbox(self, host: Host, door: str, exposure: Callable[[str], float]) -> None:
        with host.sudo():
            assert exposure(door) <= bound(door)

    def test_killed_door_comes_back(self, host: Host, ask: Ask, door: str, unit_property: Callable[[str, str], str]) -> None:
        with host.sudo():
            before = unit_property(door, "MainPID")
            host.check_output(f"kill -9 {before}")
            time.sleep(self.noticed_seconds)
            assert ask("/").startswith("one."), "the socket stays open meanwhile"
            assert unit_property(door, "MainPID") not in ("0", before)
