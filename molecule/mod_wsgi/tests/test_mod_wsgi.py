# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role mod_wsgi without a proxy: each app has a private Apache behind a socket proxy."""

from __future__ import annotations

import re

import pytest
from testinfra.host import Host

from tests.hosts.slot import Ask
from tests.hosts.socket_proxy import SocketProxyContract


class TestModWsgi(SocketProxyContract):
    """The contract, and what is a private Apache's own."""

    @pytest.fixture
    def address(self, host: Host, socket_proxy: str) -> list[str]:
        """Address and port of the Apache of `probe`."""
        said = host.check_output(f"systemctl show --value --property=ExecStart {socket_proxy}")
        found = re.search(r" (127\.77\.\d+\.\d+):(\d+) ;", said)
        assert found, said
        return list(found.groups())

    def test_no_app_reaches_an_apache_past_its_socket_proxy(self, host: Host, ask: Ask, address: list[str]) -> None:
        path = f"/connect?host={address[0]}&port={address[1]}"
        for app in ("neighbour", "probe"):
            assert ask("/connect?host=127.0.0.1&port=22", app=app)["connected"] is True, "it has a network"
            assert ask(path, app=app)["connected"] is False
        assert ask("/", app="neighbour").startswith("one.")

    def test_apache_listens_only_for_socket_proxies(self, host: Host) -> None:
        assert not host.file("/usr/lib/systemd/system/apache2.service").exists
        with host.sudo():
            listening = host.check_output("ss --listening --tcp --numeric --no-header --processes | grep apache2").splitlines()
        assert len(listening) == 2 and all(re.search(r" 127\.77\.\d+\.\d+:\d+ ", line) for line in listening), listening

    def test_log_is_in_the_journal_with_client_and_request_id(self, host: Host, ask: Ask) -> None:
        ask("/log?text=to-be-found", "X-Forwarded-For: 192.0.2.9", "X-Request-ID: 0123456789abcdef")
        with host.sudo():
            said = host.check_output("journalctl --sync; journalctl --identifier=flask-probe --output=cat --lines=80")
        assert re.search(r'192\.0\.2\.9 0123456789abcdef "GET /log\?text=to-be-found HTTP/1\.1" 200', said), said
        assert "stderr to-be-found" in said
