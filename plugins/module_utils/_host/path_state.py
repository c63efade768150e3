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


class PathError(HostError):
    """A path cannot be read or written safely."""


@dataclasses.dataclass(frozen=True)
class PathState:
    """What is at a path. ``kind`` is absent, file, link, directory or other."""

    kind: str
    content: bytes = b""
    target: str = ""
    uid: int = 0
    gid: int = 0
    mode: int = 0

    @property
    def text(self) -> str:
        """The content as a diff shows it."""
        if self.kind == "file":
            return self.content.decode("utf-8", "replace")
        if self.kind == "link":
            return f"-> {self.target}\n"
        return ""

    def same_as(self, other: PathState) -> bool:
        """Whether both are equal in everything that matters for their kind."""
        if self.kind != other.kind:
            return False
        if self.kind in ("absent", "other"):
            return True
        if self.kind == "link":
            return self.target == other.target
        return (self.content, self.uid, self.gid, self.mode) == (other.content, other.uid, other.gid, other.mode)


ABSENT = PathState("absent")


def read_path(path: str) -> PathState:
    """What is at ``path``, without following a link in the last component."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    owner: dict[str, t.Any] = {"uid": status.st_uid, "gid": status.st_gid, "mode": stat.S_IMODE(status.st_mode)}
    if stat.S_ISLNK(status.st_mode):
        return PathState("link", target=os.readlink(path))
    if stat.S_ISDIR(status.st_mode):
        return PathState("directory", **owner)
    if not stat.S_ISREG(status.st_mode):
        return PathState("other")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as handle:
        return PathState("file", content=handle.read(), **owner)


def read_json(path: str) -> t.Any:
    """The content of a JSON file that belongs to root; None if it is missing or damaged."""
    try:
        return json.loads(read_path(path).text)
    except ValueError:
        return None


def assert_trusted_parents(path: str) -> None:
    """Refuse a path if anybody but root could change a directory on it.

    :raises PathError: naming the directory, its owner and mode.
    """
    parent = os.path.realpath(os.path.dirname(path))
    while True:
        try:
            status = os.stat(parent)
        except FileNotFoundError:
            status = None
        if status and (status.st_uid != 0 or status.st_mode & 0o022):
            raise PathError(
                f"{path}: the directory {parent} belongs to uid {status.st_uid} with mode {stat.S_IMODE(status.st_mode):04o}; "
                "root writes only where nobody else can. Make it root's with mode 0755, or choose another path"
            )
        if parent == "/":
            return
        parent = os.path.dirname(parent)


def write_path(path: str, state: PathState) -> None:
    """Bring ``path`` to ``state``. Readers see the old or the new content, never a part.

    :raises PathError: if something is in the way that we may not delete.
    :raises OSError: the system's error, such as a read-only file system; for a full disk with what to check.
    """
    with naming(path):
        _write(path, state)


def _write(path: str, state: PathState) -> None:
    present = read_path(path)
    if present.kind == "other":
        raise PathError(f"{path} is a device, socket or pipe; remove it first")
    if state.kind == "absent":
        _remove(path, present)
    elif state.kind == "directory":
        if present.kind not in ("absent", "directory"):
            os.unlink(path)
        os.makedirs(path, exist_ok=True)
        os.chown(path, state.uid, state.gid, follow_symlinks=False)
        os.chmod(path, state.mode)
    else:
        if present.kind == "directory":
            raise PathError(f"{path} is a directory and a {state.kind} is declared there; move it away first")
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        _replace(path, state)


def write_all(states: dict[str, PathState]) -> None:
    """Write several paths. Directories are made before their contents, and removed after them."""
    gone = {path for path, state in states.items() if state.kind == "absent"}
    for path in sorted(set(states) - gone) + sorted(gone, reverse=True):
        write_path(path, states[path])


def remove_leftovers(path: str) -> None:
    """Remove what a killed :func:`write_path` left beside ``path``."""
    folder, name = os.path.split(path)
    for left in glob.glob(os.path.join(glob.escape(folder), glob.escape(_temporary_prefix(name)) + "*")):
        os.unlink(left)


def _temporary_prefix(name: str) -> str:
    return f".{name}.flaskyard-"


def _remove(path: str, present: PathState) -> None:
    if present.kind == "directory":
        try:
            os.rmdir(path)
        except OSError:
            return  # somebody else keeps files there
    elif present.kind != "absent":
        os.unlink(path)


def _replace(path: str, state: PathState) -> None:
    folder, name = os.path.split(path)
    if state.kind == "link":
        temporary = os.path.join(folder, _temporary_prefix(name) + secrets.token_hex(8))
        os.symlink(state.target, temporary)
    else:
        descriptor, temporary = tempfile.mkstemp(prefix=_temporary_prefix(name), dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                os.fchown(handle.fileno(), state.uid, state.gid)
                os.fchmod(handle.fileno(), state.mode)
                handle.write(state.content)
                handle.flush()
                os.fsync(handle.fileno())
        except BaseException:
            os.unlink(temporary)
            raise
    os.replace(temporary, path)
