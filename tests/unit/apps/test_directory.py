# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apps in a folder of their source."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps

APP: dict[str, t.Any] = {"name": "shop", "source": {"path": "."}, "wsgi": "shop:app"}


def test_every_path_of_the_app_is_below_it() -> None:
    keys = {
        **{"directory": "backend/", "requirements": "requirements/web.txt", "persist": ["uploads"], "persist_files": ["shop.db"]},
        **{"static": [{"url": "/static", "path": "static"}], "maintenance_page": "down.html", "error_page": "error.html"},
    }
    [app] = complete_apps([{**APP, **keys}])
    found = {key: app[key] for key in ("directory", "code_suffix", "requirements", "persist", "persist_files", "state_folders", "maintenance_page")}
    assert found == {
        "directory": "backend",
        "code_suffix": "/backend",
        "requirements": "backend/requirements/web.txt",
        "persist": ["backend/instance", "backend/uploads"],
        "persist_files": ["backend/shop.db"],
        "state_folders": ["backend", "backend/instance", "backend/uploads", "var"],
        "maintenance_page": "backend/down.html",
    }
    assert app["public"] == {"release": ["backend/down.html", "backend/error.html", "backend/static"], "state": []}


def test_another_path_that_begins_alike_is_accepted() -> None:
    assert complete_apps([{**APP, "env": {"FOLDER": "/srv/flask/shop/currently"}}])[0]["env"]["FOLDER"] == "/srv/flask/shop/currently"


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (
            {"env": {"PYTHONPATH": "/srv/flask/shop/current/backend"}},
            "env.PYTHONPATH names /srv/flask/shop/current, which is still the old release when a slot starts; use paths relative to the release, which is "
            "the app's working directory, and set directory if the code is in a folder of it",
        ),
        (
            {"source": {"pypi": "shop", "version": "1.0"}, "directory": "backend"},
            "directory has no meaning with source.pypi, which brings no folders; remove it",
        ),
    ],
)
def test_directory_that_runs_other_code_is_refused(keys: dict[str, t.Any], problem: str) -> None:
    with pytest.raises(AppModelError) as caught:
        complete_apps([{**APP, **keys}])
    assert caught.value.problems == [f"app 'shop': {problem}"]
