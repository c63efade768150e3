# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release commands count as run after a restore."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._backup import release_commands
from ansible_collections.flaskyard.server.plugins.module_utils._backup.model import BackupError
from ansible_collections.flaskyard.server.plugins.module_utils._host import paths
from ansible_collections.flaskyard.server.plugins.module_utils._releases import wished
from ansible_collections.flaskyard.server.plugins.module_utils._releases.records import Records


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    """An app with a release whose command has run, and one without a command."""
    monkeypatch.setattr(paths, "APPS", str(tmp_path / "apps"))
    found = Records({"name": "shop", "paths": {"releases": f"{tmp_path}/releases", "venvs": f"{tmp_path}/venvs"}})
    for release, notes in (("one", {}), ("two", {"release_command": {"command": "flask db upgrade", "at": "today"}})):
        (tmp_path / "releases" / release).mkdir(parents=True)
        (tmp_path / "apps" / "shop" / "releases").mkdir(parents=True, exist_ok=True)
        found.put("releases", {"id": release, "status": "built", **notes})
    return found


def ran(records: Records) -> list[str]:
    return [record["id"] for record in records.all("releases") if "release_command" in record]


def test_restore_forgets_the_commands(records: Records) -> None:
    with release_commands.forgotten(records) as commands:
        assert ran(records) == [], "also if the restore is killed"
    assert (commands, ran(records)) == ({"two": "flask db upgrade"}, [])


def test_restore_that_is_undone_remembers_them(records: Records) -> None:
    before = records.get("releases", "two")
    with pytest.raises(BackupError), release_commands.forgotten(records):
        raise BackupError("the app does not work with the restored state")
    assert records.get("releases", "two") == before


@pytest.mark.parametrize(("declared", "how"), [("two", "the next run of site or deploy runs it: flask"), ("three", "-e repeat_release_command=true: flask")])
def test_words_say_who_runs_the_command(records: Records, declared: str, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wished, "recall", lambda name: {"declared": declared})
    assert how in release_commands.to_run(records, "two", "flask db upgrade")
