# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder on the controller as the source of a release: its files, their hash, and the archive to send."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile

#: Never part of a source, whatever the ignore files say.
_EXCLUDED = {".git", ".venv"}


class SourceTreeError(Exception):
    """The folder cannot be a source. The text says why, and what to do."""


def list_files(folder: str) -> list[str]:
    """The paths below C(folder) that git would not ignore, relative to it and sorted.

    :raises SourceTreeError: if it is not a folder, or git is missing.
    """
    if not os.path.isdir(folder):
        raise SourceTreeError(f"source.path is {folder}, which is not a folder on the controller; relative paths begin at the current directory")
    if not shutil.which("git"):
        raise SourceTreeError("git is not installed on the controller; it decides, by .gitignore, which files of a folder are sent. Install it")
    return sorted(path for path in _listed(folder) if path.split("/", 1)[0] not in _EXCLUDED)


def _listed(folder: str) -> list[str]:
    if _in_work_tree(folder):
        names = _git("-C", folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    else:
        with tempfile.TemporaryDirectory() as empty:
            _git("init", "--quiet", "--bare", "--template=", empty)
            names = _git(f"--git-dir={empty}", f"--work-tree={folder}", "-C", folder, "ls-files", "-z", "--others", "--exclude-standard")
    found = []
    for name in filter(None, names.split("\0")):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):  # a submodule, or a nested repository
            found += [f"{name.rstrip('/')}/{inner}" for inner in _listed(path)]
        elif os.path.lexists(path):  # git still lists deleted files until the deletion is committed
            found.append(name)
    return found


def _in_work_tree(folder: str) -> bool:
    """Whether a folder belongs to a repository (otherwise 128) that does not ignore the whole folder (otherwise 0)."""
    return _run("-C", folder, "check-ignore", "--quiet", folder).returncode == 1


def _git(*arguments: str) -> str:
    done = _run(*arguments)
    if done.returncode:
        raise SourceTreeError(f"git {' '.join(arguments)} ended with {done.returncode}: {os.fsdecode(done.stderr).strip()}")
    return os.fsdecode(done.stdout)


def _run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    # The files are only listed, so their owner does not matter. Nothing that the repository configures is run.
    options = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(["git", *options, *arguments], capture_output=True, stdin=subprocess.DEVNULL, env=environment, check=False)


def assert_sent(folder: str, files: list[str], needed: list[str]) -> None:
    """Refuse to leave out files that the app's declaration names.

    :param files: the files that are sent.
    :param needed: files and folders, relative to the folder.
    :raises SourceTreeError: if one of them exists and is ignored.
    """
    for name in needed:
        below = f"{name}/"
        if os.path.exists(os.path.join(folder, name)) and not any(file == name or file.startswith(below) for file in files):
            raise SourceTreeError(
                f"{os.path.join(folder, name)} is needed and not sent, as .gitignore names it or nothing is in it; make it on the host "
                f"(build_command), or have git know it (git add --force {name})"
            )


def revision_of(folder: str, files: list[str]) -> str:
    """A hash of names, contents, executable bits and link targets, without times and owners."""
    total = hashlib.sha256()
    for name in files:
        path = os.path.join(folder, name)
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            kind, content = "link", hashlib.sha256(os.fsencode(os.readlink(path))).hexdigest()
        elif stat.S_ISREG(status.st_mode):
            kind, content = ("program" if status.st_mode & 0o100 else "file"), sha256_of(path)
        else:
            raise SourceTreeError(f"{path} is a device, socket or pipe; ignore it in .gitignore or remove it")
        total.update(b"\0".join([kind.encode(), os.fsencode(name), content.encode(), b""]))
    return f"sha256:{total.hexdigest()}"


def sha256_of(path: str) -> str:
    """The hash of a file's content."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def pack(folder: str, files: list[str], archive: str) -> None:
    """Write the files into a compressed tar."""
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for name in files:
            tar.add(os.path.join(folder, name), arcname=name, recursive=False)
