# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role passenger without a proxy: each app has a Passenger core behind a socket proxy. The core contacts nobody."""

from __future__ import annotations

from testinfra.host import Host

from tests.hosts.socket_proxy import SocketProxyContract


class TestPassenger(SocketProxyContract):
    """The contract, and more."""

    highest_exposure = 1.2
    """It needs chown."""

    def test_core_opens_no_network_connections(self, host: Host) -> None:
        with host.sudo():
            sockets = host.check_output("ss --tcp --udp --all --numeric --no-header --processes")
        assert "assenger" not in sockets and "python" not in sockets, sockets
