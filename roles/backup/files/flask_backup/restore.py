# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# flaskyard.server:backup
"""Bring an app's state back."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from pathlib import Path
from typing import Any

from .accounts import account_of
from .dumps import overlay
from .model import STAGING, STATE, App, BackupError, Config, below, say
from .repository import Restic, app_tag
from .services import control, prove, units_of

_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_HERE = -100  # AT_FDCWD


def restore(config: Config, name: str, snapshot: str) -> dict[str, Any]:
    """Put an app's state back as a snapshot has it; if the app then does not work, put back what was there.

    :returns: what to note in ``status.json``.
    :raises BackupError: nothing has changed, or all is back as it was.
    """
    app = next((app for app in config.apps if app.name == name), None)
    if app is None:
        raise BackupError(f"there is no app {name!r} in the backup; the apps are {', '.join(a.name for a in config.apps) or '(none)'}")
    if os.path.ismount(app.state):
        raise BackupError(f"{app.state} is a mount point, which cannot be swapped; restore it by hand with: restic restore")
    restic = Restic(config)
    if snapshot == "latest":
        snapshot = str(restic.newest(app_tag(name))["id"])
    root = STATE / f"restore-{name}"
    try:
        tree = prepared(restic, app, snapshot, root)
    except BaseException:
        shutil.rmtree(root)
        raise
    swap(app, tree)
    shutil.rmtree(root)
    say(f"{app.state} is as snapshot {snapshot[:8]} has it")
    return {"app": name, "snapshot": snapshot}


def prepared(restic: Restic, app: App, snapshot: str, root: Path) -> Path:
    """Restore an app's state below a directory, the databases as they were at one moment, all with the right owner.

    :returns: the directory that is to become the state.
    :raises BackupError: the snapshot does not hold it, or is damaged.
    """
    wanted = [app.state, str(STAGING / "manifest.json"), f"{STAGING}/databases/{app.name}"]
    restic.restore(snapshot, root, *(argument for path in wanted for argument in ("--include", path)))
    tree = below(root, app.state)
    if tree.is_symlink() or not tree.is_dir():
        raise BackupError(f"snapshot {snapshot[:8]} does not hold {app.state}; flask-backup snapshots lists the others")
    give(tree, app.user)
    overlay(app, tree, below(root, STAGING))
    return tree


def give(tree: Path, user: str) -> None:
    """Hand what belonged to the app's account when it was saved to the account of this host, whose numbers may be others."""
    saved, account = tree.lstat(), account_of(user)
    # What belongs to root stays root's: an app may have lured another's file into its state while it was saved.
    owner = {saved.st_uid: account.pw_uid} if saved.st_uid else {}
    group = {saved.st_gid: account.pw_gid} if saved.st_gid else {}
    for _folder, folders, names, handle in os.fwalk(tree):
        for name in (*folders, *names):
            entry = os.stat(name, dir_fd=handle, follow_symlinks=False)
            new = owner.get(entry.st_uid, entry.st_uid), group.get(entry.st_gid, entry.st_gid)
            if new != (entry.st_uid, entry.st_gid):
                os.chown(name, *new, dir_fd=handle, follow_symlinks=False)
    os.chown(tree, account.pw_uid, account.pw_gid)


def exchange(tree: Path, state: str) -> None:
    """Exchange two directories in one step; without a second one, move the first.

    :raises OSError: they are on different disks, or the file system cannot do it.
    """
    if not os.path.lexists(state):
        os.rename(tree, state)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_HERE, os.fsencode(tree), _HERE, os.fsencode(state), _EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} (the two must be on one disk)", str(tree), None, state)


def swap(app: App, tree: Path) -> None:
    """Put ``tree`` in the place of the state directory while the app stands still; undo it if the app does not come back.

    :raises BackupError: after the undoing.
    """
    units = units_of(app)
    say(f"stopping {', '.join(units) or 'nothing: no unit of the app is running'}")
    control("stop", units)
    swapped = False
    try:
        exchange(tree, app.state)
        swapped = True
        control("start", units)
        prove(app, units)
    except (BackupError, OSError) as error:
        with contextlib.suppress(BackupError):
            control("stop", units)
        if swapped and tree.exists():
            exchange(tree, app.state)
        elif swapped:
            os.rename(app.state, tree)
        control("start", units)
        raise BackupError(f"{error}\nThe state that was there is back; what was to replace it is in {tree}.") from error
