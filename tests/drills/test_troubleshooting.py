# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of `docs/troubleshooting.md`: the cause gives the symptom, and the remedy ends it. Load balancers and ports are in `test_networks.py`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from .harness import ROOT, Answer, Host, Server

pytestmark = pytest.mark.long
ROWS = [cells[1].strip() for line in (ROOT / "docs/troubleshooting.md").read_text().splitlines() if len(cells := line.split("|")) == 5]


@dataclass(frozen=True)
class Row:
    """How a row of the page comes about.

    :param cause: keys of the app that give the symptom.
    :param ask: what a visitor does.
    :param status: what he gets.
    :param remedy: the keys that the page says to change.
    """

    symptom: str
    cause: dict[str, Any]
    ask: Callable[[Host], Answer]
    status: set[int]
    remedy: dict[str, Any]


def _often(host: Host) -> Answer:
    return max((host.ask() for dummy in range(9)), key=lambda answer: answer.status)


CASES = [
    Row("**503** with a maintenance page", {"maintenance": True}, lambda host: host.ask(), {503}, {"maintenance": False}),
    Row("**504**", {"timeout_seconds": 1, "graceful_timeout_seconds": 1}, lambda host: host.ask("/slow?seconds=9"), {502, 504}, {"timeout_seconds": 30}),
    Row("**413**", {"max_body_mb": 1}, lambda host: host.ask("/upload", method="POST", body=bytes(2 << 20)), {413}, {"max_body_mb": 4}),
    Row("**429**", {"rate_limit": {"requests_per_second": 1, "burst": 1}}, _often, {429}, {"rate_limit": {"requests_per_second": 50, "burst": 50}}),
    Row(
        "**401** or **403** from the proxy",
        {"access": [{"path": "/", "allow": ["198.51.100.0/24"]}]},
        lambda host: host.ask(),
        {403},
        {"access": [{"path": "/", "allow": ["0.0.0.0/0"]}]},
    ),
]


@pytest.mark.parametrize("row", CASES, ids=lambda row: re.sub(r"\W+", "-", row.symptom).strip("-"))
def test_documented_remedy_ends_the_symptom(row: Row, server: Server) -> None:
    assert row.symptom in ROWS
    server.app |= row.cause | {"healthcheck": {"path": "/healthz"}}
    server.apply("site")
    assert row.ask(server.host).status in row.status
    server.app |= row.remedy
    server.apply("site")
    assert row.ask(server.host).status == 200


def test_proxy_and_app_limits_on_size_differ(server: Server) -> None:
    server.begin("site")
    assert '**414**, or **400** "header too large"' in ROWS
    assert server.host.ask("/?" + "a" * 20_000).status == 414
    assert server.host.ask(headers={"X-Large": "a" * 40_000}).status == 400
    assert server.host.ask("/?" + "a" * 7000, headers={"X-Large": "a" * 7000}).status == 200


def test_static_files_that_the_release_lacks(server: Server) -> None:
    row = "**403 or 404 on static files**"
    assert row in ROWS
    (server.source / "pictures").mkdir()
    (server.source / "pictures" / "a.txt").write_text("a")
    (server.source / "pictures" / "linked.txt").symlink_to("a.txt")
    (server.source / "linked").symlink_to("pictures")
    server.app["static"] = [{"url": "/linked", "path": "linked"}, {"url": "/pictures", "path": "pictures"}]
    server.play("site").assert_says("static, URL '/linked': 'linked' is or leads through a symbolic link")
    server.app["static"].pop(0)
    server.apply("site")
    assert server.host.ask("/pictures/linked.txt").status in (403, 404)
    assert server.host.ask("/pictures/a.txt").status == 200


@pytest.mark.parametrize("proxy", ["nginx", "apache"])
def test_mounted_app_leaves_other_paths_unserved(server: Server, proxy: str) -> None:
    assert "**404 on every page**, 403 behind Apache" in ROWS
    server.app["path"] = "/shop"
    server.variables = {"flask_proxy": proxy}
    server.apply("site")
    for path in ("/", "/index.html", "/icons/", "/manual", "/server-status"):
        answer = server.host.ask(path)
        assert answer.status == (404 if proxy == "nginx" else 403), f"{path}: {answer}"
    assert server.host.ask("/shop/").status == 200
    server.app["path"] = "/"
    server.apply("site")
    assert server.host.ask().status == 200
