# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a change of code in place."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._releases.steps.in_place import digest_of


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder with code, a link, and a virtualenv elsewhere."""
    folder, virtualenv = tmp_path / "code", tmp_path / "virtualenv"
    for path in (folder / "part", folder / "__pycache__", folder / ".git", virtualenv / "lib"):
        path.mkdir(parents=True)
    (folder / "app.py").write_text("VERSION = 1\n")
    (folder / "part" / "data").symlink_to("/nowhere")
    (folder / ".venv").symlink_to(virtualenv)
    return folder


CHANGES: dict[str, Callable[[Path], object]] = {
    "another size": lambda code: (code / "app.py").write_text("VERSION = 10\n"),
    "another time": lambda code: os.utime(code / "app.py", ns=(1, 1)),
    "another mode": lambda code: (code / "app.py").chmod(0o755),
    "another name": lambda code: (code / "app.py").rename(code / "main.py"),
    "one more": lambda code: (code / "part" / "new.py").touch(),
    "one less": lambda code: (code / "app.py").unlink(),
    "another link": lambda code: subprocess.run(["ln", "-sf", "/elsewhere", code / "part" / "data"], check=True),
    "in the virtualenv": lambda code: (code / ".venv" / "lib" / "flask.py").touch(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_of_the_code_is_seen(code: Path, change: str) -> None:
    before = digest_of(code)
    CHANGES[change](code)
    assert digest_of(code) != before


def test_files_of_python_and_git_do_not_count(code: Path) -> None:
    before = digest_of(code)
    (code / "__pycache__" / "app.pyc").touch()
    (code / ".git" / "index").touch()
    os.utime(code / "part")
    assert digest_of(code) == before


def test_unreadable_folder_is_not_empty(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError):
        digest_of(code)
