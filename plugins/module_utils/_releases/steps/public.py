# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let the proxy's account read an app's public files, and nothing else.

The owner of the files sets the access: the build account for a release, the service account for the state. Root follows none of their paths.
"""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import os
import subprocess
import typing as t
from pathlib import Path

from .commands import run


def close(tree: str, releases: dict[str, list[str]], group: int) -> None:
    """Close releases: the app can read all of it, others only the public files. Nobody but the builder can write.

    Public files stay readable at every moment, since the release may be serving.

    :param tree: the directory with the releases.
    :param releases: by name, the public files and folders relative to the release. Missing ones are skipped.
    :param group: id of the app's group.
    """
    for name, public in releases.items():
        release = Path(tree, name)
        shown = [path for place in public if (path := _found(release, place))]
        opened = {path for top in shown for path in _below(top)}
        passed = {path for top in shown for path in _above(top, release)}
        for path in _below(release):
            os.lchown(path, -1, group)
            if not path.is_symlink():
                others = (0o005 if path.is_dir() else 0o004) if path in opened else 0o001 if path in passed else 0
                path.chmod((0o750 if path.is_dir() or path.stat().st_mode & 0o100 else 0o640) | others)


def share(state: str, folders: list[str], withdrawn: list[str], reader: str) -> None:
    """Let an account read folders of the app's state, and what the app writes there later. Missing folders are made.

    :param withdrawn: folders that the account must no longer read.
    :param reader: name of the account.
    """
    top = Path(state)
    kept = {path for folder in folders for path in (top / folder, *_above(top / folder, top))}
    for folder in withdrawn:
        for path in {top / folder, *_above(top / folder, top)} - kept:
            if path.is_dir():
                _set_access(path, "--remove-all")
        _set_access_below(top / folder, directories="--remove-all", files="--remove-all")
    for folder in folders:
        (top / folder).mkdir(0o750, parents=True, exist_ok=True)
        for path in _above(top / folder, top):
            _set_access(path, f"-mu:{reader}:x")
        _set_access(top / folder, f"-mu:{reader}:rx,d:u:{reader}:rx")
        _set_access_below(top / folder, directories=f"-mu:{reader}:rx,d:u:{reader}:rx", files=f"-mu:{reader}:r")


def _set_access(path: Path, change: str) -> None:
    run(["setfacl", "--physical", change, "--", str(path)])


def _set_access_below(folder: Path, directories: str, files: str) -> None:
    """Change the access of what is in a folder now. The app is using it: files that vanish meanwhile or belong to another account are skipped."""
    for kind, change in (("d", directories), ("f", files)):
        own = ["find", "-P", str(folder), "-user", str(os.getuid()), "-type", kind]
        subprocess.run([*own, "-exec", "setfacl", "--physical", change, "--", "{}", "+"], capture_output=True, check=False)


def _found(release: Path, place: str) -> Path | None:
    """A place in a release, unless there is a link on the path: the proxies follow no links."""
    path = release
    for part in Path(place).parts:
        path /= part
        if path.is_symlink() or not path.exists():
            return None
    return path


def _above(path: Path, top: Path) -> list[Path]:
    return [parent for parent in path.parents if parent == top or top in parent.parents]


def _below(top: Path) -> t.Iterator[Path]:
    """A file or directory, and everything in it, without following links."""
    yield top
    for folder, folders, files in os.walk(top):
        yield from (Path(folder, name) for name in [*folders, *files])
