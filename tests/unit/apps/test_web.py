# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that Flaskyard does not run, beside the apps."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils._apps.sites import sites

SERVICE = {"name": "metrics", "domains": ["metrics.example.com"], "upstream": "127.0.0.1:3000"}
APP = {"name": "shop", "source": {"path": "shop"}, "wsgi": "shop:app", "domains": ["shop.example.com"]}


def problems(*services: t.Any) -> str:
    with pytest.raises(AppModelError) as caught:
        complete_apps([APP], services=list(services))
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "upstream"),
    [
        ("127.0.0.1:3000", "127.0.0.1:3000"),
        ("localhost:80", "localhost:80"),
        ("[2001:db8::1]:8080", "[2001:db8::1]:8080"),
        ("/run/chat/chat.sock", "unix:/run/chat/chat.sock"),
    ],
)
def test_where_a_service_listens(given: str, upstream: str) -> None:
    [service] = complete_apps([], services=[{**SERVICE, "upstream": given}])
    assert (service["upstream"], service["protocol"]) == (upstream, "http")


@pytest.mark.parametrize(
    "given",
    [
        *("chat.example.com:80", "127.0.0.1", "http://127.0.0.1:80", "127.0.0.1:0", "127.0.0.1:65536", "300.0.0.1:80", "[::g]:80", "[1.2.3.4.5]:80"),
        *("run/chat.sock", "/run/../etc/x", "/run/a b", "/run/x;", "127.0.0.1:80;", "/run/x\n", ""),
    ],
)
def test_other_addresses_are_refused(given: str) -> None:
    assert "service 'metrics': upstream is" in problems({**SERVICE, "upstream": given})


def test_service_is_completed_like_an_app() -> None:
    at_path = {**SERVICE, "domains": APP["domains"], "path": "/metrics", "access": [{"allow": ["192.0.2.0/24"]}]}
    [site] = sites(complete_apps([APP], services=[at_path]))
    shop, metrics = site["apps"]
    assert (site["canonical"], shop["mount"], metrics["mount"]) == ("shop.example.com", "", "/metrics")
    assert metrics["locations"][0]["allow"] == ["192.0.2.0/24"]
    assert site["owner"]["name"] == "shop"


def test_invalid_services_are_refused() -> None:
    assert "unknown key server" in problems({**SERVICE, "server": "gunicorn"})
    assert "domains is missing" in problems({"name": "metrics", "upstream": "127.0.0.1:1"})
    assert "domains is empty" in problems({**SERVICE, "domains": []})
    assert "the name 'shop' is used 2 times" in problems({**SERVICE, "name": "shop"})
    assert "'metrics': domain 'shop.example.com' at path / is taken already by 'shop'" in problems({**SERVICE, "domains": APP["domains"]})
    assert "item 1 of the services: the item is 5" in problems(5)
    assert "two rules" in problems({**SERVICE, "access": [{"allow": []}, {"allow": []}]})
    with pytest.raises(AppModelError, match="flask_proxy_services is a dict"):
        complete_apps([APP], services={"metrics": {}})
