# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have the kernel refuse the symbolic links of others, so that nobody can lead root elsewhere while root reads.

Programs such as restic walk a tree by path. An app that swaps a directory for a link at the right moment would have another
app's files saved as its own. No check before the walk helps; a mount that follows no link does, at every component of every path.

Such mounts take more rights than the backup should have while it talks to the network. So the backup asks a unit that has
nothing else to do, C(flask-backup-guard@PID.service), to place them in the backup's own mount namespace.
"""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command knows no limits, no pipes and no accounts, and programs have none
import ctypes
import os
import stat
import subprocess
from pathlib import Path

from .model import OPTIONAL_PATHS, BackupError, Config

_CLONE_NEWNS = 0x20000
_HERE = -100  # AT_FDCWD
_SYMLINK_NOFOLLOW, _EMPTY_PATH, _RECURSIVE = 0x100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_NOSYMFOLLOW = 0x200000
_ST_NOSYMFOLLOW = 0x2000
#: Only root writes there, and programs need the links there.
_SYSTEM = ("/", "/etc", "/usr")

_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    """C(struct mount_attr) of mount_setattr(2)."""

    _fields_ = (("set", ctypes.c_uint64), ("clear", ctypes.c_uint64), ("propagation", ctypes.c_uint64), ("userns", ctypes.c_uint64))


def ask_for_guard(config: Config) -> None:
    """Have no link followed, from here on, in what this process and its children read.

    :raises BackupError: links would be followed; then nothing must be read.
    """
    unit = f"flask-backup-guard@{os.getpid()}.service"
    done = subprocess.run(["systemctl", "start", unit], capture_output=True, text=True, check=False)
    followed = [directory for directory in guarded_directories(config) if not os.statvfs(directory).f_flag & _ST_NOSYMFOLLOW]
    if done.returncode or followed:
        raise BackupError(
            f"links would be followed in {', '.join(followed) or 'what is saved'}, so nothing is read; journalctl -u {unit} says why. {done.stderr.strip()}"
        )


def guard(config: Config, process: int) -> None:
    """Place the mounts for a process that has a mount namespace of its own.

    :raises BackupError: it has none.
    :raises OSError: the kernel cannot do it; Linux 5.14 can.
    """
    if os.path.samefile(f"/proc/{process}/ns/mnt", "/proc/1/ns/mnt"):
        raise BackupError(f"process {process} has the mounts of the whole host; start flask-backup.service or flask-backup-verify.service instead")
    with open(f"/proc/{process}/ns/mnt", "rb") as namespace:
        _call("setns", namespace.fileno(), _CLONE_NEWNS)
    for directory in guarded_directories(config):
        forbid_links(directory)


def guarded_directories(config: Config) -> list[str]:
    """The directories in which no link must be followed while a backup reads."""
    paths = (*OPTIONAL_PATHS, *(app.state for app in config.apps), *config.paths)
    found = {directory for path in paths if (directory := first_open_directory(path))}
    return sorted(found.difference(_SYSTEM))


def first_open_directory(path: str) -> str:
    """The first directory on the way to a path that somebody else than root can write to, or else the path itself.

    Links that only root can change are resolved, as they are for who reads the path. Empty when the path leads to no directory.
    """
    done = Path("/")
    left = list(Path(path).parts[1:])
    links = 0
    while left:
        done = Path(os.path.normpath(done / left.pop(0)))
        try:
            status = done.lstat()
        except OSError:
            return ""
        if stat.S_ISLNK(status.st_mode):
            links += 1
            if not left or links > 40:
                return ""
            target = Path(os.readlink(done))
            left = [*target.relative_to(target.anchor).parts, *left]
            done = Path("/") if target.is_absolute() else done.parent
        elif not stat.S_ISDIR(status.st_mode):
            return ""
        elif status.st_uid != 0 or status.st_mode & 0o022:
            break
    return str(done)


def forbid_links(directory: str) -> None:
    """Mount a directory over itself, with all that is mounted below it, in a way that follows no links."""
    path = os.fsencode(directory)
    tree = _call("open_tree", _HERE, path, _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _RECURSIVE | _SYMLINK_NOFOLLOW)
    try:
        attributes = _Attributes(set=_MOUNT_ATTR_NOSYMFOLLOW)
        _call("mount_setattr", tree, b"", _EMPTY_PATH | _RECURSIVE, ctypes.byref(attributes), ctypes.c_size_t(ctypes.sizeof(attributes)))
        _call("move_mount", tree, b"", _HERE, path, _MOVE_MOUNT_F_EMPTY_PATH)
    finally:
        os.close(tree)


def _call(name: str, *arguments: object) -> int:
    """Call a function of the C library.

    :raises OSError: it failed.
    """
    result: int = getattr(_libc, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result
