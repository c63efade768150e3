# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static folders, single files, and single-page apps with the page for their routes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils._apps.sites import sites

APP: dict[str, Any] = {"name": "shop", "source": {"path": "/src/shop"}, "wsgi": "shop:app", "domains": ["shop.example.com"]}
FRONT: dict[str, Any] = {"url": "/", "path": "dist", "fallback": "index.html"}


def one(**keys: Any) -> dict[str, Any]:
    """The app of the site that these keys make."""
    [site] = sites(complete_apps([{**APP, **keys}]))
    found: dict[str, Any] = site["apps"][0]
    return found


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"static": [{"url": "/", "path": "dist"}]}, "static: url '/' needs fallback, the page to serve where no file matches, such as index.html"),
        ({"static": [FRONT]}, "static: url '/' leaves nothing to the app; list the app's paths in app_paths, such as [/api], or give the app a path"),
        ({"path": "/api", "static": [{**FRONT, "app_paths": ["/api"]}]}, "static: app_paths of url '/' has no effect; it goes with url '/' of an app whose"),
        (
            {"healthcheck": {"path": "/healthz"}, "static": [{**FRONT, "app_paths": ["/api"]}]},
            "healthcheck: path '/healthz' belongs to url '/' of static, not to the app; use one below a path of app_paths",
        ),
        ({"static": [{**FRONT, "url": "/desk", "app_paths": ["/api"]}]}, "static: app_paths of url '/desk' has no effect"),
        ({"static": [{"url": "/a.txt", "path": "a.txt", "fallback": "b"}]}, "static: url '/a.txt' is that of a single file, which has no fallback"),
        ({"persist": ["up"], "static": [{"url": "/a.txt", "path": "up/a.txt"}]}, "static: url '/a.txt' is that of a single file, and 'up/a.txt' is persisted"),
        ({"static": [{"url": "/.well-known/acme-challenge", "path": "a"}]}, "expected a path such as /static or /favicon.ico"),
        ({"static": [{"url": "/.git", "path": "a"}]}, "expected a path such as /static or /favicon.ico"),
        ({"static": [{**FRONT, "fallback": "../secret"}]}, "expected an HTML file below the folder, such as index.html"),
        ({"static": [{**FRONT, "app_paths": ["/api; }"]}]}, "expected a path such as /api"),
    ],
)
def test_keys_without_effect_are_refused_with_the_next_step(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(AppModelError) as caught:
        complete_apps([{**APP, **keys}])
    assert message in str(caught.value)


def test_two_apps_cannot_have_the_root_of_a_domain() -> None:
    with pytest.raises(AppModelError, match="domain 'shop.example.com' at path / is taken already by 'shop'"):
        complete_apps([APP, {**APP, "name": "api", "path": "/api", "static": [FRONT]}])


def test_mounted_app_has_its_path_and_the_page_the_rest() -> None:
    app = one(path="/api", static=[FRONT])
    assert [place["url"] for place in app["locations"]] == ["/api"]
    assert [(place["url"], place["path"], place["page"]) for place in app["static"]] == [("", "dist", False), ("/index.html", "dist/index.html", True)]


def test_rules_of_the_browser_s_routes_hold_for_the_page() -> None:
    app = one(access=[{"path": "/admin", "allow": ["192.0.2.1"]}], static=[{**FRONT, "app_paths": ["/api/"]}])
    assert {place["url"]: place["allow"] for place in app["locations"]} == {"/api": []}
    assert {place["url"]: place["allow"] for place in app["static"]} == {"": [], "/admin": ["192.0.2.1"], "/index.html": []}


@pytest.mark.parametrize("keys", [{"path": "/api", "static": [FRONT]}, {"static": [{**FRONT, "app_paths": ["/api"]}]}])
def test_paths_that_may_be_routes_belong_to_the_page(keys: dict[str, Any]) -> None:
    app = one(**{**keys, "static": [*keys["static"], {"url": "/desk", "path": "desk"}, {"url": "/robots.txt", "path": "r.txt"}]})
    patterns, below = app["patterns"], app["mount"]
    for path in ("/", "/orders/7", "/apix", "/desk", "/robots.txtx"):
        assert re.search(patterns["fallbacks"][""], path), path

    for path in ("/api", "/api/x", f"{below}/desk/x", f"{below}/robots.txt", "/.flaskyard/flask-shop", "/.well-known/acme-challenge/x"):
        assert not re.search(patterns["fallbacks"][""], path), path
    assert re.search(patterns["maintenance"], "/api/x") and not re.search(patterns["maintenance"], "/orders/7")


def test_health_check_without_a_path_asks_the_app() -> None:
    [app] = complete_apps([{**APP, "static": [{**FRONT, "app_paths": ["/api", "/ws"]}]}])
    assert app["healthcheck"]["path"] == "/api"
