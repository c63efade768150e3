# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that changed its proxy, servers or process manager, compared with one that never had another, and with itself once it has changed back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .harness import Host, Server
from .picture import Picture, assert_same

#: The steps of a change: what each declares for the app, and for the host.
Step = tuple[dict[str, Any], dict[str, Any]]
CHANGES: dict[str, list[Step]] = {
    "proxies": [({}, {"flask_proxy": "apache"})],
    "servers": [({"server": "uwsgi"}, {}), ({"server": "waitress"}, {}), ({"server": "mod_wsgi"}, {})],
    "managers": [({}, {"flask_manager": "supervisor"})],
}
#: Of any password: this drill asks for nothing, but users have files of their own.
HASH = "$6$change$8ooE9OwbP64ROyCWSH/02V/gz5bnYszvMp48tBGb5ggFK4iPA.LZ7PosQlxNK8LvLrPb4TKFPiQPIdfTycopU/"


def provision(server: Server, step: Step = ({}, {})) -> Picture:
    """Declare `probe` with what a step says, and make it so."""
    server.reset()
    server.app |= {"access": [{"path": "/env", "users": {"ada": HASH}}], **step[0]}
    server.variables = step[1]
    server.apply("site")
    server.wait("! systemctl is-active --quiet 'flaskyard-retire-*'")
    return Picture.of(server.host)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Picture]]:
    """The host that changes, and what it was like before it ever did."""
    folder = tmp_path_factory.mktemp("changing")
    with Server.provisioned("two-minds", folder) as server:
        yield server, provision(server)


@pytest.mark.parametrize(
    "what",
    [pytest.param(what, marks=[pytest.mark.xdist_group(f"change_of_mind-{what}"), *([pytest.mark.long] if what == "servers" else [])]) for what in CHANGES],
)
def test_nothing_is_left_of_what_was(first: tuple[Server, Picture], what: str, tmp_path: Path) -> None:
    changing, before = first
    with Host.up(f"direct-{what}", tmp_path) as host:
        directly = provision(Server(host, tmp_path), CHANGES[what][-1])
    for step in CHANGES[what]:
        there = provision(changing, step)
    back = provision(changing)
    assert_same(there, directly)
    assert_same(back, before)
