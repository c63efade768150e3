# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a slot: its files, and the record that shows later whether the slot is unchanged."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import shutil
import typing as t
from pathlib import PurePosixPath

from .._host.accounts import group_id
from .._host.environment_file import parse_environment_file
from .._host.marks import Marks
from .._host.path_state import PathState, read_json, read_path, write_path
from .recipe import SECRET_FILES, Recipe, SecretFiles


@dataclasses.dataclass
class Record:
    """What a slot was made of, without any secret.

    :param app: the app as the host knows it, for programs that run without a controller.
    :param wish: the wish that led to the slot.
    :param release: id of the release.
    :param manager: name of its process manager.
    :param names: the manager's names of its parts.
    :param secret_key: digest of its secret key.
    :param marks: of all its files.
    """

    app: dict[str, t.Any]
    wish: str
    release: str
    manager: str
    names: list[str]
    secret_key: str
    marks: Marks

    def differences(self) -> list[str]:
        """What has changed since then, in words."""
        path = self.app["paths"]["secret_key"]
        state = read_path(path)
        if state.kind != "file":
            return [f"{path} was missing"]
        notes = [] if (state.uid, state.mode) == (0, 0o600) else [f"{path} was open to others, with mode {state.mode:04o}"]
        notes += [] if digest(state.text) == self.secret_key else [f"{path} was changed"]
        return notes + self.marks.differences()


class Folder:
    """The folder of one slot.

    :param app: the app as the model completes it.
    """

    def __init__(self, app: dict[str, t.Any], slot: str) -> None:
        self._app = app
        self.path = f"{app['paths']['slots']}/{slot}"

    def path_states(self, recipe: Recipe, files: dict[str, str], secret_key: str) -> dict[str, PathState]:
        """Its files by path.

        :param files: the server's files.
        """
        group = group_id(self._app["user"])
        own = {f"{self.path}/{name}": PathState("file", content=text.encode(), gid=group, mode=0o640) for name, text in files.items()}
        secret = {f"{SECRET_FILES}/{path}": base64.b64decode(file["content"]) for path, file in recipe.secret_files.items()}
        folders = {str(parent) for path in secret for parent in PurePosixPath(path).parents} - {"."}
        return {
            self.path: PathState("directory", gid=group, mode=0o750),
            **{f"{self.path}/{folder}": PathState("directory", gid=group, mode=0o750) for folder in sorted(folders)},
            **{f"{self.path}/{path}": PathState("file", content=content, gid=group, mode=0o440) for path, content in secret.items()},
            f"{self.path}/env": PathState("file", content=recipe.environment(secret_key, self.path).encode(), mode=0o600),
            f"{self.path}/manifest.json": PathState("file", content=json.dumps(recipe.shown(secret_key)).encode(), mode=0o600),
            **own,
        }

    def environment(self) -> dict[str, str]:
        """The environment of the slot; empty if there is no such file."""
        return parse_environment_file(read_path(f"{self.path}/env").text)

    def secret_files(self) -> SecretFiles:
        """The app's secret files, as the recipe has them."""
        lines = [line.partition(" = ")[0].split(" in ") for line in self.shown().get("secret_files", "").splitlines()]
        contents = {path: read_path(f"{self.path}/{SECRET_FILES}/{path}").content for path, _variable in lines}
        return {path: {"variable": variable, "content": base64.b64encode(contents[path]).decode("ascii")} for path, variable in lines}

    def shown(self) -> dict[str, str]:
        """The recipe as a diff shows it; empty if it is not known."""
        return read_json(f"{self.path}/manifest.json") or {}

    def record(self) -> Record | None:
        """The record; None if there is none, as for a slot that never served, or if it is not readable by this version."""
        stored = read_json(self._record)
        if stored is None or stored.keys() != {field.name for field in dataclasses.fields(Record)}:
            return None
        return Record(**{**stored, "marks": Marks.load(stored["marks"])})

    def put_record(self, record: Record) -> None:
        """Write the record."""
        stored = {**vars(record), "marks": record.marks.store()}
        write_path(self._record, PathState("file", content=json.dumps(stored, indent=1).encode(), mode=0o600))

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def _record(self) -> str:
        return os.path.join(self.path, "record.json")


def digest(secret_key: str) -> str:
    """The digest of a secret key for the record. The key is random, so the digest reveals nothing."""
    return hashlib.sha256(secret_key.encode()).hexdigest()
