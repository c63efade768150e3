# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of releases, and which releases go."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils.release_records import Records, ReleaseError, prune_releases


@pytest.fixture
def app(tmp_path: Path) -> dict[str, t.Any]:
    paths = {kind: str(tmp_path / kind) for kind in ("releases", "venvs")}
    for path in paths.values():
        os.mkdir(path)
    return {"name": "shop", "paths": paths}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    # Records are root's; a test may run as somebody else.
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    return str(tmp_path / "state")


def build(app: dict[str, t.Any], state: str, name: str, venv: str, status: str = "built") -> None:
    records = Records(app, state)
    for kind, identity in (("releases", name), ("venvs", venv)):
        os.makedirs(os.path.join(app["paths"][kind], identity), exist_ok=True)
    records.put("venvs", {"id": venv})
    records.put("releases", {"id": name, "venv": venv, "status": status})


def test_a_tree_without_a_record_is_nothing_and_neither_is_the_reverse(app: dict[str, t.Any], state: str) -> None:
    records = Records(app, state)
    tree = Path(records.create("releases", "one", os.getuid(), os.getgid()))
    (tree / "rest").touch()
    assert records.get("releases", "one") is None
    assert list(Path(records.create("releases", "one", os.getuid(), os.getgid())).iterdir()) == []
    records.put("releases", {"id": "one", "status": "built"})
    assert records.get("releases", "one")
    tree.rmdir()
    assert records.get("releases", "one") is None and records.all("releases") == []


def test_half_a_record_is_none(app: dict[str, t.Any], state: str) -> None:
    build(app, state, "one", "v1")
    (Path(state) / "shop/releases/one.json").write_text('{"id": "o')
    assert Records(app, state).get("releases", "one") is None


def test_pruning_keeps_the_newest_good_what_runs_and_the_newest_bad(app: dict[str, t.Any], state: str) -> None:
    for name, venv, status in (
        ("old", "v0", "built"),
        ("running", "v1", "built"),
        ("bad1", "v2", "bad"),
        ("middle", "v3", "built"),
        ("bad2", "v3", "bad"),
        ("new", "v4", "built"),
    ):
        build(app, state, name, venv, status)
    assert sorted(prune_releases(app, keep=2, in_use=["running"], state=state)) == ["bad1", "old"]
    assert sorted(os.listdir(app["paths"]["releases"])) == ["bad2", "middle", "new", "running"]
    assert sorted(os.listdir(app["paths"]["venvs"])) == ["v1", "v3", "v4"]
    assert prune_releases(app, keep=2, in_use=["running"], state=state) == []


def test_removal_follows_no_link(app: dict[str, t.Any], state: str, tmp_path: Path) -> None:
    (tmp_path / "canary").mkdir()
    (tmp_path / "canary/file").touch()
    build(app, state, "one", "v1")
    (Path(app["paths"]["releases"]) / "one/out").symlink_to(tmp_path / "canary")
    prune_releases(app, keep=0, in_use=[], state=state)
    assert os.listdir(app["paths"]["releases"]) == [] and (tmp_path / "canary/file").exists()


def test_marking(app: dict[str, t.Any], state: str) -> None:
    build(app, state, "one", "v1")
    records = Records(app, state)
    before = records.get("releases", "one")
    records.mark("one", "bad")
    records.mark("none", "bad")
    assert records.get("releases", "one") == {**(before or {}), "status": "bad"}


def test_one_at_a_time(app: dict[str, t.Any], state: str) -> None:
    with Records(app, state).lock():
        with pytest.raises(ReleaseError, match="another run"), Records(app, state).lock():
            pass
        with Records({**app, "name": "blog"}, state).lock():
            pass
    with Records(app, state).lock():
        pass
