# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host after a change of proxy, server or process manager equals one that never had another. It also equals itself after changing back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .harness import Host, Server
from .picture import Picture, assert_same

#: A step of a change: its declarations for the app and for the host.
Step = tuple[dict[str, Any], dict[str, Any]]
CHANGES: dict[str, list[Step]] = {
    "proxies": [({}, {"flask_proxy": "apache"})],
    "servers": [({"server": "uwsgi"}, {}), ({"server": "waitress"}, {}), ({"server": "mod_wsgi"}, {})],
    "managers": [({}, {"flask_manager": "supervisor"})],
}
#: The hash of any password: this drill never logs in, but users have separate files.
HASH = "$6$change$8ooE9OwbP64ROyCWSH/02V/gz5bnYszvMp48tBGb5ggFK4iPA.LZ7PosQlxNK8LvLrPb4TKFPiQPIdfTycopU/"


def provision(server: Server, step: Step = ({}, {})) -> Picture:
    """Declare `probe` as a step says, and apply it."""
    server.reset()
    server.app |= {"access": [{"path": "/env", "users": {"ada": HASH}}], **step[0]}
    server.variables = step[1]
    server.apply("site")
    server.wait("! systemctl is-active --quiet 'flaskyard-retire-*'")
    return Picture.of(server.host)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Picture]]:
    """The host that changes, and its snapshot before the first change."""
    folder = tmp_path_factory.mktemp("changing")
    with Server.provisioned("two-minds", folder) as server:
        yield server, provision(server)


@pytest.mark.parametrize(
    "what",
    [pytest.param(what, marks=[pytest.mark.xdist_group(f"change_of_mind-{what}"), *([pytest.mark.long] if what != "proxies" else [])]) for what in CHANGES],
)
def test_change_of_mind_leaves_nothing_behind(first: tuple[Server, Picture], what: str, tmp_path: Path) -> None:
    changing, before = first
    with Host.up(f"direct-{what}", tmp_path) as host:
        directly = provision(Server(host, tmp_path), CHANGES[what][-1])
    for step in CHANGES[what]:
        there = provision(changing, step)
    back = provision(changing)
    assert_same(there, directly)
    assert_same(back, before)
