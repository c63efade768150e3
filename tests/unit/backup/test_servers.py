# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases on a server: dumps, restores, and failures of both."""

from __future__ import annotations

import getpass
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._backup import servers
from ansible_collections.flaskyard.server.plugins.module_utils._backup.model import App, BackupError
from ansible_collections.flaskyard.server.plugins.module_utils._databases.copies import COPIES
from ansible_collections.flaskyard.server.plugins.module_utils._host.errors import HostError

ME = getpass.getuser()


class Exchange:
    """What the server is asked to do with a database. ``broken`` is the step that it refuses."""

    done: t.ClassVar[list[str]] = []
    broken: t.ClassVar[str] = ""
    restore: t.ClassVar[list[str]] = ["cat"]
    aside = "flask-shop.restore"

    def __init__(self, name: str) -> None:
        self.name = name

    def restore_command(self) -> list[str]:
        return self.restore

    def __getattr__(self, step: str) -> t.Callable[[], None]:
        def do() -> None:
            self.done.append(step)
            if step == self.broken:
                raise HostError("PostgreSQL: it is full")

        return do


@pytest.fixture(autouse=True)
def exchange(monkeypatch: pytest.MonkeyPatch) -> type[Exchange]:
    for name, value in (("done", []), ("broken", ""), ("restore", ["cat"])):
        monkeypatch.setattr(Exchange, name, value)
    monkeypatch.setattr(COPIES["postgresql"], "Exchange", Exchange)
    return Exchange


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The staging directory with a dump of the shop's database."""
    monkeypatch.setattr(servers, "STAGING", tmp_path)
    monkeypatch.setattr(COPIES["postgresql"], "dump_command", lambda name: ["echo", "schema and data"])
    expected = servers.dump(app())
    (tmp_path / "manifest.json").write_text(json.dumps({servers.FOLDER: {"shop": expected}}))
    return tmp_path


def app(database: str = "postgresql") -> App:
    return App("shop", ME, "/var/lib/flask-shop", {}, database)


def test_dump_is_recorded_and_verified(staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = json.loads((staging / "manifest.json").read_text())[servers.FOLDER]["shop"]
    assert (expected["engine"], expected["size"]) == ("postgresql", len("schema and data\n"))
    monkeypatch.setattr(COPIES["postgresql"], "prove_command", lambda: ["grep", "--quiet", "schema"])
    servers.prove(ME, staging, "shop", expected)
    monkeypatch.setattr(COPIES["postgresql"], "prove_command", lambda: ["false"])
    with pytest.raises(BackupError):
        servers.prove(ME, staging, "shop", expected)


def test_dump_that_fails_says_why(staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (staging / servers.FOLDER / "shop").unlink()
    monkeypatch.setattr(COPIES["postgresql"], "dump_command", lambda name: ["sh", "-c", "echo no server >&2; exit 1"])
    with pytest.raises(BackupError, match="no server"):
        servers.dump(app())
    (staging / servers.FOLDER / "shop").unlink()
    monkeypatch.setattr(COPIES["postgresql"], "dump_command", lambda name: ["not-installed"])
    with pytest.raises(BackupError, match="not-installed is not installed"):
        servers.dump(app())


def test_database_is_restored_aside_and_changes_places(staging: Path, exchange: type[Exchange]) -> None:
    database = servers.Database(app(), staging)
    database.prepare()
    database.swap()
    database.discard()
    assert exchange.done == ["prepare", "swap", "discard"]
    assert database.is_restored and "flask-shop.restore" in database.left


def test_refused_restore_leaves_nothing(staging: Path, exchange: type[Exchange], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "restore", ["false"])
    with pytest.raises(BackupError):
        servers.Database(app(), staging).prepare()
    assert exchange.done == ["prepare", "discard"]
    monkeypatch.setattr(exchange, "broken", "swap")
    with pytest.raises(BackupError, match="it is full"):
        servers.Database(app(), staging).swap()


def test_damaged_dump_does_not_reach_the_server(staging: Path, exchange: type[Exchange]) -> None:
    (staging / servers.FOLDER / "shop").write_text("other")
    with pytest.raises(BackupError, match="has changed since it was saved"):
        servers.Database(app(), staging).prepare()
    assert exchange.done == []


@pytest.mark.parametrize(
    ("database", "held", "words"),
    [("postgresql", False, "stays as it is"), ("", True, "no longer has the key database"), ("", False, ""), ("mariadb", True, "has one in mariadb now")],
)
def test_nothing_is_restored_where_one_side_has_none(
    database: str, held: bool, words: str, staging: Path, exchange: type[Exchange], capsys: pytest.CaptureFixture[str]
) -> None:
    if not held:
        (staging / "manifest.json").write_text("{}")
    found = servers.Database(app(database), staging)
    for step in (found.prepare, found.swap, found.swap_back, found.discard):
        step()
    assert exchange.done == [] and not found.is_restored and found.left == ""
    said = capsys.readouterr().out
    assert words in said and bool(said) == bool(words)
