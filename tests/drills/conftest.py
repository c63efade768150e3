# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills on real hosts. `-m "not long"` selects the core of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import PROXIES

from .harness import DOMAIN, Server

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each module of drills has a separate host, or one for each proxy, so any worker can run it."""
    for item in items:
        if item.path.parent == HERE and isinstance(item, pytest.Function) and item.get_closest_marker("xdist_group") is None:
            parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
            proxies = [value for value in parameters if value in PROXIES]
            item.add_marker(pytest.mark.xdist_group("-".join([item.path.stem.removeprefix("test_"), *proxies])))


@pytest.fixture(scope="module")
def provisioned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A host that `site.yml` has provisioned. The drills of a module share it. Each begins with its own declaration, and leaves the host serving."""
    name = request.path.stem.removeprefix("test_").replace("_", "-")
    with Server.provisioned(name, tmp_path_factory.mktemp(name), getattr(request.module, "DOMAINS", DOMAIN)) as server:
        yield server


@pytest.fixture
def server(provisioned: Server) -> Iterator[Server]:
    """The server with the default declaration of `probe`. Whatever a drill does, the host serves at its end."""
    provisioned.reset()
    yield provisioned
    assert provisioned.host.ask().status == 200, "the drill left a host that does not serve"
