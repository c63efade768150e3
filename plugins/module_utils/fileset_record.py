# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host remembers of a fileset: the paths it owns, what stood there before, and a change that is under way."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import typing as t

from .entries import ABSENT, Entry, EntryError, read_entry, remove_leftovers, write_all, write_entry

STATE = "/var/lib/flaskyard/filesets"


def known() -> list[str]:
    """Names of the sets that own a path on this host, or have a change under way."""
    names = sorted(os.listdir(STATE)) if os.path.isdir(STATE) else []
    return [name for name in names if Record(name).owned() or Record(name).interrupted]


class Record:
    """Below ``STATE/<name>``: ``manifest.json`` lists the paths that the set owns and which of them are secret, ``originals/`` has the distribution's files
    it replaced, and ``journal.json``, with what stood before, exists only between the first replacement and the moment when services know of the last.
    """

    def __init__(self, name: str) -> None:
        self._folder = os.path.join(STATE, name)

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Keep other runs off.

        :raises EntryError: when one is at it.
        """
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        with open(self._file("lock"), "w", encoding="ascii") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise EntryError("another run is changing it at this moment; wait for it and run again") from error
            yield

    @property
    def interrupted(self) -> bool:
        """Whether a change was begun and neither finished nor undone."""
        return os.path.exists(self._file("journal.json"))

    def owned(self) -> list[str]:
        """The paths that the set owns."""
        return self._manifest()["paths"]

    def secret(self) -> set[str]:
        """Those of them whose content nobody is shown."""
        return {*self._manifest()["secret"]}

    def own(self, entries: dict[str, Entry], secret: set[str]) -> None:
        """Write down what the set owns now, and what of it is secret."""
        paths = sorted(path for path, entry in entries.items() if entry.kind != "absent" or os.path.lexists(self._original_file(path)))
        self._set_manifest({"paths": paths, "secret": sorted(secret.intersection(paths))})

    def remove(self) -> None:
        """Forget everything: without files there is nothing to remember."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._file("manifest.json"))  # it must not outlive the originals of what it lists
        shutil.rmtree(self._folder)

    def original(self, path: str) -> Entry:
        """What stood at a path before the set took it."""
        return read_entry(self._original_file(path))

    def save(self, before: dict[str, Entry]) -> None:
        """Write down what stands and whose it is, in place of an earlier journal, so that a failure or a killed run can be undone."""
        manifest = self._manifest()
        for path, entry in before.items():
            if path not in manifest["paths"]:
                write_entry(self._original_file(path), entry if entry.kind in ("file", "link") else ABSENT)
        entries = {path: _packed(entry) for path, entry in before.items() if entry.kind != "other"}
        self._write("journal.json", json.dumps({"owned": manifest, "entries": entries}))

    def saved(self) -> dict[str, Entry]:
        """What :meth:`save` wrote down, by path."""
        return {path: _unpacked(packed) for path, packed in self._journal()["entries"].items()}

    def restore(self) -> None:
        """Put back what :meth:`save` wrote down. The journal stays until :meth:`forget`: services are still to be told."""
        saved = self.saved()
        for path in saved:
            remove_leftovers(path)
        write_all(saved)
        self._set_manifest(_manifest(self._journal()["owned"]))

    def forget(self) -> None:
        """The change is over, and services know."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._file("journal.json"))

    def _journal(self) -> dict[str, t.Any]:
        with open(self._file("journal.json"), encoding="utf-8") as handle:
            return dict(json.load(handle))

    def _manifest(self) -> dict[str, list[str]]:
        try:
            with open(self._file("manifest.json"), encoding="utf-8") as handle:
                return _manifest(json.load(handle))
        except FileNotFoundError:
            return _manifest([])

    def _set_manifest(self, manifest: dict[str, list[str]]) -> None:
        if manifest != self._manifest():
            self._write("manifest.json", json.dumps(manifest, indent=1) + "\n")

    def _file(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _write(self, name: str, text: str) -> None:
        write_entry(self._file(name), Entry("file", content=text.encode(), mode=0o600))

    def _original_file(self, path: str) -> str:
        return self._file(os.path.join("originals", hashlib.sha256(path.encode()).hexdigest()[:16]))


def _manifest(stored: t.Any) -> dict[str, list[str]]:
    """A manifest as it is written today; earlier ones said nothing of secrets, and journals had the paths alone."""
    return {"paths": [], "secret": [], **(stored if isinstance(stored, dict) else {"paths": stored})}


def _packed(entry: Entry) -> dict[str, t.Any]:
    return {**dataclasses.asdict(entry), "content": base64.b64encode(entry.content).decode()}


def _unpacked(packed: dict[str, t.Any]) -> Entry:
    return Entry(**{**packed, "content": base64.b64decode(packed["content"])})
