"""The SQLite database: one connection per request, and migrations that any number of processes may start at once."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path

from flask import Flask, current_app, g

BUSY_SECONDS = 10.0


def init_app(app: Flask) -> None:
    """Migrate the database of `app` and close its connections after each request."""
    Path(app.config["DATABASE"]).parent.mkdir(parents=True, exist_ok=True)
    migrate(app.config["DATABASE"])
    app.teardown_appcontext(_close)


def get() -> sqlite3.Connection:
    """Return the connection of the current request."""
    if "database" not in g:
        g.database = connect(current_app.config["DATABASE"])
    connection: sqlite3.Connection = g.database
    return connection


def connect(path: str) -> sqlite3.Connection:
    """Open the database at `path`. Every statement commits by itself; a writer waits `BUSY_SECONDS` for its turn."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def version(connection: sqlite3.Connection) -> int:
    """Return the schema version of the database, 0 when it is new."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def latest() -> int:
    """Return the schema version this code expects."""
    return len(_migrations())


def migrate(path: str) -> list[str]:
    """Bring the database at `path` to the latest version and return the names of the migrations applied.

    Of several processes one migrates, under a lock, and the others find it done. A migration that fails leaves the database as
    it was before it. A database newer than the code is left alone: migrations only add, so that the release before keeps
    working while the next one starts, and after a rollback.
    """
    applied = []
    with _locked(path + ".lock"), closing(connect(path)) as connection:
        if version(connection) == 0:
            connection.execute("PRAGMA journal_mode = WAL")
        for number, (name, script) in enumerate(_migrations(), start=1):
            if number > version(connection):
                connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
                applied.append(name)
    return applied


def _migrations() -> list[tuple[str, str]]:
    files = sorted((resources.files(__package__) / "migrations").iterdir(), key=lambda file: file.name)
    return [(file.name.removesuffix(".sql"), file.read_text("utf-8")) for file in files if file.name.endswith(".sql")]


@contextmanager
def _locked(path: str) -> Iterator[None]:
    with Path(path).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _close(_error: BaseException | None) -> None:
    connection: sqlite3.Connection | None = g.pop("database", None)
    if connection is not None:
        connection.close()
