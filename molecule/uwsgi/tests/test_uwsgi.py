# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role uwsgi without a proxy: the contract of every slot, and workers on demand."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from testinfra.host import Host

from tests.hosts.slot import Ask, SlotContract


class TestUwsgi(SlotContract):
    """The contract, and what is uWSGI's own."""

    def test_uwsgi_starts_workers_on_demand(self, host: Host, ask: Ask, service: str, unit_property: Callable[[str, str], str]) -> None:
        def workers() -> int:
            return len(host.check_output(f"pgrep --parent {unit_property(service, 'MainPID')}").split())

        assert workers() == 1
        with ThreadPoolExecutor() as pool:
            answers = [pool.submit(ask, "/slow?seconds=2") for dummy in range(2)]
            assert all(answer.result() for answer in answers)
        assert workers() == 2

    def test_slow_request_is_ended(self, host: Host, ask: Ask, service: str) -> None:
        begin = time.monotonic()
        with pytest.raises(AssertionError, match="RemoteDisconnected"):
            ask("/slow?seconds=60")
        assert time.monotonic() - begin < 15
        assert ask("/").startswith("one.")
        with host.sudo():
            assert "HARAKIRI" in host.check_output(f"journalctl --unit={service} --output=cat")
