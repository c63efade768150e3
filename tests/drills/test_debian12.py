# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usual cloud image: Debian 12, and an account with sudo to log in with."""

from __future__ import annotations

from pathlib import Path

import pytest

from .harness import Host, Server


@pytest.mark.long
def test_the_whole_way_as_an_unprivileged_account(tmp_path: Path) -> None:
    with Host.up("debian12", tmp_path, distribution="bookworm", user="admin") as host:
        server = Server(host, tmp_path)
        first = server.apply("site")
        assert first.changed > 5
        server.settle("site")
        assert server.marker() == "one.a"
        server.app["env"]["PROBE_MARKER"] = "b"
        server.apply()
        assert server.marker() == "one.b"
        host.reboot()
        assert server.marker() == "one.b"
        assert host.sh("systemctl --failed --plain --no-legend") == ""
