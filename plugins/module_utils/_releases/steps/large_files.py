# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a repository keeps in Git LFS. It has a pointer of a few lines in place of each file.

Pointers are recognised by https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
"""

from __future__ import annotations

import os
import shutil
import typing as t
from pathlib import Path

from .commands import StepError

_ATTRIBUTE = "filter=lfs"
_BEGINNING = b"version https://git-lfs.github.com/spec/v1\n"
_MOST_BYTES = 1024
_SHOWN = 3


def settings() -> dict[str, str]:
    """The settings that make git fetch the content of each file at checkout; empty on a host without git-lfs."""
    if not shutil.which("git-lfs"):
        return {}
    return {"filter.lfs.process": "git-lfs filter-process", "filter.lfs.required": "true"}


def assert_fetched(tree: Path) -> None:
    """Refuse a checkout that still has pointers.

    :raises StepError: naming the first, and the next step.
    """
    found = pointers(tree)
    if found and not settings():
        raise StepError(f"the repository keeps {_named(found)} in Git LFS, and the host has no git-lfs; add it: build_packages: [git-lfs]")
    if found:
        raise StepError(f"git-lfs leaves {_named(found)} without content; see lfs.fetchexclude in the .lfsconfig of the repository")


def assert_none(tree: Path) -> None:
    """Refuse pointers in a folder or an archive, which cannot tell where the content is.

    :raises StepError: naming the first.
    """
    if found := pointers(tree):
        raise StepError(f"the source has only the Git LFS pointers of {_named(found)}; for source.path, run git lfs pull there; otherwise use source.git")


def pointers(tree: Path) -> list[str]:
    """The pointers below a tree, if one of git's attribute files says that it uses Git LFS."""
    files = [Path(folder, name) for folder, dummy, names in os.walk(tree) for name in names]
    if not any(file.name == ".gitattributes" and _ATTRIBUTE in file.read_text("utf-8", "replace") for file in files if _is_file(file)):
        return []
    return sorted(file.relative_to(tree).as_posix() for file in files if _is_file(file) and _is_pointer(file))


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_pointer(path: Path) -> bool:
    if not len(_BEGINNING) < path.stat().st_size < _MOST_BYTES:
        return False
    with path.open("rb") as handle:
        return handle.read(len(_BEGINNING)) == _BEGINNING


def _named(found: t.Sequence[str]) -> str:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"
