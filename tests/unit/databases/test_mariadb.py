# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""MariaDB: how a database differs from its declaration, and how far an exchange gets, on a stand-in server. molecule/databases asks a real one."""

from __future__ import annotations

import re
import subprocess
import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._databases import databases, mariadb, mariadb_copies
from ansible_collections.flaskyard.server.plugins.module_utils._databases.mariadb_copies import Exchange
from ansible_collections.flaskyard.server.plugins.module_utils._host.errors import HostError

#: As MariaDB 10.11 and 11.8 show it, sorted.
SHOWN = [
    "CREATE USER `flask-shop`@`localhost` IDENTIFIED VIA unix_socket",
    "GRANT ALL PRIVILEGES ON `flask-shop.before`.* TO `flask-shop`@`localhost`",
    "GRANT ALL PRIVILEGES ON `flask-shop.restore`.* TO `flask-shop`@`localhost`",
    "GRANT ALL PRIVILEGES ON `flask-shop`.* TO `flask-shop`@`localhost`",
    "GRANT USAGE ON *.* TO `flask-shop`@`localhost` IDENTIFIED VIA unix_socket",
]
WHOLE: dict[str, t.Any] = {"accounts": {"flask-shop": SHOWN}, "databases": ["flask-shop"], "public": []}


def test_bare_server_gets_passwordless_account_and_database() -> None:
    account, database = databases.steps("mariadb", ["shop"], mariadb.NOTHING)
    assert account.statement.split("; ")[0] == "CREATE USER `flask-shop`@`localhost` IDENTIFIED VIA unix_socket"
    assert all(" ON `flask-shop" in grant for grant in account.statement.split("; ")[1:]) and "OPTION" not in account.statement
    assert database.statement.startswith("CREATE DATABASE `flask-shop` CHARACTER SET utf8mb4 ")


def test_complete_database_has_no_differences() -> None:
    assert databases.steps("mariadb", ["shop"], WHOLE) == []


@pytest.mark.parametrize(
    ("there", "difference", "statement"),
    [
        ({"accounts": {}}, "account flask-shop was missing in MariaDB", "CREATE USER"),
        ({"accounts": {"flask-shop": SHOWN[:-1]}}, "account flask-shop had other rights in MariaDB than its own databases", "CREATE OR REPLACE USER"),
        ({"accounts": {"flask-shop": [*SHOWN, "GRANT"]}}, "account flask-shop had other rights in MariaDB than its own databases", "CREATE OR REPLACE USER"),
        ({"databases": []}, "database flask-shop was missing", "CREATE DATABASE"),
        ({"public": ["flask-shop"]}, "database flask-shop was open to every account", "REVOKE ALL PRIVILEGES ON `flask-shop`.* FROM PUBLIC"),
    ],
)
def test_each_difference_is_one_step(there: dict[str, t.Any], difference: str, statement: str) -> None:
    [step] = databases.steps("mariadb", ["shop"], {**WHOLE, **there})
    assert step.difference == difference and statement in step.statement


def test_grants_are_grouped_by_account(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SHOWN[0].replace("shop", "shop-b")
    said = iter(["databases flask-shop\npublic flask-old\naccounts flask-shop\naccounts flask-shop-b\n", "\n".join([*SHOWN, other])])
    monkeypatch.setattr(mariadb, "execute", lambda *dummy: next(said))
    assert mariadb.found() == {
        "accounts": {"flask-shop": SHOWN, "flask-shop-b": [other]},
        "databases": ["flask-shop"],
        "public": ["flask-old"],
    }


def test_removal_drops_only_databases_of_the_app() -> None:
    there = {**WHOLE, "databases": ["flask-shop", "flask-shop.before", "flask-shop2"]}
    assert [step.statement for step in mariadb.leftovers("flask-shop", there)] == [
        "DROP DATABASE IF EXISTS `flask-shop`",
        "DROP DATABASE IF EXISTS `flask-shop.before`",
        "DROP USER IF EXISTS `flask-shop`@`localhost`",
    ]


def test_server_error_is_shown_without_the_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    said = b"--------------\nRENAME TABLE `a`.`b` TO `c`.`d`\n--------------\n\nERROR 1205 (HY000) at line 2: Lock wait timeout exceeded\n"
    monkeypatch.setattr(subprocess, "run", lambda *dummy, **__: subprocess.CompletedProcess([], 1, b"", said))
    with pytest.raises(HostError, match="^MariaDB: ERROR 1205 .*exceeded$"):
        mariadb.execute("RENAME TABLE")
    assert not mariadb.answers()


@pytest.mark.parametrize(("text", "quoted"), [("flask-shop", "`flask-shop`"), ("a`; DROP", "`a``; DROP`")])
def test_names_cannot_break_out_of_quotes(text: str, quoted: str) -> None:
    assert mariadb.identifier(text) == quoted


@pytest.mark.parametrize(("text", "whole"), [("a\n-- Dump completed on 2026-01-01  1:00:00\n", True), ("a\n-- Dump completed\nb\n", False), ("", False)])
def test_dump_is_complete_if_its_last_line_is_there(text: str, whole: bool) -> None:
    done = subprocess.run(mariadb_copies.prove_command(), input=text, text=True, capture_output=True, check=False)
    assert (done.returncode == 0) == whole and bool(done.stderr) != whole


class Server:
    """Databases by name, each with its tables. A table with a trigger, which is all that does not move here, is in C(code)."""

    def __init__(self) -> None:
        self.databases = {"flask-shop": {"old", "both"}, "flask-shop.restore": {"new", "both"}}
        self.code = {"flask-shop": b"old code", "flask-shop.restore": b"new code"}
        self.kept = b""
        self.sessions, self.killed = "", list[str]()
        self.broken = ""

    def execute(self, *statements: str, **dummy: t.Any) -> str:
        return "".join(self._do(statement) for statement in statements)

    def _do(self, statement: str) -> str:
        self._refuse(statement)
        names = re.findall("`([^`]*)`", statement)
        if "PROCESSLIST" in statement:
            return self.sessions
        if statement.startswith("SELECT TABLE_NAME"):
            return "".join(f"{table}\n" for table in sorted(self.databases.get(statement.split("'")[1], ())))
        if statement.startswith("SELECT 'TRIGGER'"):
            return f"TRIGGER\t{self.code[name].decode()}\n" if (name := statement.split("'")[3]) in self.code else ""
        if statement.startswith("SELECT HEX"):
            return self.kept.hex()
        if statement.startswith("CREATE OR REPLACE DATABASE"):
            self.databases[names[0]] = {"filling"}
        elif statement.startswith("KILL"):
            self.killed.append(statement.split()[-1])
        elif statement.startswith("DROP DATABASE"):
            self.databases.pop(names[0], None)
        elif statement.startswith("DROP TRIGGER"):
            self.code.pop(names[0], None)
        elif statement.startswith("INSERT"):
            self.kept = bytes.fromhex(statement.split("'")[1])
        elif statement.startswith("RENAME TABLE"):
            self._move(re.findall(r"`([^`]*)`\.(?:`([^`]*)`|(filling)) TO `([^`]*)`\.`([^`]*)`", statement))
        return ""

    def _move(self, moves: list[tuple[str, ...]]) -> None:
        for source, table, filling, target, name in moves:
            assert not self.code.get(source) or source == target, "a table with a trigger does not move"
            self.databases[source].remove(table or filling)
            assert name not in self.databases[target]
            self.databases[target].add(name)

    def client(self, program: str, *arguments: str, given: bytes = b"", **dummy: t.Any) -> bytes:
        self._refuse(f"{program} {given.decode()}")
        if program == "mariadb-dump":
            return self.code.get(arguments[-1], b"")
        self.code[arguments[-1]] = given.partition(b";\n")[2]
        return b""

    def _refuse(self, words: str) -> None:
        if self.broken and self.broken in words:
            self.broken = ""
            raise HostError("MariaDB: it is full")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr(mariadb_copies, "execute", server.execute)
    monkeypatch.setattr(mariadb_copies, "client", server.client)
    monkeypatch.setattr(mariadb_copies, "found", lambda: {"databases": list(server.databases)})
    return server


def test_tables_and_code_are_exchanged_and_restored(server: Server) -> None:
    exchange = Exchange("flask-shop")
    exchange.swap()
    assert server.databases == {"flask-shop": {"new", "both"}, "flask-shop.restore": set(), "flask-shop.before": {"old", "both", ".done"}}
    assert server.code == {"flask-shop": b"new code"}
    exchange.swap_back()
    assert server.databases == {"flask-shop": {"old", "both"}, "flask-shop.restore": {"new", "both"}}
    assert server.code == {"flask-shop": b"old code"}


@pytest.mark.parametrize("broken", ["PROCESSLIST", "mariadb-dump", "CREATE OR", "INSERT", "DROP TRIGGER", "RENAME TABLE `flask-shop`", "new code", "`.done`"])
@pytest.mark.parametrize("killed", [False, True])
def test_broken_exchange_keeps_the_previous_database(broken: str, killed: bool, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, server.broken = Exchange("flask-shop"), broken
    if killed:
        monkeypatch.setattr(exchange, "swap_back", lambda: None)
    with pytest.raises(HostError, match="it is full"):
        exchange.swap()
    if killed:
        Exchange("flask-shop").prepare()
    assert server.databases["flask-shop"] == {"old", "both"} and server.code["flask-shop"] == b"old code"


def test_ended_session_does_not_stop_the_exchange(server: Server) -> None:
    server.sessions, server.broken = "7\n8\n", "CONNECTION 7"
    Exchange("flask-shop").swap()
    assert server.killed == ["8"] and server.databases["flask-shop"] == {"new", "both"}


def test_next_restore_does_not_undo_a_finished_one(server: Server) -> None:
    Exchange("flask-shop").swap()
    Exchange("flask-shop").prepare()
    assert server.databases == {"flask-shop": {"new", "both"}} and server.code == {"flask-shop": b"new code"}


def test_database_that_is_not_there_is_not_restored(server: Server) -> None:
    del server.databases["flask-shop"]
    with pytest.raises(HostError, match="run the playbook site"):
        Exchange("flask-shop").prepare()
