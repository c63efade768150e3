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
    """A folder with two files. Commands of a rehearsal run without a unit, and see where the copy is in COPY."""
    folder = tmp_path / "nginx"
    (folder / "sites").mkdir(parents=True)
    (folder / "nginx.conf").write_text("old")
    (folder / "default").write_text("of the distribution")
    monkeypatch.setattr(rehearsal, "COPIES", str(tmp_path / "copies"))
    monkeypatch.setattr(rehearsal, "_folder", lambda path: str(folder))
    monkeypatch.setattr(rehearsal, "_run_seeing", seen)
    return str(folder)


def seen(copies: dict[str, str], command: str) -> None:
    [(copy, _folder)] = copies.items()
    run(["env", f"COPY={copy}", *shlex.split(command)])


def file(text: str) -> PathState:
    return PathState("file", text.encode(), uid=os.getuid(), gid=os.getgid(), mode=0o644)


def test_commands_see_the_new_files_and_nothing_else_does(folder: str, tmp_path: Path) -> None:
    states = {f"{folder}/nginx.conf": file("new"), f"{folder}/sites/a.conf": file("a"), f"{folder}/default": ABSENT}
    result = tmp_path / "result"
    rehearsal.rehearse("nginx", states, [f"""sh -c 'cd $COPY && find . -type f | sort | xargs grep -H "" > {result}'"""])
    assert result.read_text().splitlines() == ["./nginx.conf:new", "./sites/a.conf:a"]
    assert sorted(os.listdir(folder)) == ["default", "nginx.conf", "sites"] and Path(folder, "nginx.conf").read_text() == "old"
    assert os.listdir(tmp_path / "copies") == [] and os.stat(tmp_path / "copies").st_mode & 0o777 == 0o700


def test_failed_command_leaves_no_copy(folder: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="ended with 3"):
        rehearsal.rehearse("nginx", {f"{folder}/nginx.conf": file("new")}, ["sh -c 'exit 3'"])
    assert os.listdir(tmp_path / "copies") == [] and Path(folder, "nginx.conf").read_text() == "old"


def test_copy_of_a_killed_run_is_not_used(folder: str, tmp_path: Path) -> None:
    left = tmp_path / "copies" / "nginx"
    Path(f"{left}{folder}").mkdir(parents=True)
    Path(f"{left}{folder}/left.conf").touch()
    rehearsal.rehearse("nginx", {f"{folder}/nginx.conf": file("new")}, ["sh -c 'test ! -e $COPY/left.conf'"])


@pytest.mark.parametrize("path", ["/etc/no-such-program/its.conf", "/etc/hostname"])
def test_file_without_a_folder_to_copy_is_refused(path: str) -> None:
    with pytest.raises(CommandError, match="install its package first"):
        rehearsal.rehearse("nginx", {path: file("new")}, [])
