# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack tars and zips, without writing anything outside the tree."""

from __future__ import annotations

import functools
import lzma
import shutil
import tarfile
import typing as t
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from .commands import StepError


class Member(t.NamedTuple):
    """One entry of an archive: a directory, a file that can be opened, or a link with its target."""

    name: str
    kind: str
    executable: bool
    target: str
    open: t.Callable[[], t.IO[bytes]]


def tar_members(archive: tarfile.TarFile) -> t.Iterator[Member]:
    """The entries of a tar. A hard link reads as its file.

    :raises StepError: if there is a device or pipe.
    """
    for item in archive:
        if not (item.isdir() or item.issym() or item.isfile() or item.islnk()):
            raise StepError(f"the archive holds {item.name!r}, which is a device or a pipe; only files, directories and links can be in a release")
        kind = "directory" if item.isdir() else "link" if item.issym() else "file"
        yield Member(item.name, kind, bool(item.mode & 0o100), item.linkname, functools.partial(_opened, archive, item))


def _opened(archive: tarfile.TarFile, item: tarfile.TarInfo) -> t.IO[bytes]:
    found = archive.extractfile(item)
    if found is None:
        raise StepError(f"the archive holds the hard link {item.name!r} to {item.linkname!r}, which is not a file in it")
    return found


def zip_members(archive: zipfile.ZipFile) -> t.Iterator[Member]:
    """The entries of a zip."""
    for item in archive.infolist():
        mode = item.external_attr >> 16
        link = mode & 0o170000 == 0o120000
        kind = "directory" if item.is_dir() else "link" if link else "file"
        target = archive.read(item).decode() if link else ""
        yield Member(item.filename, kind, bool(mode & 0o100), target, functools.partial(archive.open, item))


def unpack(tree: Path, archive: str, strip: bool) -> None:
    """Unpack a tar or a zip, without writing anything outside C(tree).

    :param strip: drop the top-level directory if everything is in it.
    :raises StepError: if the file is not an archive, or has a member that points outside.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                place(tree, list(zip_members(opened)), strip)
        else:
            with tarfile.open(archive) as tar:
                place(tree, list(tar_members(tar)), strip)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, KeyError, RuntimeError) as error:
        raise StepError(f"the archive cannot be read: {error}; expected a tar (plain, gz, bz2, xz) or a zip") from error


def place(tree: Path, members: list[Member], strip: bool) -> None:
    """Write members below C(tree). Links come last, so that nothing is written through one."""
    placed = [(PurePosixPath(member.name), member) for member in members]
    for path, dummy in placed:
        if path.is_absolute() or ".." in path.parts:
            raise StepError(f"the archive holds {str(path)!r}, which lies outside of it; refused")
    tops = {path.parts[0] for path, dummy in placed if path.parts}
    files_at_top = any(len(path.parts) == 1 and member.kind != "directory" for path, member in placed)
    drop = 1 if strip and len(tops) == 1 and not files_at_top else 0
    targets = [(tree.joinpath(*path.parts[drop:]), member) for path, member in placed if len(path.parts) > drop]
    for target, member in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        if member.kind == "directory":
            target.mkdir(exist_ok=True)
        elif member.kind == "file":
            with member.open() as source, target.open("wb") as destination:
                shutil.copyfileobj(source, destination)
            target.chmod(0o755 if member.executable else 0o644)
    root = tree.resolve()
    for target, member in targets:
        if member.kind == "link":
            target.symlink_to(member.target)
    for target, member in targets:
        if member.kind == "link" and not target.resolve().is_relative_to(root):
            raise StepError(f"the archive holds the link {member.name!r} to {member.target!r}, which lies outside of it; refused")
