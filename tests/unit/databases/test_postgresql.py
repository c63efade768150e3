# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a database differs from its declaration, and the steps to it, on a stand-in server."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._databases import databases, postgresql, postgresql_copies
from ansible_collections.flaskyard.server.plugins.module_utils._host import paths
from ansible_collections.flaskyard.server.plugins.module_utils._host.errors import HostError

WHOLE: dict[str, t.Any] = {
    "roles": {"flask-shop": True},
    "databases": {"flask-shop": {"owner": "flask-shop", "public": False}},
}


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Statements that the server was given. It has what WHOLE says."""
    seen: list[str] = []
    monkeypatch.setattr(paths, "DATABASES", str(tmp_path / "databases"))
    for module in (postgresql, postgresql_copies):
        monkeypatch.setattr(module, "found", lambda: WHOLE)
    monkeypatch.setattr(postgresql, "query", lambda *dummy, **__: [])
    for module in (postgresql, postgresql_copies):
        monkeypatch.setattr(module, "execute", lambda *statements, **dummy: seen.extend(statements))
    return seen


def test_bare_server_gets_a_role_and_a_closed_database() -> None:
    steps = databases.steps("postgresql", ["shop"], postgresql.NOTHING)
    assert [step.statement.split('"')[0].strip() for step in steps] == ["CREATE ROLE", "CREATE DATABASE", "REVOKE ALL ON DATABASE"]
    assert all('"flask-shop"' in step.statement for step in steps)
    assert "NOSUPERUSER" in steps[0].statement and "PASSWORD" not in steps[0].statement and "ENCODING 'UTF8'" in steps[1].statement


def test_complete_database_has_no_differences() -> None:
    assert databases.steps("postgresql", ["shop"], WHOLE) == []


@pytest.mark.parametrize(
    ("there", "difference", "statement"),
    [
        ({"roles": {"flask-shop": False}}, "role flask-shop could not log in, or could do more than that", "ALTER ROLE"),
        ({"roles": {}}, "role flask-shop was missing", "CREATE ROLE"),
        ({"databases": {"flask-shop": {"owner": "ada", "public": False}}}, "database flask-shop belonged to ada", "OWNER TO"),
        ({"databases": {"flask-shop": {"owner": "flask-shop", "public": True}}}, "database flask-shop was open to every role", "REVOKE ALL"),
    ],
)
def test_each_difference_is_one_step(there: dict[str, t.Any], difference: str, statement: str) -> None:
    [step] = databases.steps("postgresql", ["shop"], {**WHOLE, **there})
    assert step.difference == difference and statement in step.statement


def test_survey_reports_differences(executed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert databases.survey() == {}
    databases.remember("postgresql", ["shop"], "wish")
    assert databases.survey() == {"postgresql": {"wish": "wish", "differences": []}}
    monkeypatch.setattr(postgresql, "found", lambda: postgresql.NOTHING)
    assert databases.survey()["postgresql"]["differences"][0] == "role flask-shop was missing"

    def refuse() -> t.Any:
        raise HostError("PostgreSQL: no server")

    monkeypatch.setattr(postgresql, "found", refuse)
    assert databases.survey()["postgresql"]["differences"] == ["PostgreSQL: no server"]
    (Path(paths.DATABASES) / "postgresql.json").write_text("{")
    assert databases.survey()["postgresql"]["wish"] == "" and databases.recorded("postgresql") == ("", [])


def test_without_apps_there_is_nothing_to_look_at(executed: list[str]) -> None:
    databases.remember("postgresql", ["shop"], "wish")
    assert databases.recorded("postgresql") == ("wish", ["shop"])
    databases.remember("postgresql", [], "other")
    assert databases.survey() == {} and databases.recorded("postgresql") == ("", [])


@pytest.mark.parametrize(("text", "quoted"), [("flask-shop", '"flask-shop"'), ('a"; DROP', '"a""; DROP"')])
def test_names_cannot_break_out_of_quotes(text: str, quoted: str) -> None:
    assert postgresql.identifier(text) == quoted
    assert postgresql.literal("it's") == "'it''s'"


def test_restored_database_goes_to_the_app_only_when_ready(executed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "query", lambda *dummy, **__: [{"name": "postgis", "schema": "maps"}])
    exchange = postgresql_copies.Exchange("flask-shop")
    exchange.prepare()
    assert executed[2].startswith('CREATE DATABASE "flask-shop.restore" TEMPLATE') and "OWNER" not in executed[2]
    assert executed[4:] == [
        'CREATE SCHEMA "maps"',
        'CREATE EXTENSION "postgis" WITH SCHEMA "maps"',
        'ALTER SCHEMA "maps" OWNER TO "flask-shop"',
        'ALTER DATABASE "flask-shop.restore" OWNER TO "flask-shop"',
    ]
    assert "--no-comments" in exchange.restore_command()


def test_databases_are_exchanged_in_one_statement(executed: list[str]) -> None:
    postgresql_copies.Exchange("flask-shop").swap()
    [statement] = executed
    assert statement.split("; ")[1:] == [
        'ALTER DATABASE "flask-shop" RENAME TO "flask-shop.before"',
        'ALTER DATABASE "flask-shop.restore" RENAME TO "flask-shop"',
    ]


def test_database_that_is_not_there_is_not_restored(executed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_copies, "found", lambda: postgresql.NOTHING)
    with pytest.raises(HostError, match="run the playbook site"):
        postgresql_copies.Exchange("flask-shop").prepare()
    # A restore was killed between its two steps: in a transaction that cannot be, but who knows what somebody did by hand.
    monkeypatch.setattr(postgresql_copies, "found", lambda: {**postgresql.NOTHING, "databases": {"flask-shop.before": {}}})
    postgresql_copies.Exchange("flask-shop").prepare()
    assert executed[0] == 'ALTER DATABASE "flask-shop.before" RENAME TO "flask-shop"'
