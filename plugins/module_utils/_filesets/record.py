# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's record of a fileset: the paths that it owns, what was there before, and a change that is in progress."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import typing as t

from .._host import paths
from .._host.locks import locked
from .._host.marks import Mark, Marks
from .._host.path_state import ABSENT, PathState, read_json, read_path, remove_leftovers, write_all, write_path
from .manifest import Manifest


def recorded() -> list[str]:
    """The names of all sets with a record on this host."""
    return sorted(os.listdir(paths.FILESETS)) if os.path.isdir(paths.FILESETS) else []


def known() -> list[str]:
    """The names of the sets that own a path on this host, or have a change in progress."""
    return [name for name in recorded() if Record(name).owned() or Record(name).interrupted]


class Record:
    """The files below ``FILESETS/<name>``. ``manifest.json`` lists what the set put where. ``originals/`` has the distribution's files that it replaced.
    ``journal.json`` has the previous files. It exists only from the first replacement until services know of the last one.
    """

    def __init__(self, name: str) -> None:
        self._folder = os.path.join(paths.FILESETS, name)

    def locked(self) -> t.ContextManager[None]:
        """Lock the set against other runs.

        :raises Busy: if another run holds the lock.
        """
        return locked(self._file("lock"))

    @property
    def interrupted(self) -> bool:
        """Whether a change was begun, and neither finished nor undone."""
        return os.path.exists(self._file("journal.json"))

    @property
    def rehearsal(self) -> str:
        """The folder for copies of files on trial. It exists only during the trial, or after a killed one."""
        return self._file("rehearsal")

    def manifest(self) -> Manifest:
        """What the set owns."""
        stored = read_json(self._file("manifest.json"))
        return Manifest() if stored is None else Manifest.load(stored)

    def owned(self) -> list[str]:
        """The paths that the set owns. It owns an absent path only if it removed something there."""
        marks = self.manifest().marks
        return [path for path, mark in marks.items() if mark.kind != "absent" or os.path.lexists(self._original_file(path))]

    def own(self, states: dict[str, PathState], **more: t.Any) -> None:
        """Record what is in place now: the marks of these paths, and the other fields of a manifest."""
        manifest = Manifest(Marks({path: Mark.of(state) for path, state in sorted(states.items())}), **more)
        if manifest != self.manifest():
            self._set_manifest(manifest)

    def remove(self) -> None:
        """Remove the record of a set without files."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._file("manifest.json"))  # it must not outlive the originals of the paths that it lists
        shutil.rmtree(self._folder)

    def original(self, path: str) -> PathState:
        """What was at a path before the set took it."""
        return read_path(self._original_file(path))

    def save(self, before: dict[str, PathState]) -> None:
        """Write the present files and the manifest to the journal, in place of an earlier one, so that a failure or a killed run can be undone."""
        manifest, owned = self.manifest(), self.owned()
        for path, state in before.items():
            if path not in owned:
                write_path(self._original_file(path), state if state.kind in ("file", "link") else ABSENT)
        saved = {path: _packed(state) for path, state in before.items() if state.kind != "other"}
        self._write("journal.json", json.dumps({"owned": manifest.store(), "entries": saved}))

    def saved(self) -> dict[str, PathState]:
        """The files that :meth:`save` saved, by path."""
        return {path: _unpacked(packed) for path, packed in self._journal()["entries"].items()}

    def restore(self) -> None:
        """Restore the files that :meth:`save` saved. The journal stays until :meth:`forget`, because services must still be told."""
        saved = self.saved()
        for path in saved:
            remove_leftovers(path)
        write_all(saved)
        self._set_manifest(Manifest.load(self._journal()["owned"]))

    def forget(self) -> None:
        """Remove the journal: the change is over, and services know."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._file("journal.json"))

    def _journal(self) -> dict[str, t.Any]:
        with open(self._file("journal.json"), encoding="utf-8") as handle:
            return dict(json.load(handle))

    def _set_manifest(self, manifest: Manifest) -> None:
        self._write("manifest.json", json.dumps(manifest.store(), indent=1) + "\n")

    def _file(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _write(self, name: str, text: str) -> None:
        write_path(self._file(name), PathState("file", content=text.encode(), mode=0o600))

    def _original_file(self, path: str) -> str:
        return self._file(os.path.join("originals", hashlib.sha256(path.encode()).hexdigest()[:16]))


def _packed(state: PathState) -> dict[str, t.Any]:
    return {**dataclasses.asdict(state), "content": base64.b64encode(state.content).decode()}


def _unpacked(packed: dict[str, t.Any]) -> PathState:
    return PathState(**{**packed, "content": base64.b64decode(packed["content"])})
