# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore an app's state."""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import contextlib
import ctypes
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

from .._host.locks import Busy
from .._host.program import say
from .._releases.deploy_log import logged
from .._releases.records import Records
from .._slots.secret_keys import VARIABLE
from .._slots.slots import alone
from .._slots.survey import serving
from .accounts import account_of
from .dumps import overlay
from .manifest import manifest_in
from .model import STAGING, STATE, App, BackupError, Config, below
from .release_commands import forgotten, to_run
from .repository import Restic, app_tag
from .running import Running
from .secret_key import SecretKey, machine
from .servers import FOLDER, Database

#: Only files of at least this size are searched for holes.
_LARGE = 2**20
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_HERE = -100  # AT_FDCWD


def restore(config: Config, name: str, snapshot: str, with_secret_key: bool = False) -> dict[str, Any]:
    """Restore an app's state from a snapshot. If the app then does not work, put back what was there.

    :param with_secret_key: take the snapshot's SECRET_KEY too, wherever the snapshot was made.

    :returns: the entry for ``status.json``.
    :raises BackupError: if it fails. Nothing has changed, or everything is back as it was.
    """
    app = next((app for app in config.apps if app.name == name), None)
    if app is None:
        raise BackupError(f"there is no app {name!r} in the backup; the apps are {', '.join(a.name for a in config.apps) or '(none)'}")
    if os.path.ismount(app.state):
        raise BackupError(f"{app.state} is a mount point, which cannot be swapped; restore it by hand with: restic restore")
    Running(app).refuse_strangers()
    restic = Restic(config)
    if snapshot == "latest":
        snapshot = str(restic.newest(app_tag(name))["id"])
    root = STATE / f"restore-{name}"
    try:
        tree = prepared(restic, app, snapshot, root)
        database = Database(app, below(root, STAGING))
        database.prepare()
    except BaseException:
        shutil.rmtree(root)
        raise
    try:
        Running(app).refuse_strangers()
    except BaseException:
        database.discard()
        shutil.rmtree(root)
        raise
    key = SecretKey(app, root)
    takes_key = key.differs and (with_secret_key or manifest_in(below(root, STAGING)).get("machine", machine()) != machine())
    records, served = Records(app.model), serving(name)
    release = served.release if served else ""
    try:
        with alone(name), logged("restore", records, release, snapshot=snapshot), forgotten(records) as commands:
            swap(app, tree, key if takes_key else None, database)
    except Busy as error:
        database.discard()
        shutil.rmtree(root)
        raise BackupError(f"{name}: {error}. Nothing has changed.") from error
    database.discard()
    shutil.rmtree(root)
    say(f"{app.state} is as snapshot {snapshot[:8]} has it" + (f", and so is the database {app.user}" if database.is_restored else ""))
    if takes_key:
        say(f"{VARIABLE} is that of the snapshot")
    elif key.differs:
        say(f"the snapshot has another {VARIABLE}, and that of the host stays; to take that of the snapshot, restore with --secret-key (-e secret_key=true)")
    if release in commands:
        say(to_run(records, release, commands[release]))
    return {"app": name, "snapshot": snapshot, "secret_key": takes_key}


def prepared(restic: Restic, app: App, snapshot: str, root: Path) -> Path:
    """Restore an app's state below a directory, with consistent databases and the right owners.

    :returns: the directory that will become the state.
    :raises BackupError: if the snapshot does not hold the state, or is damaged.
    """
    wanted = [app.state, app.model["paths"]["secret_key"], str(STAGING / "manifest.json"), f"{STAGING}/databases/{app.name}", f"{STAGING}/{FOLDER}/{app.name}"]
    restic.restore(snapshot, root, *(argument for path in wanted for argument in ("--include", path)))
    tree = below(root, app.state)
    if tree.is_symlink() or not tree.is_dir():
        raise BackupError(f"snapshot {snapshot[:8]} does not hold {app.state}; flask-backup snapshots lists the others")
    if not restic.keeps_holes:
        dig_holes(tree)
    give(tree, app.user)
    overlay(app, tree, below(root, STAGING))
    return tree


def dig_holes(tree: Path) -> None:
    """Free the space of zeros in large files. Contents and times do not change."""
    for folder, _folders, names in os.walk(tree):
        for path in (os.path.join(folder, name) for name in names):
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and status.st_size >= _LARGE:
                subprocess.run(["fallocate", "--dig-holes", path], check=False, capture_output=True)
                os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def give(tree: Path, user: str) -> None:
    """Give files that belonged to the app's account when they were saved to its account on this host, which may have other numbers."""
    saved, account = tree.lstat(), account_of(user)
    # Files of root stay root's: while it was saved, an app may have moved somebody else's file into its state.
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
    """Exchange two directories in one step. If the second does not exist, move the first.

    :raises OSError: if they are on different disks, or the file system cannot do it.
    """
    if not os.path.lexists(state):
        os.rename(tree, state)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_HERE, os.fsencode(tree), _HERE, os.fsencode(state), _EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} (the two must be on one disk)", str(tree), None, state)


def swap(app: App, tree: Path, key: SecretKey | None, database: Database) -> None:
    """Put ``tree`` in the place of the state directory while the app is stopped. If the app does not come back, undo it.

    :param key: the app's key, if it is replaced too.
    :param database: the app's database, which is replaced too.
    :raises BackupError: after everything is undone.
    """
    running = Running(app)
    say(f"stopping {running}")
    swapped = swapped_database = False
    try:
        running.stop()
        exchange(tree, app.state)
        swapped = True
        database.swap()
        swapped_database = True
        if key:
            key.replace(running.slot)
        running.start()
        running.prove()
        say(f"started {running}; it did not serve for {running.gap_seconds:.1f} s")
    except (BackupError, OSError) as error:
        with contextlib.suppress(BackupError):
            running.stop()
        if swapped and tree.exists():
            exchange(tree, app.state)
        elif swapped:
            os.rename(app.state, tree)
        if swapped_database:
            database.swap_back()
        if key:
            key.put_back()
        running.start()
        raise BackupError(f"{error}\nThe state that was there is back; the restored state is in {tree}{database.left}.") from error
