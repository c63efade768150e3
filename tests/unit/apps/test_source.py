# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources: names that git accepts, and none that git would read as an option."""

from __future__ import annotations

import re
import subprocess

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.keys import APP
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps
from hypothesis import example, given, settings
from hypothesis import strategies as st

VERSION = APP["source"].keys["version"].pattern
SIGNS = st.text(st.sampled_from("ab1/.@{}-_~^:?*[]\\ #!+=,;$()'\"%&|<>\u00e4\u65e5") | st.characters(), max_size=12)


@given(SIGNS)
@example("a.lock/b")
@example("a/.b")
@example("a//b")
@example("a.")
@example("@")
@example("a@{b")
@settings(max_examples=300)
def test_version_is_any_name_that_git_takes(name: str) -> None:
    usable = not name.startswith("-") and not re.search("[\x00\x80-\x9f\ud800-\udfff]", name)
    accepted = usable and subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False).returncode == 0
    assert bool(re.fullmatch(VERSION, name)) == accepted


@pytest.mark.parametrize("version", ["shop@1.4.0", "fix/#12-login", "release/2.4+x", "v1.0", "0123456789abcdef", "feature/größe", "a(b)", "x;y"])
def test_versions_that_people_have(version: str) -> None:
    complete_apps([{"name": "shop", "wsgi": "shop:app", "source": {"git": "https://git.example.com/shop.git", "version": version}}])


@pytest.mark.parametrize("url", ["https://x-token-auth:ATCTT3xFfGN0abc_def=0DF33217@bitbucket.org/acme/shop.git", "https://a:b!c$d@git.example.com/x"])
def test_tokens_are_taken_as_they_are_copied(url: str) -> None:
    complete_apps([{"name": "shop", "wsgi": "shop:app", "source": {"git": url, "version": "main"}}])


@pytest.mark.parametrize("version", ["1.0; python_version < '3'", "main#x", "1.0,<2", "==1.0", "-r"])
def test_version_of_a_package_is_one(version: str) -> None:
    with pytest.raises(AppModelError, match=r"source\.version is .*; expected"):
        complete_apps([{"name": "shop", "wsgi": "shop:app", "source": {"pypi": "shop", "version": version}}])
