# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The throwaway hosts themselves: leftovers of an interrupted run do not stop the next one."""

from __future__ import annotations

import pytest

from .conftest import HOSTS, Run

PREFIX = "flaskyard-test-hosts"


@pytest.mark.xdist_group("installed")
def test_interrupted_host_is_ignored(run: Run) -> None:
    run([*HOSTS, "up", "--prefix", PREFIX, "cut-off"])
    run(["podman", "kill", f"{PREFIX}-cut-off"])
    assert f"{PREFIX}-cut-off does not run" in run([*HOSTS, "up", "--prefix", PREFIX, "other"])
    assert run([*HOSTS, "ssh", "--prefix", PREFIX, "other", "hostname"]).strip() == "other"
    run([*HOSTS, "down", "--prefix", PREFIX])
    assert PREFIX not in run(["podman", "ps", "--all", "--format", "{{.Names}}"])
