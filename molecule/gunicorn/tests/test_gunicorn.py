# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role gunicorn without a proxy: the contract of every slot, and settings of gunicorn."""

from __future__ import annotations

import re

from testinfra.host import Host

from tests.hosts.slot import Ask, SlotContract


class TestGunicorn(SlotContract):
    """The contract, and more."""

    def test_gunicorn_has_no_control_socket(self, host: Host) -> None:
        with host.sudo():
            assert "gunicorn" not in host.check_output("ss --listening --unix --no-header")

    def test_access_log_has_client_and_request_id(self, host: Host, ask: Ask) -> None:
        ask("/request", "X-Forwarded-For: 192.0.2.9", "X-Request-ID: 0123456789abcdef")
        with host.sudo():
            said = host.check_output("journalctl --sync; journalctl --identifier=flask-probe --output=cat --lines=50")
        assert re.search(r'192\.0\.2\.9 0123456789abcdef "GET /request HTTP/1\.1" 200', said), said
