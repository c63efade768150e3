# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a folder are the source of a release, and when two folders are the same."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.plugin_utils.source_tree import SourceTreeError, assert_sent, list_files, pack, revision_of


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


@pytest.fixture(params=["plain folder", "repository"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "repository":
        git(tmp_path, "init")
    write(tmp_path, "app.py", "static/a b.css", "x.log", "deep/x.log", "deep/keep.log", ".venv/bin/python", "ü.txt")
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "deep/.gitignore").write_text("!keep.log\n")
    return tmp_path


def test_ignore_files_are_honoured(folder: Path) -> None:
    assert list_files(str(folder)) == [".gitignore", "app.py", "deep/.gitignore", "deep/keep.log", "static/a b.css", "ü.txt"]


def test_committed_deleted_and_forced_files(tmp_path: Path) -> None:
    git(tmp_path, "init")
    write(tmp_path, "kept", "gone", "forced.log")
    (tmp_path / ".gitignore").write_text("*.log\n")
    git(tmp_path, "add", "--force", ".")
    git(tmp_path, "commit", "-m", "all")
    (tmp_path / "gone").unlink()
    assert list_files(str(tmp_path)) == [".gitignore", "forced.log", "kept"]


def test_repository_within_and_a_folder_that_the_repository_ignores(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / ".gitignore").write_text("/build\n")
    write(tmp_path, "inner/a", "build/app/b")
    git(tmp_path / "inner", "init")
    assert list_files(str(tmp_path)) == [".gitignore", "inner/a"]
    assert list_files(str(tmp_path / "build/app")) == ["b"]


def test_folder_in_a_repository_inherits_its_ignore_rules(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / ".gitignore").write_text("*.log\n")
    write(tmp_path, "app/a", "app/b.log", "other")
    assert list_files(str(tmp_path / "app")) == ["a"]


def test_declared_paths_are_included(tmp_path: Path) -> None:
    write(tmp_path, "app.py", "dist/index.html", "distant/x", "static/a.css")
    (tmp_path / ".gitignore").write_text("/dist\n")
    files = list_files(str(tmp_path))
    assert_sent(str(tmp_path), files, ["static", "static/a.css", "none"])
    with pytest.raises(SourceTreeError) as refused:
        assert_sent(str(tmp_path), files, ["static", "dist"])
    assert str(refused.value) == (
        f"{tmp_path}/dist is needed and not sent, as .gitignore names it or nothing is in it; make it on the host (build_command), "
        "or have git know it (git add --force dist)"
    )


def test_unusable_folders_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceTreeError, match="not a folder on the controller"):
        list_files(str(tmp_path / "none"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceTreeError, match="device, socket or pipe"):
        revision_of(str(tmp_path), ["pipe"])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceTreeError, match="git is not installed on the controller"):
        list_files(str(tmp_path))


def test_revision_covers_names_contents_executable_bits_and_links_only(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")
    (tmp_path / "link").symlink_to("a")

    def revision() -> str:
        return revision_of(str(tmp_path), list_files(str(tmp_path)))

    def relink(target: str) -> None:
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to(target)

    first = revision()
    os.utime(tmp_path / "a", (1, 1))
    (tmp_path / "a").chmod(0o600)
    assert revision() == first
    seen = {first}
    for change in (
        lambda: (tmp_path / "a").write_text("other"),
        lambda: (tmp_path / "a").chmod(0o700),
        lambda: (tmp_path / "b").rename(tmp_path / "c"),
        lambda: relink("c"),
        lambda: (tmp_path / "c").replace(tmp_path / "link"),
    ):
        change()
        seen.add(revision())
    assert len(seen) == 6


def test_archive_has_the_listed_files(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    archive = tmp_path_factory.mktemp("packed") / "source.tar.gz"
    pack(str(folder), list_files(str(folder)), str(archive))
    with tarfile.open(archive) as opened:
        assert opened.getnames() == list_files(str(folder))
