# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sites: which apps share one, and which rule holds at which path."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils._apps.sites import sites, user_files

APP: dict[str, Any] = {"name": "shop", "source": {"path": "shop"}, "wsgi": "shop:app", "domains": ["shop.test", "www.shop.test"]}
HASH = "$6$salt$abcdefghijklmnopqrstuvwxyz"


def places(**keys: Any) -> dict[str, dict[str, Any]]:
    """The locations of one app, by where they are."""
    [site] = sites(complete_apps([{**APP, **keys}]))
    return {place["url"]: place for place in site["apps"][0]["locations"]}


def test_app_without_domains_has_no_site() -> None:
    assert sites(complete_apps([{**APP, "domains": []}])) == []


def test_apps_of_one_domain_share_the_certificate_of_the_root() -> None:
    blog = {**APP, "name": "blog", "path": "/blog", "domains": ["shop.test", "blog.test"]}
    [site] = sites(complete_apps([blog, APP]))
    assert (site["name"], site["canonical"], site["domains"]) == ("shop", "shop.test", ["shop.test", "www.shop.test", "blog.test"])
    assert site["owner"]["domains"] == site["domains"]
    assert [app["name"] for app in site["apps"]] == ["blog", "shop"]


def test_other_domains_redirect_unless_the_app_answers_on_all() -> None:
    [site] = sites(complete_apps([APP]))
    assert (site["served"], site["redirected"]) == (["shop.test"], ["www.shop.test"])
    blog = {**APP, "name": "blog", "path": "/blog"}
    [site] = sites(complete_apps([{**APP, "redirect": False}, {**blog, "redirect": False}]))
    assert (site["served"], site["redirected"]) == (["shop.test", "www.shop.test"], [])
    for unlike in (blog, {**blog, "redirect": False, "domains": ["shop.test"]}):
        with pytest.raises(AppModelError, match="share the site 'shop.test'"):
            complete_apps([{**APP, "redirect": False}, unlike])


def test_apps_of_a_site_share_the_port_in_urls() -> None:
    assert [site["port_suffix"] for site in sites(complete_apps([APP]))] == [""]
    other = {**APP, "public_port": 8443}
    assert [site["port_suffix"] for site in sites(complete_apps([other, {**other, "name": "blog", "path": "/blog"}]))] == [":8443"]
    with pytest.raises(AppModelError, match="'blog' and 'shop' share the site 'shop.test'; give both the same public_port"):
        complete_apps([other, {**APP, "name": "blog", "path": "/blog"}])


def test_plain_app_is_one_place() -> None:
    assert places() == {"": {"url": "", "streaming": False, "timeout_seconds": 35, "limited": False, "allow": [], "users": None, "bare": False}}
    assert list(places(path="/blog")) == ["/blog"]


def test_every_path_with_a_rule_has_a_location() -> None:
    found = places(
        path="/blog", streaming=["/events"], rate_limit={"requests_per_second": 5, "paths": ["/login/"]}, access=[{"path": "/admin", "allow": ["192.0.2.0/24"]}]
    )
    assert sorted(found) == ["/blog", "/blog/admin", "/blog/events", "/blog/login"]
    assert [url for url, place in found.items() if place["streaming"]] == ["/blog/events"]
    assert [url for url, place in found.items() if place["limited"]] == ["/blog/login"]
    assert [url for url, place in found.items() if place["allow"]] == ["/blog/admin"]


def test_rules_hold_below_their_path_and_nowhere_else() -> None:
    found = places(streaming=["/admin/log", "/administrator"], access=[{"path": "/admin/", "allow": ["192.0.2.1"]}])
    assert {url: place["allow"] for url, place in found.items()} == {"": [], "/admin": ["192.0.2.1"], "/admin/log": ["192.0.2.1"], "/administrator": []}


def test_rule_of_the_longest_path_holds_for_static_folders() -> None:
    access = [{"allow": ["192.0.2.1"]}, {"path": "/static/public", "allow": ["0.0.0.0/0"]}]
    static = [{"url": "/static", "path": "a"}, {"url": "/static/public", "path": "b"}]
    [site] = sites(complete_apps([{**APP, "access": access, "static": static}]))
    assert [folder["allow"] for folder in site["apps"][0]["static"]] == [["192.0.2.1"], ["0.0.0.0/0"]]
    assert [folder["path"] for folder in site["apps"][0]["static"]] == ["a", "b"]


def test_paths_below_a_static_folder_do_not_reach_the_app() -> None:
    access = [{"path": "/static", "users": {"ada": HASH}}, {"path": "/static/open", "allow": ["0.0.0.0/0"]}]
    [site] = sites(complete_apps([{**APP, "path": "/blog", "access": access, "static": [{"url": "/static", "path": "a/b"}]}]))
    assert {place["url"]: place["bare"] for place in site["apps"][0]["locations"]} == {"/blog": False, "/blog/static": True}
    assert [(place["url"], place["path"], place["declared"], place["users"]) for place in site["apps"][0]["static"]] == [
        ("/blog/static", "a/b", True, "shop-0"),
        ("/blog/static/open", "a/b/open", False, None),
    ]


def test_no_link_is_followed_in_release_or_state() -> None:
    static = [{"url": "/static", "path": "a"}, {"url": "/uploads", "path": "uploads/public"}, {"url": "/other", "path": "uploads2"}]
    [site] = sites(complete_apps([{**APP, "persist": ["uploads"], "static": static}]))
    assert [place["base"] for place in site["apps"][0]["static"]] == ["/srv/flask/shop/current", "/var/lib/flask-shop", "/srv/flask/shop/current"]


def test_limit_without_paths_holds_everywhere() -> None:
    assert [place["limited"] for place in places(rate_limit={"requests_per_second": 5}, streaming=["/events"]).values()] == [True, True]


@pytest.mark.parametrize("path", ["/", "/admin"])
def test_users_get_a_separate_file(path: str) -> None:
    apps = complete_apps([{**APP, "access": [{"path": "/other", "allow": ["192.0.2.1"]}, {"path": path, "users": {"ada": HASH, "bob": HASH}}]}])
    [file] = user_files(apps)
    assert (file["name"], file["text"]) == ("shop-1", f"ada:{HASH}\nbob:{HASH}\n")
    [site] = sites(apps)
    assert [place["users"] for place in site["apps"][0]["locations"] if place["url"] in (path, path.rstrip("/"))] == ["shop-1"]
