# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host knows of its releases: one record per release and per virtualenv, written when it is complete.

A tree without a record is the rest of a killed run.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import shutil
import typing as t

from .entries import Entry, write_entry

#: Known to root alone.
STATE = "/var/lib/flaskyard/apps"

Kind = t.Literal["releases", "venvs"]


class ReleaseError(Exception):
    """A release cannot be made. The text says what failed, why, and the way out."""


class Records:
    """The releases and virtualenvs of one app.

    :param app: an app as the app model completes it.
    :param state: directory of all the apps' records.
    """

    def __init__(self, app: dict[str, t.Any], state: str = STATE) -> None:
        self.name: str = app["name"]
        self.folder = os.path.join(state, self.name)
        self._trees: dict[Kind, str] = {"releases": app["paths"]["releases"], "venvs": app["paths"]["venvs"]}

    def tree(self, kind: Kind, identity: str) -> str:
        """Path of a release or virtualenv."""
        return os.path.join(self._trees[kind], identity)

    def get(self, kind: Kind, identity: str) -> dict[str, t.Any] | None:
        """The record of a release or virtualenv, None unless it is complete and there."""
        try:
            with open(self._path(kind, identity), encoding="utf-8") as handle:
                record: dict[str, t.Any] = json.load(handle)
        except (FileNotFoundError, ValueError):
            return None
        return record if os.path.isdir(self.tree(kind, identity)) else None

    def all(self, kind: Kind) -> list[dict[str, t.Any]]:
        """Every complete release or virtualenv, the newest first."""
        try:
            names = os.listdir(os.path.join(self.folder, kind))
        except FileNotFoundError:
            return []
        found = (self.get(kind, name.removesuffix(".json")) for name in names if name.endswith(".json"))
        return sorted(filter(None, found), key=lambda record: str(record["created"]), reverse=True)

    def put(self, kind: Kind, record: dict[str, t.Any]) -> dict[str, t.Any]:
        """Write a record, which makes C(record["id"]) complete."""
        record = {"created": datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"), **record}
        content = json.dumps(record, indent=2).encode() + b"\n"
        write_entry(self._path(kind, record["id"]), Entry("file", content, mode=0o600))
        return record

    def mark(self, identity: str, status: str) -> None:
        """Say of a release that it is V(built), or V(bad) when it was tried and did not pass."""
        if record := self.get("releases", identity):
            self.put("releases", {**record, "status": status})

    def create(self, kind: Kind, identity: str, uid: int, gid: int) -> str:
        """An empty directory in place of whatever a killed run left there, for the build account to fill."""
        self.remove(kind, identity)
        path = self.tree(kind, identity)
        os.mkdir(path, 0o755)
        os.chown(path, uid, gid, follow_symlinks=False)
        return path

    def remove(self, kind: Kind, identity: str) -> None:
        """Remove a release or virtualenv; the record goes first, so that no half of one is taken for whole."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(kind, identity))
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.tree(kind, identity))

    @contextlib.contextmanager
    def lock(self) -> t.Iterator[None]:
        """Be the only run that works on the app's releases.

        :raises ReleaseError: when another run does.
        """
        for folder in (os.path.dirname(self.folder), self.folder):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.path.join(self.folder, "lock"), "w", encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ReleaseError("another run is working on this app's releases on this host; let it end, then run again") from None
            yield

    def _path(self, kind: Kind, identity: str) -> str:
        return os.path.join(self.folder, kind, f"{identity}.json")


def prune_releases(app: dict[str, t.Any], keep: int, in_use: t.Iterable[str], state: str = STATE) -> list[str]:
    """Remove what no slot runs and nobody will go back to.

    :param keep: how many good releases stay, the newest first; of the bad ones the newest stays, to be looked at.
    :param in_use: ids that stay in any case.
    :returns: ids of the removed releases. Virtualenvs that no release has any more go with them.
    :raises ReleaseError: when another run works on the app's releases.
    """
    records = Records(app, state)
    used = set(in_use)
    with records.lock():
        releases = records.all("releases")
        good = [record["id"] for record in releases if record["status"] != "bad"]
        bad = [record["id"] for record in releases if record["status"] == "bad"]
        doomed = [identity for identity in good[keep:] + bad[1:] if identity not in used]
        for identity in doomed:
            records.remove("releases", identity)
        needed = {record["venv"] for record in records.all("releases")}
        for venv in records.all("venvs"):
            if venv["id"] not in needed:
                records.remove("venvs", venv["id"])
    return doomed
