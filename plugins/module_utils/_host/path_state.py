# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One path in the file system: what is there, what should be, and the atomic step from one to the other.

Nothing here follows a link in the last component. C(assert_trusted_parents) refuses the other components unless only root can change them.
"""

from __future__ import annotations

import dataclasses
import glob
import json
import os
import secrets
import stat
import tempfile
import typing as t

from .disk import naming
from .errors import HostError


class EntryError(HostError):
    """A path cannot be read or written safely."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is at a path. ``kind`` is absent, file, link, directory or other."""

    kind: str
    content: bytes = b""
    target: str = ""
    uid: int = 0
    gid: int = 0
    mode: int = 0

    @property
    def text(self) -> str:
        """The entry as a diff shows it."""
        if self.kind == "file":
            return self.content.decode("utf-8", "replace")
        if self.kind == "link":
            return f"-> {self.target}\n"
        return ""

    def same_as(self, other: Entry) -> bool:
        """Whether both are equal in everything that matters for their kind."""
        if self.kind != other.kind:
            return False
        if self.kind in ("absent", "other"):
            return True
        if self.kind == "link":
            return self.target == other.target
        return (self.content, self.uid, self.gid, self.mode) == (other.content, other.uid, other.gid, other.mode)


ABSENT = Entry("absent")


def read_entry(path: str) -> Entry:
    """What is at ``path``, without following a link in the last component."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    owner: dict[str, t.Any] = {"uid": status.st_uid, "gid": status.st_gid, "mode": stat.S_IMODE(status.st_mode)}
    if stat.S_ISLNK(status.st_mode):
        return Entry("link", target=os.readlink(path))
    if stat.S_ISDIR(status.st_mode):
        return Entry("directory", **owner)
    if not stat.S_ISREG(status.st_mode):
        return Entry("other")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as handle:
        return Entry("file", content=handle.read(), **owner)


def read_json(path: str) -> t.Any:
    """The content of a JSON file that belongs to root; None if it is missing or damaged."""
    try:
        return json.loads(read_entry(path).text)
    except ValueError:
        return None


def assert_trusted_parents(path: str) -> None:
    """Refuse a path if anybody but root could change a directory on it.

    :raises EntryError: naming the directory, its owner and mode.
    """
    parent = os.path.realpath(os.path.dirname(path))
    while True:
        try:
            status = os.stat(parent)
        except FileNotFoundError:
            status = None
        if status and (status.st_uid != 0 or status.st_mode & 0o022):
            raise EntryError(
                f"{path}: the directory {parent} belongs to uid {status.st_uid} with mode {stat.S_IMODE(status.st_mode):04o}; "
                "root writes only where nobody else can. Make it root's with mode 0755, or choose another path"
            )
        if parent == "/":
            return
        parent = os.path.dirname(parent)


def write_entry(path: str, entry: Entry) -> None:
    """Put ``entry`` at ``path``. Readers see the old or the new one, never a part.

    :raises EntryError: if something is in the way that we may not delete.
    :raises OSError: the system's error, such as a read-only file system; for a full disk with what to check.
    """
    with naming(path):
        _write(path, entry)


def _write(path: str, entry: Entry) -> None:
    standing = read_entry(path)
    if standing.kind == "other":
        raise EntryError(f"{path} is a device, socket or pipe; remove it first")
    if entry.kind == "absent":
        _remove(path, standing)
    elif entry.kind == "directory":
        if standing.kind not in ("absent", "directory"):
            os.unlink(path)
        os.makedirs(path, exist_ok=True)
        os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
        os.chmod(path, entry.mode)
    else:
        if standing.kind == "directory":
            raise EntryError(f"{path} is a directory and a {entry.kind} is declared there; move it away first")
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        _replace(path, entry)


def write_all(entries: dict[str, Entry]) -> None:
    """Write entries. Directories are made before their contents, and removed after them."""
    gone = {path for path, entry in entries.items() if entry.kind == "absent"}
    for path in sorted(set(entries) - gone) + sorted(gone, reverse=True):
        write_entry(path, entries[path])


def remove_leftovers(path: str) -> None:
    """Remove what a killed :func:`write_entry` left beside ``path``."""
    folder, name = os.path.split(path)
    for left in glob.glob(os.path.join(glob.escape(folder), glob.escape(_temporary_prefix(name)) + "*")):
        os.unlink(left)


def _temporary_prefix(name: str) -> str:
    return f".{name}.flaskyard-"


def _remove(path: str, standing: Entry) -> None:
    if standing.kind == "directory":
        try:
            os.rmdir(path)
        except OSError:
            return  # somebody else keeps files there
    elif standing.kind != "absent":
        os.unlink(path)


def _replace(path: str, entry: Entry) -> None:
    folder, name = os.path.split(path)
    if entry.kind == "link":
        temporary = os.path.join(folder, _temporary_prefix(name) + secrets.token_hex(8))
        os.symlink(entry.target, temporary)
    else:
        descriptor, temporary = tempfile.mkstemp(prefix=_temporary_prefix(name), dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                os.fchown(handle.fileno(), entry.uid, entry.gid)
                os.fchmod(handle.fileno(), entry.mode)
                handle.write(entry.content)
                handle.flush()
                os.fsync(handle.fileno())
        except BaseException:
            os.unlink(temporary)
            raise
    os.replace(temporary, path)
