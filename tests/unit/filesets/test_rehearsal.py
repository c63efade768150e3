# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on trial. The drill test_failures.py runs nginx and Apache on the copy, in a transient unit."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._filesets import rehearsal
from ansible_collections.flaskyard.server.plugins.module_utils._host.commands import CommandError, run
from ansible_collections.flaskyard.server.plugins.module_utils._host.path_state import ABSENT, PathState


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder with three files. Commands of a rehearsal run without a unit, in the copy of it."""
    folder = tmp_path / "nginx"
    (folder / "sites").mkdir(parents=True)
    for name, text in {"nginx.conf": "old", "default": "of the distribution", "mime.types": "types"}.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(rehearsal, "_run_seeing", lambda copies, command: run(shlex.split(command), cwd=min(copies)))
    return str(folder)


def file(text: str) -> PathState:
    return PathState("file", text.encode(), uid=os.getuid(), gid=os.getgid(), mode=0o644)


def test_commands_see_the_new_files_and_nothing_else_does(folder: str, tmp_path: Path) -> None:
    states = {f"{folder}/nginx.conf": file("new"), f"{folder}/sites/a.conf": file("a"), f"{folder}/default": ABSENT}
    result, place = tmp_path / "result", tmp_path / "copies"
    rehearsal.rehearse(str(place), states, [f"""sh -c 'grep -r "" . | sort > {result}; stat --format=%a {place} >> {result}'"""])
    assert result.read_text().splitlines() == ["./mime.types:types", "./nginx.conf:new", "./sites/a.conf:a", "700"]
    assert sorted(os.listdir(folder)) == ["default", "mime.types", "nginx.conf", "sites"] and Path(folder, "nginx.conf").read_text() == "old"
    assert not place.exists()


def test_linked_folder_stays_unchanged(folder: str, tmp_path: Path) -> None:
    elsewhere, result = tmp_path / "elsewhere", tmp_path / "result"
    elsewhere.mkdir()
    Path(folder, "linked").symlink_to(elsewhere)
    states = {f"{folder}/nginx.conf": file("new"), f"{folder}/linked/a.conf": file("a")}
    rehearsal.rehearse(str(tmp_path / "copies"), states, [f"sh -c 'cat a.conf > {result}'"])
    assert result.read_text() == "a" and os.listdir(elsewhere) == []


def test_failed_command_leaves_no_copy(folder: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="ended with 3"):
        rehearsal.rehearse(str(tmp_path / "copies"), {f"{folder}/nginx.conf": file("new")}, ["sh -c 'exit 3'"])
    assert not (tmp_path / "copies").exists() and Path(folder, "nginx.conf").read_text() == "old"


def test_copy_of_a_killed_run_is_not_used(folder: str, tmp_path: Path) -> None:
    left = tmp_path / "copies"
    Path(f"{left}{folder}").mkdir(parents=True)
    Path(f"{left}{folder}/left.conf").touch()
    rehearsal.rehearse(str(tmp_path / "copies"), {f"{folder}/nginx.conf": file("new")}, ["sh -c 'test ! -e left.conf'"])


@pytest.mark.parametrize("path", ["/etc/no-such-program/its.conf", "/etc/hostname"])
def test_file_without_a_folder_to_copy_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="install its package first"):
        rehearsal.rehearse(str(tmp_path / "copies"), {path: file("new")}, [])
