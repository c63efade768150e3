# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usual cloud image: Debian 12, with a login account that has sudo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .harness import Host, Server

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("debian12")
    with Host.up("debian12", folder, distribution="bookworm", user="admin") as host:
        yield Server(host, folder)


def test_full_setup_as_an_unprivileged_account(server: Server) -> None:
    first = server.apply("site")
    assert first.changed > 5
    server.apply_twice("site")
    assert server.marker() == "one.a"
    server.app["env"]["PROBE_MARKER"] = "b"
    server.apply()
    assert server.marker() == "one.b"
    server.host.reboot()
    assert server.marker() == "one.b"
    assert server.host.sh("systemctl --failed --plain --no-legend") == ""


def test_limit_that_counts_a_load_balancer_as_client_is_refused(server: Server) -> None:
    server.apply("site")
    server.app["rate_limit"] = {"requests_per_second": 1}
    server.variables = {"flask_proxy": "apache", "flask_trusted_networks": ["192.0.2.0/24"]}
    server.play("site").assert_says("rate_limit of probe", "from Debian 13 on", "set flask_proxy to nginx")
    assert server.marker().startswith("one."), "nginx goes on serving"
