# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a host's releases: one for each release and each virtualenv, written when it is complete.

A tree without a record is left from a killed run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import pwd
import shutil
import typing as t

from .._host import paths
from .._host.actor import now, stamp
from .._host.errors import HostError
from .._host.locks import locked
from .._host.path_state import PathState, read_json, write_path

Kind = t.Literal["releases", "venvs"]


class ReleaseError(HostError):
    """A release cannot be made. The text says what failed, why, and what to do."""


@dataclasses.dataclass
class Outcome:
    """The result for one app.

    :param to_build: the release is missing, or was before this run.
    :param wanted: nothing was done yet, because the controller must send the source first.
    :param notices: remarks for people that are not errors.
    :param withdrawn: the declared release, if it does not serve because somebody withdrew it: C(id), C(at) and C(by).
    """

    release: dict[str, t.Any]
    to_build: bool = False
    wanted: bool = False
    withdrawn: dict[str, str] | None = None
    diff: list[dict[str, str]] = dataclasses.field(default_factory=list)
    notices: list[str] = dataclasses.field(default_factory=list)

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
    :param state: the directory with all apps' records, which only root can read. Default: the host's.
    """

    def __init__(self, app: dict[str, t.Any], state: str | None = None) -> None:
        self.name: str = app["name"]
        self.folder = os.path.join(state or paths.APPS, self.name)
        self._trees: dict[Kind, str] = {"releases": app["paths"]["releases"], "venvs": app["paths"]["venvs"]}

    def tree(self, kind: Kind, identity: str) -> str:
        """Path of a release or virtualenv."""
        return os.path.join(self._trees[kind], identity)

    def get(self, kind: Kind, identity: str) -> dict[str, t.Any] | None:
        """The record of a release or virtualenv; None if it is missing or incomplete."""
        record: dict[str, t.Any] | None = read_json(self._path(kind, identity))
        return record if os.path.isdir(self.tree(kind, identity)) else None

    def whole(self, kind: Kind, identity: str) -> dict[str, t.Any] | None:
        """The record of a release or virtualenv; None also if somebody changed it by hand."""
        record = self.get(kind, identity)
        return record if record and record.get("contents") in (None, outline(self.tree(kind, identity))) else None

    def all(self, kind: Kind) -> list[dict[str, t.Any]]:
        """Every complete release or virtualenv, the newest first."""
        try:
            names = os.listdir(os.path.join(self.folder, kind))
        except FileNotFoundError:
            return []
        found = (self.get(kind, name.removesuffix(".json")) for name in names if name.endswith(".json"))
        return sorted(filter(None, found), key=lambda record: str(record["created"]), reverse=True)

    def difference(self, identity: str | None, inputs: dict[str, t.Any]) -> dict[str, str]:
        """The inputs of the release that served last, or else of the newest, and of the one to make, as a diff for Ansible."""
        last = self.last_good() or next(iter(self.all("releases")), None)
        return {
            "before_header": f"{self.name}: release {last['id']}" if last else f"{self.name}: no release",
            "before": _lines(last["inputs"]) if last else "",
            "after_header": f"{self.name}: release to build, {identity or 'id not known before the source can be asked'}",
            "after": _lines(inputs),
        }

    def put(self, kind: Kind, record: dict[str, t.Any]) -> dict[str, t.Any]:
        """Write a record, which makes C(record["id"]) complete."""
        record = {"created": now(), **record}
        # Earlier versions recorded a smaller outline under another name.
        if "contents" not in record:
            record["contents"] = outline(self.tree(kind, record["id"]))
        content = json.dumps(record, indent=2).encode() + b"\n"
        write_path(self._path(kind, record["id"]), PathState("file", content, mode=0o600))
        return record

    def note(self, identity: str, **notes: t.Any) -> None:
        """Add notes to the record of a release; None removes a note."""
        if not self.get("releases", identity):
            return
        # When a release command ends, systemd records it while a run may hold the other locks.
        with locked(os.path.join(self.folder, "notes.lock")):
            record = self.get("releases", identity) or {}
            self.put("releases", {key: value for key, value in {**record, **notes}.items() if value is not None or key not in notes})

    def serves(self, identity: str, before: str) -> None:
        """Note that a release has become current.

        :param before: id of the previous one. A killed run may not have recorded that it served.
        """
        if (record := self.get("releases", before)) and "served" not in record:
            self.note(before, served={"at": record["created"], "by": ""})
        record = self.get("releases", identity) or {}
        self.note(identity, status="built", served=record["served"] if identity == before and "served" in record else stamp())

    def last_good(self, but: str = "") -> dict[str, t.Any] | None:
        """The good release that served last.

        :param but: id of a release to leave out.
        """
        good = [record for record in self.all("releases") if "served" in record and is_good(record) and record["id"] != but]
        return max(good, key=lambda record: str(record["served"]["at"]), default=None)

    def withdrawal(self, identity: str) -> dict[str, str]:
        """Who withdrew a release, and when: C(id), C(words) that describe the release, C(at) and C(by)."""
        record = self.get("releases", identity) or {"id": identity}
        return {"id": identity, "words": describe(record), "at": "", "by": "", **record.get("withdrawn", {})}

    def facts(self, record: dict[str, t.Any]) -> dict[str, t.Any]:
        """The facts about a release for roles."""
        venv = self.tree("venvs", record["venv"]) if record["venv"] else None
        return {"id": record["id"], "dir": self.tree("releases", record["id"]), "venv": venv, "python": record["python"], "source": record["source"]}

    def create(self, kind: Kind, identity: str, uid: int, gid: int) -> str:
        """Make an empty directory, in place of anything that a killed run left. Only the build account can open it until it is complete."""
        self.remove(kind, identity)
        path = self.tree(kind, identity)
        os.mkdir(path, 0o700)
        os.chown(path, uid, gid, follow_symlinks=False)
        return path

    def link(self, kind: Kind, identity: str, folder: str) -> None:
        """Make a link to somebody else's folder, in place of a directory."""
        self.remove(kind, identity)
        os.symlink(folder, self.tree(kind, identity))

    def remove(self, kind: Kind, identity: str) -> None:
        """Remove a release or virtualenv. The record goes first, so that a half-removed one never counts as complete."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(kind, identity))
        tree = self.tree(kind, identity)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(tree) if os.path.islink(tree) else shutil.rmtree(tree)

    def lock(self) -> t.ContextManager[None]:
        """Be the only run that works on the app's releases.

        :raises Busy: when another run does.
        """
        return locked(os.path.join(self.folder, "lock"))

    def _path(self, kind: Kind, identity: str) -> str:
        return os.path.join(self.folder, kind, f"{identity}.json")


def prune_releases(app: dict[str, t.Any], keep: int, in_use: t.Iterable[str], state: str | None = None) -> list[str]:
    """Remove releases that no slot runs and nobody will go back to.

    :param keep: how many good releases stay, the last to serve first, and how many withdrawn ones. The record of a withdrawn release must stay while it is
        declared. The newest bad release stays for inspection.
    :param in_use: ids that stay in any case.
    :returns: ids of the removed releases. Virtualenvs that no release needs any more are removed too.
    :raises Busy: when another run works on the app's releases.
    """
    records = Records(app, state)
    used = set(in_use)
    with records.lock():
        releases = records.all("releases")
        good = [record["id"] for record in sorted(releases, key=_served_last, reverse=True) if is_good(record)]
        withdrawn = [record["id"] for record in releases if "withdrawn" in record]
        bad = [record["id"] for record in releases if record["status"] == "bad" and "withdrawn" not in record]
        doomed = [identity for identity in good[keep:] + withdrawn[keep:] + bad[1:] if identity not in used]
        for identity in doomed:
            records.remove("releases", identity)
        needed = {record["venv"] for record in records.all("releases")}
        for venv in records.all("venvs"):
            if venv["id"] not in needed:
                records.remove("venvs", venv["id"])
    return doomed


def is_good(record: dict[str, t.Any]) -> bool:
    """Whether a release is neither bad nor withdrawn."""
    return record["status"] != "bad" and "withdrawn" not in record


def describe(record: dict[str, t.Any]) -> str:
    """A release in words: its id, version and revision."""
    source = record.get("source") or {}
    # The revision of a published package is its name and version.
    revision = "" if source.get("kind") == "pypi" else str(source.get("revision") or "").removeprefix("sha256:")[:12]
    version = str(source.get("version") or "")
    parts = [part for part in ("" if revision and version.startswith(revision) else version, revision) if part]
    return f"{record['id']} ({', '.join(parts)})" if parts else str(record["id"])


def _served_last(record: dict[str, t.Any]) -> str:
    return str(record.get("served", {}).get("at") or record["created"])


def outline(tree: str) -> str | None:
    """A digest of a tree that needs no file contents: every path, the targets of links, and each file's size and the second of its last change.

    Of installed packages it has only the paths, since there may be tens of thousands of files. It shows what somebody changed by hand: nothing else
    on a host can write to a complete tree. Code in place has no outline.
    """
    if os.path.islink(tree):
        return None
    lines, folders = [], [tree]
    while folders:
        folder = folders.pop()
        installed = "/site-packages" in folder.removeprefix(tree)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
            for entry in entries:
                line = entry.path.removeprefix(tree)
                if entry.is_symlink():
                    line += f" -> {os.readlink(entry.path)}"
                elif entry.is_dir():
                    folders.append(entry.path)
                elif not installed:
                    status = entry.stat()
                    line += f" {status.st_size} {int(status.st_mtime)}"
                lines.append(line)
    return short_hash(sorted(lines))


def assert_account(user: str) -> None:
    """Check that an earlier role has made a build account.

    :raises ReleaseError: if there is none.
    """
    try:
        pwd.getpwnam(user)
    except KeyError:
        raise ReleaseError(f"there is no account {user}; the role app makes it, run it first") from None


def short_hash(value: t.Any) -> str:
    """A hash of a value with 12 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _lines(inputs: dict[str, t.Any]) -> str:
    # A build command may hold secrets. Its hash still shows that it changed.
    shown = {**inputs, "build_command": short_hash(inputs["build_command"])} if inputs.get("build_command") else inputs
    return "".join(f"{key}: {value if isinstance(value, str) else json.dumps(value)}\n" for key, value in shown.items() if key != "format")
