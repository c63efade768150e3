# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the kernel refuse symbolic links of others, so that nobody can redirect root while it reads.

Programs such as restic walk a tree by path. If an app swaps a directory for a link at the right moment, another app's files would be
saved as its own. No check before the walk prevents that. A mount that follows no links does, at every component of every path.

Such mounts need more rights than the backup should have while it talks to the network. So the backup asks a separate unit,
C(flask-backup-guard@PID.service), to place them in the backup's mount namespace.
"""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
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
#: Only root can write here, and programs need the links here.
_SYSTEM = ("/", "/etc", "/usr")

_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    """C(struct mount_attr) of mount_setattr(2)."""

    _fields_ = (("set", ctypes.c_uint64), ("clear", ctypes.c_uint64), ("propagation", ctypes.c_uint64), ("userns", ctypes.c_uint64))


def ask_for_guard(config: Config) -> None:
    """From here on, stop this process and its children from following links in what they back up.

    :raises BackupError: if links would be followed. Then nothing may be read.
    """
    unit = f"flask-backup-guard@{os.getpid()}.service"
    done = subprocess.run(["systemctl", "start", unit], capture_output=True, text=True, check=False)
    followed = [directory for directory in guarded_directories(config) if not os.statvfs(directory).f_flag & _ST_NOSYMFOLLOW]
    if done.returncode or followed:
        raise BackupError(
            f"links would be followed in {', '.join(followed) or 'what is saved'}, so nothing is read; journalctl -u {unit} says why. {done.stderr.strip()}"
        )


def guard(config: Config, process: int) -> None:
    """Place the mounts for a process in its own mount namespace.

    :raises BackupError: if it has no such namespace.
    :raises OSError: if the kernel cannot do it. It needs Linux 5.14.
    """
    if os.path.samefile(f"/proc/{process}/ns/mnt", "/proc/1/ns/mnt"):
        raise BackupError(f"process {process} has the mounts of the whole host; start flask-backup.service or flask-backup-verify.service instead")
    with open(f"/proc/{process}/ns/mnt", "rb") as namespace:
        _call("setns", namespace.fileno(), _CLONE_NEWNS)
    for directory in guarded_directories(config):
        forbid_links(directory)


def guarded_directories(config: Config) -> list[str]:
    """The directories in which a backup must not follow links."""
    paths = (*OPTIONAL_PATHS, *(app.state for app in config.apps), *config.paths)
    found = {directory for path in paths if (directory := first_open_directory(path))}
    return sorted(found.difference(_SYSTEM))


def first_open_directory(path: str) -> str:
    """The first directory on a path that anybody but root can write; if there is none, the path itself.

    Links that only root can change are resolved. Empty if the path leads to no directory.
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
    """Mount a directory over itself, with everything mounted below it, so that no links are followed."""
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

    :raises OSError: if it failed.
    """
    result: int = getattr(_libc, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result
