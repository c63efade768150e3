# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes and threads, for every server on small and large hosts."""

from __future__ import annotations

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import SERVERS, Server
from ansible_collections.flaskyard.server.plugins.module_utils._apps.sizing import Size, size


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One server of each kind, whatever there is at the time."""
    monkeypatch.setitem(SERVERS, "one-process", Server(processes=False))
    monkeypatch.setitem(SERVERS, "no-threads", Server(threads=False))


@pytest.mark.parametrize(
    ("server", "workload", "expected"),
    [
        ("gunicorn", "cpu", Size(5, 1)),
        ("gunicorn", "mixed", Size(9, 1)),
        ("gunicorn", "io", Size(9, 8)),
        ("one-process", "cpu", Size(1, 4)),
        ("one-process", "mixed", Size(1, 16)),
        ("one-process", "io", Size(1, 64)),
        ("no-threads", "mixed", Size(9, 1)),
        ("no-threads", "io", Size(17, 1)),
    ],
)
def test_size_on_four_cores(server: str, workload: str, expected: Size) -> None:
    assert size(server, workload, cores=4, memory_mb=16384) == expected


@pytest.mark.parametrize(("memory_mb", "apps", "processes"), [(1024, 1, 4), (1024, 2, 2), (1024, 20, 1), (128, 1, 1), (65536, 20, 9)])
def test_memory_is_the_ceiling(memory_mb: int, apps: int, processes: int) -> None:
    assert size("gunicorn", "mixed", 4, memory_mb, apps).processes == processes


@pytest.mark.parametrize("server", sorted(SERVERS))
@pytest.mark.parametrize("workload", ["cpu", "mixed", "io", "sessions"])
def test_every_server_has_a_size(server: str, workload: str) -> None:
    found = size(server, workload, cores=1, memory_mb=512)
    assert found.processes >= 1 and found.threads >= 1
