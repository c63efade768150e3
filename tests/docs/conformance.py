# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of what every combination of server, proxy and process manager does, from the last recorded run of its tests."""

from __future__ import annotations

from collections.abc import Iterator

from tests.conformance.combinations import COMBINATIONS
from tests.conformance.results import measured

from .page import ROOT, Block, table

_COLUMNS = {
    "requests per second": "Requests/s",
    "memory, MiB": "Memory, MiB",
    "p99 beside 1,000 slow clients, ms": "p99 beside 1,000 slow clients, ms",
    "failed, worker killed": "Failed, worker killed",
    "gap, worker killed, ms": "Gap, ms",
    "failed, master killed": "Failed, master killed",
    "gap, master killed, ms": "Gap, ms",
}


def blocks() -> Iterator[Block]:
    """The block of docs/servers.md."""
    found = measured()
    rows = []
    for one in COMBINATIONS:
        figures = found.get(one.name, {})
        rows.append([one.way, one.proxy, one.manager, *(f"{figures[key]:,.0f}" if key in figures else "" for key in _COLUMNS)])
    yield Block(ROOT / "docs" / "servers.md", "CONFORMANCE", table(["Server", "Proxy", "Manager", *_COLUMNS.values()], rows))
