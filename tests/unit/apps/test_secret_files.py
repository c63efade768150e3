# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret files: accepted declarations, messages for refused ones, and exact content."""

from __future__ import annotations

import base64
import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps
from hypothesis import given
from hypothesis import strategies as st

FILE = {"path": "shop.cfg", "variable": "SHOP_SETTINGS", "content": "hunter2"}


def complete(files: t.Any, **keys: t.Any) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = complete_apps([{"name": "shop", "source": {"path": "/src"}, "wsgi": "shop:app", "files": files, **keys}])[0]["files"]
    return found


@given(st.text(st.characters(codec="utf-8")))
def test_text_arrives_as_written(content: str) -> None:
    assert base64.b64decode(complete([{**FILE, "content": content}])["shop.cfg"]["content"]) == content.encode()


@given(st.binary())
def test_bytes_arrive_as_they_are(content: bytes) -> None:
    file = {"path": "a/b.p12", "variable": "CERTIFICATE", "content_base64": base64.encodebytes(content).decode()}
    assert base64.b64decode(complete([file])["a/b.p12"]["content"]) == content


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"content_base64": "aGk="}, "files[0] has content and content_base64; expected exactly one of"),
        ({"content": None}, "files[0].content is given, but not usable; expected text"),
        ({"path": "../a"}, "files[0].path is '../a'; expected a relative path"),
        ({"path": "/etc/passwd"}, "files[0].path is '/etc/passwd'"),
        ({"path": "a/"}, "files[0].path is 'a/'"),
        ({"path": "a/./b"}, "files[0].path is 'a/./b'"),
        ({"path": "%n"}, "files[0].path is '%n'"),
        ({"path": "$HOME"}, "files[0].path is '$HOME'"),
        ({"path": "a\nb"}, "files[0].path is 'a\\nb'"),
        ({"variable": "A-B"}, "files[0].variable is 'A-B'; expected the name of a variable"),
        ({"variable": "A\n"}, "files[0].variable is 'A\\n'"),
        ({"variable": "HOME"}, "files[0].variable is 'HOME', which every app has already; choose another name, such as SHOP_FILE"),
        ({"variable": "SECRET_KEY"}, "which every app has already"),
        ({"variable": "LD_PRELOAD"}, "would run code outside the sandbox"),
        ({"variable": "FLASK_DEBUG"}, "starts Flask's debugger"),
        ({"variable": "TOKEN"}, "files[0].variable is 'TOKEN', which env, another file, database or queue has already"),
        ({"mode": "0400"}, "unknown key files[0].mode"),
    ],
)
def test_refusal_does_not_show_the_content(change: dict[str, t.Any], says: str) -> None:
    with pytest.raises(AppModelError) as error:
        complete([{**FILE, **change}], env={"TOKEN": "x"})
    assert says in str(error.value) and "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([{"path": "a", "variable": "A"}], "files[0] has no content"),
        ([{"path": "a", "variable": "A", "content_base64": "hunter2!"}], "files[0].content_base64 is given, but not usable; expected base64"),
        ([{"path": "a", "variable": "A", "content": "hunter2\ud800"}], "files[0].content is given, but not usable; expected text"),
        ([{"path": "a", "variable": "A", "content": "x" * (2**20 + 1)}], "files[0] has 1048577 bytes; expected at most 1048576"),
        ([FILE, {**FILE, "variable": "B"}], "files[1].path is 'shop.cfg', and there is 'shop.cfg' already"),
        ([FILE, {**FILE, "path": "b"}], "files[1].variable is 'SHOP_SETTINGS', which env, another file, database or queue has already"),
        ([{**FILE, "path": "a"}, {"path": "a/b", "variable": "B", "content": ""}], "files[1].path is 'a/b', and there is 'a' already"),
        ([{**FILE, "path": "a/b"}, {"path": "a", "variable": "B", "content": ""}], "files[1].path is 'a', and there is 'a/b' already"),
    ],
)
def test_files_that_do_not_go_together_are_refused(files: t.Any, says: str) -> None:
    with pytest.raises(AppModelError) as error:
        complete(files)
    assert says in str(error.value) and "hunter2" not in str(error.value)


def test_variables_of_a_database_are_taken() -> None:
    with pytest.raises(AppModelError, match="files.0..variable is 'DATABASE_URL', which env, another file, database or queue has already"):
        complete([{**FILE, "variable": "DATABASE_URL"}], database="postgresql")
    assert complete([{**FILE, "variable": "DATABASE_URL"}])


def test_names_that_only_begin_alike_do_not_clash() -> None:
    assert complete([{**FILE, "path": "a"}, {**FILE, "path": "a.cfg", "variable": "B"}]).keys() == {"a", "a.cfg"}
