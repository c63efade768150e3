# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which units a change of a fileset reloads."""

from __future__ import annotations

import getpass
import grp
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._filesets import transaction as fileset
from ansible_collections.flaskyard.server.plugins.module_utils._filesets.transaction import Fileset, FilesetError
from ansible_collections.flaskyard.server.plugins.module_utils._host import paths, units
from ansible_collections.flaskyard.server.plugins.module_utils._host.commands import CommandError

UP = {"ActiveState": "active", "UnitFileState": "enabled"}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What systemd is asked to do, of units that all run."""
    seen: list[str] = []
    monkeypatch.setattr(paths, "FILESETS", str(tmp_path / "state"))
    monkeypatch.setattr(fileset, "assert_trusted_parents", lambda path: None)
    monkeypatch.setattr(units, "states", lambda names: dict.fromkeys(names, UP))
    monkeypatch.setattr(units, "systemctl", lambda verb, name, **dummy: seen.append(f"{verb} {name}") if verb == "restart" else None)
    return seen


def put(place: Path, refused: bool = False, **texts: str) -> None:
    ours = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}
    files: list[dict[str, t.Any]] = [
        {"path": str(place / name), "content": text, "state": "file", "link": None, "mode": None, "secret": False, **ours} for name, text in texts.items()
    ]
    declared = [{"name": f"{name}.service", "on_change": "restart", "files": [str(place / name)] if name != "all" else []} for name in ("all", "a", "b")]
    params = {"name": "set", "files": files, "units": declared, "validate": [], "activate": [], "live": [], "replaces": [], "rehearse": False}
    Fileset({**params, "confirm": ["false"] if refused else []}, check=False).run()


def test_unit_reloads_only_for_its_own_files(told: list[str], tmp_path: Path) -> None:
    put(tmp_path, a="1", b="1")
    told.clear()
    put(tmp_path, a="2", b="1")
    assert told == ["restart all.service", "restart a.service"]


def test_undone_change_reloads_the_same_units(told: list[str], tmp_path: Path) -> None:
    put(tmp_path, a="1", b="1")
    told.clear()
    with pytest.raises((FilesetError, CommandError)):
        put(tmp_path, refused=True, a="1", b="2")
    assert told == ["restart all.service", "restart b.service"] * 2
