# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases of an app on a server. The app's account dumps and restores them."""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .._databases.copies import COPIES
from .._databases.engine import Exchange
from .._host.errors import HostError
from .._host.program import say
from .accounts import as_account, finished
from .manifest import manifest_in, unchanged
from .model import STAGING, App, BackupError, digest

FOLDER = "servers"


def dump(app: App) -> dict[str, Any]:
    """Write a consistent dump of an app's database to the staging directory.

    :returns: the entry for the manifest.
    :raises BackupError: if it failed.
    """
    target = STAGING / FOLDER / app.name
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with open(target, "xb") as output:
        _run(COPIES[app.database].dump_command(app.user), app.user, stdin=subprocess.DEVNULL, stdout=output)
    return {"engine": app.database, "sha256": digest(target), "size": target.stat().st_size}


def prove(user: str, staging: Path, name: str, expected: dict[str, Any]) -> None:
    """Check that a restored dump is what was saved, and can be read to its end.

    :raises BackupError: if it is not, or cannot.
    """
    with open(unchanged(staging / FOLDER / name, expected), "rb") as handle:
        _run(COPIES[expected["engine"]].prove_command(), user, stdin=handle, stdout=subprocess.DEVNULL)


class Database:
    """The restore of an app's database: first beside the one in use, then in its place. Without a database to restore, it does nothing.

    :param staging: the snapshot's staging directory.
    """

    def __init__(self, app: App, staging: Path) -> None:
        self._app = app
        self._dump = staging / FOLDER / app.name
        self._expected: dict[str, Any] = manifest_in(staging).get(FOLDER, {}).get(app.name, {})
        saved = self._expected.get("engine", "")
        self._exchange = COPIES[saved].Exchange(app.user) if saved and saved == app.database else None
        if app.database and not saved:
            say(f"the snapshot has no database of {app.name}; the one that is on the host stays as it is")
        elif saved and not app.database:
            say(f"the snapshot has a database of {app.name}, which no longer has the key database; it is not restored")
        elif saved != app.database:
            say(f"the snapshot has a database of {app.name} in {saved}, and the app has one in {app.database} now, which stays as it is")

    @property
    def is_restored(self) -> bool:
        """Whether there is a database to restore."""
        return self._exchange is not None

    @property
    def left(self) -> str:
        """Where the restored database is kept if the app did not work with it, in words."""
        return f" and the database {self._exchange.aside}" if self._exchange else ""

    def prepare(self) -> None:
        """Restore it aside.

        :raises BackupError: if it is not what was saved, or the server refuses it. Nothing is left of it.
        """
        if self._exchange is None:
            return
        dump = unchanged(self._dump, self._expected)
        self._do(lambda exchange: exchange.prepare())
        try:
            with open(dump, "rb") as handle:
                _run(self._exchange.restore_command(), self._app.user, stdin=handle, stdout=subprocess.DEVNULL)
        except BaseException:
            self.discard()
            raise

    def swap(self) -> None:
        """Put it in the place of the one in use.

        :raises BackupError: if the server refuses.
        """
        self._do(lambda exchange: exchange.swap())

    def swap_back(self) -> None:
        """Undo the exchange."""
        self._do(lambda exchange: exchange.swap_back())

    def discard(self) -> None:
        """Drop the database that is not in use."""
        self._do(lambda exchange: exchange.discard())

    def _do(self, step: Callable[[Exchange], None]) -> None:
        if self._exchange:
            try:
                step(self._exchange)
            except HostError as error:
                raise BackupError(str(error)) from error


def _run(argv: list[str], user: str, **streams: Any) -> None:
    """Run a program as an account, and wait for it.

    :raises BackupError: if it failed.
    """
    try:
        finished(subprocess.Popen(argv, stderr=subprocess.PIPE, cwd="/", **streams, **as_account(user)))
    except FileNotFoundError as error:
        raise BackupError(f"{argv[0]} is not installed; run the playbook site") from error
