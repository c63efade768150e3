# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spread tests over workers, and report how long each part took.

Tests of one group share hosts, so one worker runs them. A folder is a group, unless its tests say otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

#: The longest groups begin first, so that no worker starts one when the others are done. `make test` prints the times at its end.
LONGEST = [
    "release", "offline", "conformance-nginx-systemd", "databases", "crashes", "backup", "unit", "work", "tls", "installed", "trust-nginx",
    "public_files-apache", "change_of_mind-proxies", "failures", "full_host", "hosts", "secrets", "rollback", "managers", "dns", "queues", "networks-nginx",
    "networks-apache", "controllers", "supervisor", "passenger", "examples", "default", "mod_wsgi", "lint", "trust", "changes", "proxy_change",
    "proxy_contract-apache", "frameworks", "sandbox", "layouts", "socketio", "firewall", "proxy_contract-nginx", "change_of_mind-managers",
    "recipes-trixie", "recipes-bookworm", "sanity", "templates", "site",
]  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    groups = {}
    for item in items:
        marker = item.get_closest_marker("xdist_group")
        groups[item] = str(marker.args[0]) if marker else item.path.parent.name
        if marker is None:
            item.add_marker(pytest.mark.xdist_group(groups[item]))
    rank = {group: number for number, group in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(groups[item], len(rank)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how long the parts and groups took if workers share them, in seconds of all workers together."""
    if config.getoption("dist", "no") != "loadgroup":
        return
    parts: dict[str, float] = defaultdict(float)
    groups: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                parts[part_of(report.nodeid)] += report.duration
                groups[report.nodeid.rpartition("@")[2]] += report.duration
    for title, figures in (("minutes of each part, added up over the workers", parts), ("minutes of each group, on one worker", groups)):
        terminalreporter.section(title)
        for name, seconds in sorted(figures.items(), key=lambda figure: -figure[1]):
            terminalreporter.line(f"{seconds / 60:6.1f} {name}")


def part_of(nodeid: str) -> str:
    """The part to which a test belongs: its folder, or what it runs if it is in `suite`."""
    path, dummy, name = nodeid.rpartition("@")[0].partition("::")
    file = Path(path)
    if file.parent.name != "suite":
        return file.parent.name
    if file.name == "test_checks.py":
        return name.partition("[")[2].rstrip("]")
    return "scenarios" if file.name == "test_scenarios.py" else "installation"
