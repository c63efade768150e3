# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes and threads, for every server on small and large hosts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.flaskyard.server.plugins.filter.sized import sized
from ansible_collections.flaskyard.server.plugins.module_utils.app_model import complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils.providers import SERVERS, Server
from ansible_collections.flaskyard.server.plugins.module_utils.sizing import Size, size


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


@pytest.mark.parametrize(
    ("keys", "role", "expected"),
    [
        ({}, {}, (5, 1)),
        ({"workers": 3}, {"workers": 7, "threads": 2}, (3, 2)),
        ({"threads": 6}, {"workers": "4"}, (4, 6)),
        ({"workload": "io"}, {}, (5, 8)),
    ],
)
def test_who_says_a_number_gets_it(keys: dict[str, Any], role: dict[str, Any], expected: tuple[int, int]) -> None:
    [app] = complete_apps([{"name": "shop", "source": {"path": "shop"}, "wsgi": "shop:app", **keys}])
    answer = sized(app, {"cores": 2, "memory_mb": 4096}, **role)
    assert (answer["processes"], answer["threads"]) == expected


@pytest.mark.parametrize("given", ["Auto", "many", "", 0, -2, "0", None, True, [4]])
@pytest.mark.parametrize("what", ["workers", "threads"])
def test_a_variable_that_is_no_number_is_refused_by_its_name(what: str, given: Any) -> None:
    [app] = complete_apps([{"name": "shop", "source": {"path": "shop"}, "wsgi": "shop:app", "server": "granian", "workers": 3, "threads": 2}])
    with pytest.raises(AnsibleFilterError, match=rf"granian_{what} is .*; expected auto, or a number from 1"):
        sized(app, {"cores": 2, "memory_mb": 4096}, **{what: given})


@pytest.mark.parametrize("server", sorted(SERVERS))
@pytest.mark.parametrize("workload", ["cpu", "mixed", "io"])
def test_every_server_has_a_size(server: str, workload: str) -> None:
    found = size(server, workload, cores=1, memory_mb=512)
    assert found.processes >= 1 and found.threads >= 1
