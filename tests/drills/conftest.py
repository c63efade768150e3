# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills on real hosts. `-m "not long"` takes the core of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .harness import Host, Server


@pytest.fixture(scope="session")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A host that `site.yml` made out of a bare Debian 13. The drills share it: each leaves it serving, and begins with its own declaration."""
    folder = tmp_path_factory.mktemp("drills")
    with Host.up("web", folder) as host:
        server = Server(host, folder)
        server.apply("site")
        yield server


@pytest.fixture
def server(provisioned: Server) -> Iterator[Server]:
    """The server, with `probe` declared as it comes. Whatever a drill did, the host serves at its end."""
    provisioned.reset()
    yield provisioned
    assert provisioned.host.ask().status == 200, "the drill left a host that does not serve"
