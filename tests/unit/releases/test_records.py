# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of releases, and which releases are removed."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._host import actor, locks
from ansible_collections.flaskyard.server.plugins.module_utils._releases.records import Records, describe, outline, prune_releases


@pytest.fixture
def app(tmp_path: Path) -> dict[str, t.Any]:
    paths = {kind: str(tmp_path / kind) for kind in ("releases", "venvs")}
    for path in paths.values():
        os.mkdir(path)
    return {"name": "shop", "paths": paths}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    # Records are root's; a test may run as somebody else.
    monkeypatch.setattr(os, "fchown", lambda *dummy: None)
    return str(tmp_path / "state")


def build(app: dict[str, t.Any], state: str, name: str, venv: str, status: str = "built") -> None:
    records = Records(app, state)
    for kind, identity in (("releases", name), ("venvs", venv)):
        os.makedirs(os.path.join(app["paths"][kind], identity), exist_ok=True)
    records.put("venvs", {"id": venv})
    records.put("releases", {"id": name, "venv": venv, "status": status})


def test_tree_needs_a_record_and_record_needs_a_tree(app: dict[str, t.Any], state: str) -> None:
    records = Records(app, state)
    tree = Path(records.create("releases", "one", os.getuid(), os.getgid()))
    (tree / "rest").touch()
    assert records.get("releases", "one") is None
    assert list(Path(records.create("releases", "one", os.getuid(), os.getgid())).iterdir()) == []
    records.put("releases", {"id": "one", "status": "built"})
    assert records.get("releases", "one")
    tree.rmdir()
    assert records.get("releases", "one") is None and records.all("releases") == []


def test_half_a_record_counts_as_missing(app: dict[str, t.Any], state: str) -> None:
    build(app, state, "one", "v1")
    (Path(state) / "shop/releases/one.json").write_text('{"id": "o')
    assert Records(app, state).get("releases", "one") is None


def test_pruning_keeps_newest_good_running_and_newest_bad(app: dict[str, t.Any], state: str) -> None:
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


def test_notes_add_to_a_record(app: dict[str, t.Any], state: str) -> None:
    build(app, state, "one", "v1")
    records = Records(app, state)
    before = records.get("releases", "one")
    records.note("one", status="bad")
    records.note("none", status="bad")
    assert records.get("releases", "one") == {**(before or {}), "status": "bad"}
    records.note("one", withdrawn={"at": "now", "by": "ada"})
    records.note("one", withdrawn=None, status="built")
    assert records.get("releases", "one") == before


def test_release_keeps_the_moment_it_became_current(app: dict[str, t.Any], state: str) -> None:
    records = Records(app, state)
    for name in ("one", "two"):
        build(app, state, name, "v1")
    records.serves("two", before="one")
    one, two = (records.get("releases", name) or {} for name in ("one", "two"))
    assert one["served"] == {"at": one["created"], "by": ""}, "the run that made it current was killed before it said so"
    assert two["served"]["by"] == actor.actor().by
    records.serves("two", before="two")
    assert records.get("releases", "two") == two, "new settings of the same release"
    assert (records.last_good() or {})["id"] == "two" and (records.last_good(but="two") or {})["id"] == "one"
    records.serves("one", before="two")
    assert (records.last_good() or {})["id"] == "one"
    records.note("two", withdrawn={"at": "now", "by": "ada"})
    assert records.last_good(but="one") is None


def test_pruning_keeps_rollback_targets_and_withdrawn_releases(app: dict[str, t.Any], state: str) -> None:
    records, before = Records(app, state), ""
    for name in ("one", "two", "three", "four"):
        build(app, state, name, "v1")
        records.serves(name, before=before)
        before = name
    records.note("four", withdrawn={"at": "now", "by": "ada"})
    records.note("three", withdrawn={"at": "now", "by": "ada"})
    records.serves("two", before="three")
    build(app, state, "five", "v1")
    records.serves("five", before="two")
    assert prune_releases(app, keep=2, in_use=["five"], state=state) == ["one"]
    assert (records.last_good(but="five") or {})["id"] == "two"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({}, "r1"),
        ({"version": None, "revision": "sha256:0123456789abcdef"}, "r1 (0123456789ab)"),
        ({"version": "main", "revision": "a" * 40}, "r1 (main, aaaaaaaaaaaa)"),
        ({"version": "a" * 40, "revision": "a" * 40}, "r1 (aaaaaaaaaaaa)"),
        ({"version": "1.2", "revision": None}, "r1 (1.2)"),
    ],
)
def test_release_is_described_by_its_source(source: dict[str, t.Any], words: str) -> None:
    assert describe({"id": "r1", "source": source}) == words


def test_second_build_is_refused_until_the_first_ends(app: dict[str, t.Any], state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.3)
    with Records(app, state).lock():
        with pytest.raises(locks.Busy, match="another run"), Records(app, state).lock():
            pass
        with Records({**app, "name": "blog"}, state).lock():
            pass
    with Records(app, state).lock():
        pass


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ("echo more >>shop/views.py", True),
        ("rm shop/views.py", True),
        ("touch shop/new.py", True),
        ("touch --date=2001-01-01 shop/views.py", True),
        ("ln -sfn elsewhere .venv", True),
        ("rm venv/lib/python3.13/site-packages/flask/app.py", True),
        ("echo more >>venv/bin/gunicorn", True),
        ("chmod 0600 shop/views.py", False),
        ("true", False),
    ],
)
def test_manual_changes_are_noticed(tmp_path: Path, change: str, seen: bool) -> None:
    for name in ("shop/views.py", "venv/lib/python3.13/site-packages/flask/app.py", "venv/bin/gunicorn"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("text\n")
    (tmp_path / ".venv").symlink_to("venv")
    before = outline(str(tmp_path))
    subprocess.run(["sh", "-euc", change], cwd=tmp_path, check=True)
    assert (outline(str(tmp_path)) != before) is seen


def test_record_of_an_earlier_version_is_accepted(app: dict[str, t.Any], state: str) -> None:
    build(app, state, "one", "v1")
    path = Path(state) / "shop/releases/one.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**{key: value for key, value in record.items() if key != "contents"}, "outline": "of less"}))
    assert Records(app, state).whole("releases", "one")
