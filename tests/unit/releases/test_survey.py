# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the survey reports about releases, and which sources need no lookup."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._host import paths
from ansible_collections.flaskyard.server.plugins.module_utils._releases import survey, wished
from ansible_collections.flaskyard.server.plugins.module_utils._releases.records import Records
from ansible_collections.flaskyard.server.plugins.module_utils._releases.revisions import is_fixed
from ansible_collections.flaskyard.server.plugins.module_utils._releases.settings import python_identity


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """An app whose release stands and was remembered."""
    monkeypatch.setattr(os, "fchown", lambda *dummy: None)
    monkeypatch.setattr(paths, "APPS", str(tmp_path / "apps"))
    folders = {kind: str(tmp_path / kind) for kind in ("releases", "venvs", "state")}
    app = {"name": "shop", "user": "flask-shop", "paths": folders, "public": {"release": [], "state": []}, "wish": "w1", "secret": "canary"}
    records = Records(app)
    for kind, identity, record in (
        ("venvs", "v1", {}),
        ("releases", "r1", {"venv": "v1", "status": "built", "public": [], "inputs": {"source": "sha256:1", "python": python_identity("3.13")}}),
    ):
        Path(folders[kind], identity, "bin").mkdir(parents=True)
        Path(folders[kind], identity, "bin", "program").touch()
        records.put(t.cast(t.Any, kind), {"id": identity, **record})
    wished.remember(app, {"id": "r1", "dir": folders["releases"] + "/r1", "venv": folders["venvs"] + "/v1", "python": "3.13", "source": {}})
    return app


def test_intact_release_has_no_differences(app: dict[str, t.Any]) -> None:
    found = survey.survey()["shop"]
    assert (found["wish"], found["differences"], found["grouped"], found["sources"]) == ("w1", [], False, ["sha256:1"])
    assert (found["release"]["id"], found["withdrawn"]) == ("r1", None)
    assert "canary" not in Path(paths.APPS, "shop", "wish.json").read_text()


@pytest.mark.parametrize("lost", ["releases/r1/bin/program", "venvs/v1/bin/program"])
def test_lost_file_is_a_difference(app: dict[str, t.Any], tmp_path: Path, lost: str) -> None:
    (tmp_path / lost).unlink()
    assert survey.survey()["shop"]["differences"] == ["release r1 is missing, or was changed after it was built"]


def test_unpublished_file_is_a_difference(app: dict[str, t.Any]) -> None:
    wished.remember({**app, "public": {"release": ["static"], "state": []}}, survey.survey()["shop"]["release"])
    [note] = survey.survey()["shop"]["differences"]
    assert "read the public files of release r1" in note


def test_upgrade_of_the_distribution_is_seen(app: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "python_identity", lambda version: f"cpython {version} of another distribution")
    assert survey.survey()["shop"]["differences"] == ["release r1 was built for another distribution"]


def test_survey_sees_a_killed_rollback(app: dict[str, t.Any]) -> None:
    Records(app).note("r1", withdrawn={"at": "2026-01-02T03:04:05", "by": "ada@laptop"})
    assert survey.survey()["shop"]["differences"] == ["release r1 was withdrawn by a rollback that was cut short"]


def test_release_in_place_of_a_withdrawn_one_answers_the_wish(app: dict[str, t.Any]) -> None:
    records, before = Records(app), survey.survey()["shop"]
    Path(app["paths"]["releases"], "r0").mkdir()
    records.put("releases", {**(records.get("releases", "r1") or {}), "id": "r0", "contents": None})
    records.note("r1", withdrawn={"at": "2026-01-02T03:04:05", "by": "ada@laptop"})
    undo = wished.put_in_place("shop", {**before["release"], "id": "r0"})
    found = survey.survey()["shop"]
    assert (found["wish"], found["differences"], found["release"]["id"]) == ("w1", [], "r0")
    assert found["withdrawn"] == {"id": "r1", "words": "r1", "at": "2026-01-02T03:04:05", "by": "ada@laptop"}
    wished.put_in_place("shop", {**before["release"], "id": "rx"})
    assert survey.survey()["shop"]["withdrawn"]["id"] == "r1", "a second rollback leaves what is declared"
    undo()
    records.note("r1", withdrawn=None)
    assert survey.survey()["shop"] == {**before, "sources": ["sha256:1", "sha256:1"]}


def test_unrecorded_app_has_no_digest(app: dict[str, t.Any]) -> None:
    Path(paths.APPS, "shop", "wish.json").unlink()
    assert survey.survey()["shop"] == {"wish": "", "differences": [], "release": {}, "sources": [], "withdrawn": None, "grouped": False}


@pytest.mark.parametrize(
    ("source", "fixed"),
    [
        ({"kind": "path", "revision": "sha256:1"}, True),
        ({"kind": "archive", "checksum": None, "revision": "sha256:1"}, True),
        ({"kind": "archive", "checksum": "sha256:1"}, True),
        ({"kind": "pypi", "version": "1.0"}, True),
        ({"kind": "git", "version": "0" * 40}, True),
        ({"kind": "git", "version": "a" * 64}, True),
        ({"kind": "git", "version": "main"}, False),
        ({"kind": "git", "version": "0" * 39}, False),
        ({"kind": "in_place", "version": None}, False),
    ],
)
def test_only_fixed_versions_need_no_lookup(source: dict[str, t.Any], fixed: bool) -> None:
    assert is_fixed(source) is fixed
