# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a release the proxy may read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import complete_apps
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.public import close

APP = {"name": "shop", "source": {"path": "shop"}, "wsgi": "shop:app"}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release as a build leaves it: everybody can read all of it."""
    release = tmp_path / "r1"
    for name in ("app.py", "shop/secret.py", "shop/static/css/site.css", "shop/static/run.sh", "page.html"):
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_text("")
    (release / "shop/static/run.sh").chmod(0o755)
    (release / "shop/static/out").symlink_to("/etc/passwd")
    (release / "linked").symlink_to("shop")
    return release


def mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o7777:04o}"


def test_public_files_are_readable_through_their_folders(release: Path) -> None:
    close(str(release.parent), {"r1": ["shop/static", "page.html", "missing"]}, os.getgid())
    expected = {"": "0751", "app.py": "0640", "shop": "0751", "shop/secret.py": "0640", "shop/static": "0755", "shop/static/css": "0755"}
    expected |= {"shop/static/css/site.css": "0644", "shop/static/run.sh": "0754", "page.html": "0644"}
    assert {name: mode(release / name) for name in expected} == expected


def test_links_are_neither_followed_nor_opened(release: Path) -> None:
    before = mode(Path("/etc/passwd"))
    close(str(release.parent), {"r1": ["linked/static"]}, os.getgid())
    assert (mode(release / "shop/static"), mode(release), mode(Path("/etc/passwd"))) == ("0750", "0750", before)


def test_closing_a_release_again_equals_a_new_one(release: Path) -> None:
    close(str(release.parent), {"r1": ["shop/static"]}, os.getgid())
    close(str(release.parent), {"r1": []}, os.getgid())
    assert {mode(path) for path in release.rglob("*") if not path.is_symlink()} == {"0750", "0640"}


def test_model_says_what_is_public() -> None:
    static = [{"url": "/static", "path": "shop/static"}, {"url": "/media", "path": "data/media/"}, {"url": "/data2", "path": "data2"}]
    [app] = complete_apps([{**APP, "static": static, "persist": ["data"], "error_page": "pages/error.html"}])
    assert app["public"] == {"release": ["data2", "pages/error.html", "shop/static"], "state": ["data/media"]}
