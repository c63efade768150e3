# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Persisted folders and files, and those that the proxy serves."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps

APP: dict[str, t.Any] = {"name": "shop", "source": {"path": "."}, "wsgi": "shop:app"}


def completed(**keys: t.Any) -> dict[str, t.Any]:
    [app] = complete_apps([{**APP, **keys}])
    return app


def refusal(**keys: t.Any) -> str:
    with pytest.raises(AppModelError) as caught:
        completed(**keys)
    [problem] = caught.value.problems
    return problem.removeprefix("app 'shop': ")


def test_nested_persisted_paths_need_one_link() -> None:
    app = completed(persist=["instance/media", "data/"], persist_files=["shop.db", "data/words.txt", "conf/site.json"])
    assert (app["persist"], app["persist_files"]) == (["data", "instance"], ["conf/site.json", "shop.db"])
    assert app["state_folders"] == ["conf", "data", "instance", "instance/media", "var"]
    assert app["seeded"] == ["conf/site.json", "data", "data/words.txt", "instance/media", "shop.db"], "instance alone was not asked for"


def test_name_is_a_folder_or_a_file() -> None:
    both = "persist_files: 'data' is a persisted folder; remove it from persist_files"
    assert refusal(persist=["data"], persist_files=["data"]) == both
    assert refusal(persist_files=["instance"]) == both.replace("data", "instance")
    assert refusal(persist=["data/x"], persist_files=["data"]) == "'data/x' is below 'data', which persist_files says is a file; take one of them out"


def test_file_that_no_proxy_would_serve_is_refused() -> None:
    static = [{"url": "/static", "path": "shop/static"}]
    assert refusal(static=static, persist_files=["shop/static/theme.css"]) == (
        "persist_files: 'shop/static/theme.css' is in the static folder 'shop/static', where no proxy follows links; list its folder in persist instead"
    )


def test_code_in_place_has_no_releases_to_outlive() -> None:
    app = {"source": {"in_place": "/opt/shop"}}
    assert completed(**app)["state_folders"] == []
    assert "persist_files is about building a release" in refusal(**app, persist_files=["shop.db"])


def test_persisted_folder_is_served_inside_a_static_folder() -> None:
    static = [{"url": "/static/", "path": "shop/static"}]
    app = completed(static=static, persist=["shop/static/pics"])
    assert [(place["url"], place["path"], place["base"]) for place in app["static"]] == [
        ("/static", "shop/static", "current"),
        ("/static/pics", "shop/static/pics", "state"),
    ]
    assert app["public"] == {"release": ["shop/static"], "state": ["shop/static/pics"]}
    declared = [*static, {"url": "/static/pics", "path": "other"}]
    assert [place["path"] for place in completed(static=declared, persist=["shop/static/pics"])["static"]] == ["shop/static", "other"]
