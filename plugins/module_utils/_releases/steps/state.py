# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Persisted state: links in a release to the app's state, and files that the source brings for it.

The builder sets these files aside; the app's own account copies them into the state.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import typing as t
from pathlib import Path

from .commands import StepError

#: Files that only keep an empty directory in a repository.
KEEPERS = {".gitkeep", ".keep", ".gitignore"}
#: The folder where a release keeps files for the state.
SEEDS = ".flaskyard-seeds"


def assert_replaceable(tree: Path, folders: t.Collection[str], files: t.Collection[str], seeded: t.Collection[str]) -> None:
    """Refuse to hide files of the source or its build behind a link to the app's state, unless they may be copied there.

    :param folders: persisted folders; C(files) are persisted files.
    :param seeded: paths that the source may fill.
    :raises StepError: naming the first such file.
    """
    for name in folders:
        place = tree / name
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise StepError(f"{name!r} is persisted as a folder, but in the source or its build it is not one; list a file in persist_files")
        for path in _content(place):
            shown = path.relative_to(tree).as_posix()
            if not any(shown == own or shown.startswith(f"{own}/") for own in seeded):
                raise StepError(
                    f"{name!r} outlives releases and so is a link to the app's state, but the source or its build has files there ({shown}); take them out of "
                    f"the source (of a folder, .gitignore keeps local data out), or have them put there once: persist: [{name}]"
                )
    for name in files:
        place = tree / name
        if place.is_symlink() or place.is_dir():
            raise StepError(f"{name!r} is persisted as a file, but in the source or its build it is not one; list a folder in persist")


def link(tree: Path, state: str, folders: list[str], files: list[str], seeded: list[str]) -> dict[str, str]:
    """Replace persisted files and folders by links to the state, and set aside what the source has there.

    :returns: by name, a digest of what was set aside.
    """
    assert_replaceable(tree, folders, files, seeded)
    seeds = {}
    for name in [*folders, *files]:
        place, seed = tree / name, tree / SEEDS / name
        if content := _content(place):
            seeds[name] = _digest(place, content)
            seed.parent.mkdir(parents=True, exist_ok=True)
            place.rename(seed)
        elif place.is_dir():
            shutil.rmtree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.join(state, name))
    return seeds


def link_instance(code: Path, instance: Path) -> None:
    """Link the instance folder of packages below C(src) to where Flask looks for it: beside the package, unless the package is installed
    (flask.sansio.app, auto_find_instance_path).

    :param code: the folder with the app.
    :param instance: the folder in the state.
    :raises StepError: if there are files in its place.
    """
    source = code / "src"
    place = source / "instance"
    is_package = (source / "__init__.py").exists()
    if is_package or not any(path.is_file() for pattern in ("*.py", "*/__init__.py") for path in source.glob(pattern)):
        return
    if content := _content(place):
        shown = content[0].relative_to(code).as_posix()
        raise StepError(f"'src/instance' outlives releases and so is a link to the app's state, but the source has files there ({shown}); take them out of it")
    if place.is_dir():
        shutil.rmtree(place)
    place.symlink_to(instance)


def seed(tree: str, state: str, names: list[str]) -> None:
    """Copy what a release has set aside into the state. Files that exist there are not changed."""
    for name in names:
        top = Path(tree, SEEDS, name)
        for path in _content(top):
            target = Path(state, name, path.relative_to(top))
            target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            if not os.path.lexists(target):
                # Readers never see an incomplete file.
                half = target.with_name(f".{target.name}.half")
                shutil.copy2(path, half, follow_symlinks=False)
                half.rename(target)


def _content(place: Path) -> list[Path]:
    """The files and links at and below a place, without those that only keep an empty directory."""
    if place.is_file() or place.is_symlink():
        return [place]
    return sorted(path for path in place.rglob("*") if path.name not in KEEPERS and (path.is_symlink() or not path.is_dir()))


def _digest(top: Path, content: list[Path]) -> str:
    total = hashlib.sha256()
    for path in content:
        text = os.readlink(path).encode(errors="surrogateescape") if path.is_symlink() else path.read_bytes()
        total.update(f"{path.relative_to(top)}\0{hashlib.sha256(text).hexdigest()}\n".encode(errors="surrogateescape"))
    return total.hexdigest()[:32]
