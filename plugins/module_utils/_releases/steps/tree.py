# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of a release: filled, built, and closed."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from pathlib import Path

from .archive import unpack
from .commands import StepError, run
from .git import checkout
from .manifest import Manifest, manifest_of, read_manifest

#: Files that only keep an empty directory in a repository.
KEEPERS = {".gitkeep", ".keep", ".gitignore"}


def prepare(
    tree: str,
    source: dict[str, t.Any] | None,
    packages: list[str] | None,
    requirements: str | None,
    installer: str,
    persist: list[str],
    insecure: bool = False,
) -> Manifest:
    """Put the source into the empty tree, and read what it depends on.

    :param source: C(kind), git or archive, and its C(arguments); None when the tree stands already or there is none.
    :param packages: requirements that stand in for a tree.
    :raises StepError: the source cannot be had, or is no tree that can become a release.
    """
    here = Path(tree)
    if source:
        bring: dict[str, t.Callable[..., None]] = {"git": checkout, "archive": unpack}
        bring[source["kind"]](here, **source["arguments"])
        if os.path.lexists(here / ".venv"):
            raise StepError("the source has a .venv of its own; take it out (git rm -r --cached .venv) and ignore it")
        for name in persist:
            assert_replaceable(here / name, name)
    return manifest_of("packages", packages=packages) if packages else read_manifest(here, requirements, installer, insecure)


def finish(tree: str, venv: str, persist: dict[str, str], build_command: str | None) -> None:
    """Link the virtualenv, build, compile, and put links in place of the persisted directories.

    :param venv: path of the virtualenv as seen from the tree.
    :param persist: directory in the tree to the directory that outlives releases.
    """
    here = Path(tree)
    link = here / ".venv"
    link.symlink_to(venv)
    if build_command:
        environment = {
            "PATH": f"{link}/bin:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(link),
            "PYTHONPATH": f"{here}:{here}/src",
        }
        run(["sh", "-euc", build_command], cwd=here, environment=environment, name="build_command")
    # A file that does not compile may well never be imported: not for this step to judge.
    subprocess.run([f"{link}/bin/python", "-I", "-m", "compileall", "-qq", "."], cwd=here, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    for name, target in persist.items():
        place = here / name
        assert_replaceable(place, name)
        if place.is_dir():
            shutil.rmtree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)


def assert_replaceable(place: Path, name: str) -> None:
    """Refuse to hide files of the source, or of the build, behind a persisted directory."""
    hidden = [path for path in place.rglob("*") if path.name not in KEEPERS and (path.is_symlink() or not path.is_dir())] if place.is_dir() else []
    if hidden or place.is_symlink() or (place.exists() and not place.is_dir()):
        example = os.path.relpath(hidden[0] if hidden else place, place.parent)
        raise StepError(
            f"{name!r} outlives releases and so is a link to the app's state, but the source or its build has files there ({example}); "
            "take them out of the source (of a folder, .gitignore keeps local data out), or name another directory in persist"
        )
