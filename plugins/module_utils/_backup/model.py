# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that the role wrote to the host, and small functions that all parts share."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from .._host.errors import HostError

CONFIG = Path("/etc/flask-backup")
STATE = Path("/var/lib/flask-backup")
PASSWORD = CONFIG / "password"
STAGING = STATE / "staging"
#: Saved if the host has them. All other declared paths must exist.
OPTIONAL_PATHS = ("/etc/flask", "/etc/flask-tls")


class BackupError(HostError):
    """What failed, why, and what to do, for the journal and the terminal."""


class Problems:
    """Failures after which the backup went on, by app. Those of the host have an empty name."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def __str__(self) -> str:
        return "\n".join(f"  - {text}" for _app, text in self._found)

    def add(self, text: str, app: str = "") -> None:
        """Add a failure."""
        self._found.append((app, text))

    def of(self, app: str) -> bool:
        """Whether an app has failures."""
        return any(app == name for name, _text in self._found)

    @contextlib.contextmanager
    def collecting(self, what: str, app: str = "") -> Iterator[None]:
        """Record a failure, and go on."""
        try:
            yield
        except (BackupError, OSError, ValueError) as error:
            self.add(f"{what}: {error}", app)


@dataclasses.dataclass(frozen=True)
class App:
    """One app.

    :param model: the keys that the gate and the process managers need, as the app model completes them.
    :param database: the server with a database of the app; empty if there is none.
    """

    name: str
    user: str
    state: str
    model: dict[str, Any]
    database: str = ""

    @classmethod
    def from_model(cls, model: dict[str, Any]) -> App:
        """An app from its TOML table. TOML has no null, so keys without a value are missing there."""
        complete = {"canonical": None, "database": None, **model, "healthcheck": {"status": None, "body": None, **model["healthcheck"]}}
        return cls(complete["name"], complete["user"], complete["paths"]["state"], complete, complete["database"] or "")


@dataclasses.dataclass(frozen=True)
class Command:
    """A program whose output is saved, such as pg_dump."""

    name: str
    user: str
    command: str


@dataclasses.dataclass(frozen=True)
class Config:
    """The configuration in ``/etc/flask-backup``."""

    host: str
    paths: list[str]
    exclude: list[str]
    prune: bool
    verify_parts: int
    keep: dict[str, int]
    apps: list[App]
    commands: list[Command]
    repository: str
    environment: dict[str, str]
    command_environment: dict[str, dict[str, str]]

    @classmethod
    def read(cls) -> Config:
        """Read both of its files."""
        values: dict[str, Any] = {}
        for name in ("backup.toml", "secrets.toml"):
            values.update(tomllib.loads((CONFIG / name).read_text(encoding="utf-8")))
        values["apps"] = [App.from_model(app) for app in values.get("apps", [])]
        values["commands"] = [Command(**command) for command in values.get("commands", [])]
        return cls(**values)


def fresh(directory: Path) -> Path:
    """Make an empty directory that only root can enter."""
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(mode=0o700, parents=True)
    return directory


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def below(root: Path, path: str | Path) -> Path:
    """The place of a host's path in a restored tree."""
    return root / Path(path).relative_to("/")


def inside(root: Path, relative: str) -> Path:
    """A path below a directory. An app may have chosen the relative path.

    :raises BackupError: if it leads out of the directory.
    """
    path = root.resolve() / relative
    if PurePosixPath(relative).is_absolute() or ".." in PurePosixPath(relative).parts or os.path.realpath(path) != str(path):
        raise BackupError(f"{relative!r} is not a path below {root}")
    return path
