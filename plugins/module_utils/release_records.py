# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host knows of its releases: one record per release and per virtualenv, written when it is complete.

A tree without a record is the rest of a killed run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import hashlib
import json
import os
import pwd
import shutil
import typing as t

from .entries import Entry, write_entry

#: Known to root alone.
STATE = "/var/lib/flaskyard/apps"

Kind = t.Literal["releases", "venvs"]


class ReleaseError(Exception):
    """A release cannot be made. The text says what failed, why, and the way out."""


@dataclasses.dataclass
class Outcome:
    """What became of one app.

    :param to_build: the release is not there, or was not before this run.
    :param wanted: nothing was done yet: the controller has to send the source.
    """

    release: dict[str, t.Any]
    to_build: bool = False
    wanted: bool = False
    diff: list[dict[str, str]] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether the host changes."""
        return bool(self.diff)

    def also(self, notes: list[str]) -> Outcome:
        """The outcome with further changes, one line for each."""
        self.diff += [{"prepared": f"{note}\n"} for note in notes]
        return self


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

    def difference(self, identity: str | None, inputs: dict[str, t.Any]) -> dict[str, str]:
        """The newest release and one to make, by what they are made of, as Ansible shows a diff."""
        newest = next(iter(self.all("releases")), None)
        return {
            "before_header": f"{self.name}: newest release, {newest['id'] if newest else 'none'}",
            "before": _lines(newest["inputs"]) if newest else "",
            "after_header": f"{self.name}: release to build, {identity or 'id not known before the source can be asked'}",
            "after": _lines(inputs),
        }

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
        """An empty directory in place of whatever a killed run left there, which the build account fills and nobody else sees until it is complete."""
        self.remove(kind, identity)
        path = self.tree(kind, identity)
        os.mkdir(path, 0o700)
        os.chown(path, uid, gid, follow_symlinks=False)
        return path

    def link(self, kind: Kind, identity: str, folder: str) -> None:
        """A link to a folder that is somebody else's, in place of a directory of its own."""
        self.remove(kind, identity)
        os.symlink(folder, self.tree(kind, identity))

    def remove(self, kind: Kind, identity: str) -> None:
        """Remove a release or virtualenv; the record goes first, so that no half of one is taken for whole."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(kind, identity))
        tree = self.tree(kind, identity)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(tree) if os.path.islink(tree) else shutil.rmtree(tree)

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


def assert_account(user: str) -> None:
    """Say that an earlier role has not made a build account.

    :raises ReleaseError: there is none.
    """
    try:
        pwd.getpwnam(user)
    except KeyError:
        raise ReleaseError(f"there is no account {user}; the role app makes it, run it first") from None


def short_hash(value: t.Any) -> str:
    """12 hexadecimal digits that stand for a value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _lines(inputs: dict[str, t.Any]) -> str:
    # A build command may hold secrets; that it is another one can be seen all the same.
    shown = {**inputs, "build_command": short_hash(inputs["build_command"])} if inputs.get("build_command") else inputs
    return "".join(f"{key}: {value if isinstance(value, str) else json.dumps(value)}\n" for key, value in shown.items() if key != "format")
