# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role passenger, with no proxy in front: a core for each app, which its socket proxy alone reaches, and which asks nobody on the internet."""

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
