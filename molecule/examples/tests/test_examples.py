# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example playbooks: a proxy for a service that runs already, and a server for code that is on the host already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.hosts.client import Site


@pytest.fixture
def trusted(site: Site, authority: Path) -> Site:
    """The site. Its certificate must come from the authority."""
    return replace(site, trusted=authority)


def test_service_is_served_with_a_certificate(trusted: Site, name: str) -> None:
    answer = trusted.ask()
    assert (answer.status, answer.body.decode()) == (200, f"metrics of {name}\n")
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Strict-Transport-Security"]
    assert trusted.ask("/internal/").status == 403
    moved = trusted.ask("/a", tls=False)
    assert (moved.status, moved.headers["Location"]) == (308, f"https://{trusted.domain}/a")


def test_code_is_served_in_place(host: Host, ask: Callable[..., Any]) -> None:
    assert ask("/", app="shop") == {"uid": host.user("flask-shop").uid, "code": "/opt/shop/shop.py", "currency": "EUR"}
    assert host.file("/opt/shop").user == "root"
    assert host.check_output("ls -A /opt/shop").split() == [".venv", "shop.py"], "nothing was put beside it"


def test_nothing_else_is_installed(host: Host) -> None:
    with host.sudo():
        assert host.check_output("ls /srv/flask/shop/venvs") == ""
    assert not any(host.package(name).is_installed for name in ("nftables", "restic"))
