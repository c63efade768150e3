# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of a slot whose server is behind a socket proxy: the proxy is sandboxed like the slot, and restarts when it is killed."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from testinfra.host import Host

from tests.hosts.exposure import bound
from tests.hosts.slot import Ask, SlotContract


class SocketProxyContract(SlotContract):
    """Tests for the app `probe`; the fixtures `ask` and `service` are of molecule/conftest.py."""

    noticed_seconds = 2.0
    """The socket proxy ends connections to a server that is gone until systemd has stopped it."""

    @pytest.fixture
    def socket_proxy(self, service: str) -> str:
        """The unit of the current slot's socket proxy."""
        return service.replace(".service", "-socket-proxy.service")

    def test_app_runs_from_its_own_virtualenv(self, ask: Ask) -> None:
        assert ask("/process")["prefix"].startswith("/srv/flask/probe/")

    def test_socket_proxy_starts_at_boot(self, host: Host, socket_proxy: str) -> None:
        assert host.service(socket_proxy).is_running and host.service(socket_proxy).is_enabled

    def test_socket_proxy_is_in_a_sandbox(self, host: Host, socket_proxy: str, exposure: Callable[[str], float]) -> None:
        with host.sudo():
            assert exposure(socket_proxy) <= bound(socket_proxy)

    def test_killed_socket_proxy_restarts(self, host: Host, ask: Ask, socket_proxy: str, unit_property: Callable[[str, str], str]) -> None:
        with host.sudo():
            before = unit_property(socket_proxy, "MainPID")
            host.check_output(f"kill -9 {before}")
            time.sleep(self.noticed_seconds)
            assert ask("/").startswith("one."), "the socket stays open meanwhile"
            assert unit_property(socket_proxy, "MainPID") not in ("0", before)
