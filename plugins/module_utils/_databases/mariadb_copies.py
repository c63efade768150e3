# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""MariaDB: dumps, and a database that is restored beside the one in use and then exchanged with it.

The app's account does everything here. It has only these databases, so root never runs code that an app may have planted there.

MariaDB cannot rename a database. One statement can move all tables to other databases, all or none. Views, triggers, routines and events do not
move, and a table with a trigger does not either. So they are dumped, dropped before the move, and loaded after it. Those of the database in use are
kept in a table whose name says how far the exchange has come. So it can be undone from every point, by the next restore if this one is killed.
"""

from __future__ import annotations

import contextlib

from .._host.errors import HostError
from .engine import ASIDE, BEFORE
from .mariadb import TEXT, client, execute, found, identifier, options

_DUMP = ["--single-transaction", "--routines", "--triggers", "--events", "--hex-blob", "--no-tablespaces"]
#: The names of that table, by how far the exchange has come. The statement that moves the tables also renames it.
_BEGUN, _MOVED, _DONE = ".begun", ".moved", ".done"
#: Another database's session may keep a table open for long.
_PATIENCE = "SET SESSION lock_wait_timeout = 20"
#: The kind and name of everything that does not move.
_CODE = """SELECT 'TRIGGER', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '{name}'
    UNION ALL SELECT 'VIEW', TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = '{name}'
    UNION ALL SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '{name}' AND ROUTINE_TYPE != 'PACKAGE BODY'
    UNION ALL SELECT 'EVENT', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{name}'"""
_TABLES = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{name}' AND TABLE_TYPE NOT LIKE '%VIEW'"


def dump_command(name: str) -> list[str]:
    """The command that writes a dump to standard output. The database's account runs it."""
    return ["mariadb-dump", *options(name), *_DUMP, name]


def prove_command() -> list[str]:
    """The command that reads a dump to its end, and fails unless its last line says that it is complete."""
    return ["sh", "-c", "tail --lines=1 | grep --quiet '^-- Dump completed' || { echo 'the dump of MariaDB ends too early' >&2; exit 1; }"]


class Exchange:
    """A database that is restored beside the one in use.

    :param name: of the database and of the account.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.aside, self._before = f"{name}{ASIDE}", f"{name}{BEFORE}"

    def prepare(self) -> None:
        """Make an empty database aside.

        :raises HostError: with MariaDB's message.
        """
        if self.name not in found()["databases"]:
            raise HostError(f"there is no database {self.name} on this host; run the playbook site, which makes it, then restore again")
        if self._stage() in (_BEGUN, _MOVED):  # a restore was killed
            self.swap_back()
        self.discard()
        self._execute(f"CREATE DATABASE {identifier(self.aside)} {TEXT}")

    def restore_command(self) -> list[str]:
        """The command that reads a dump from standard input into the database aside. The database's account runs it."""
        return ["mariadb", *options(self.name), "--binary-mode", self.aside]

    def swap(self) -> None:
        """Exchange it with the database in use. Nobody may be connected to that any more.

        :raises HostError: with MariaDB's message. Nothing has changed.
        """
        self._end_sessions()
        new = self._code(self.aside)
        self._keep(self._code(self.name))
        try:
            self._drop_code(self.name, self.aside)
            self._move((self.name, self._before), (self.aside, self.name), stage=(_BEGUN, _MOVED))
            self._load(new)
            self._execute(_renamed((self._before, _MOVED), (self._before, _DONE)))
        except HostError:
            self.swap_back()
            raise

    def swap_back(self) -> None:
        """Undo the exchange."""
        self._end_sessions()
        stage = self._stage()
        if stage is None:
            return
        self._drop_code(self.name)
        if stage != _BEGUN:
            self._move((self.name, self.aside), (self._before, self.name), stage=(stage, _BEGUN))
        self._load(bytes.fromhex(self._execute(f"SELECT HEX(code) FROM {identifier(self._before)}.{identifier(_BEGUN)}")))
        self._execute(f"DROP DATABASE {identifier(self._before)}")

    def discard(self) -> None:
        """Drop the database that is not in use."""
        self._execute(*(f"DROP DATABASE IF EXISTS {identifier(name)}" for name in (self.aside, self._before)))

    def _end_sessions(self) -> None:
        names = ", ".join(f"'{name}'" for name in (self.name, self.aside, self._before))
        for number in execute(f"SELECT ID FROM information_schema.PROCESSLIST WHERE DB IN ({names}) OR USER = '{self.name}'").split():
            with contextlib.suppress(HostError):  # the session has ended by itself
                execute(f"KILL HARD CONNECTION {number}")

    def _stage(self) -> str | None:
        """How far an exchange has come; None if there is none."""
        return next((table for table in self._rows(_TABLES, self._before) if table in (_BEGUN, _MOVED, _DONE)), None)

    def _keep(self, code: bytes) -> None:
        """Keep the definitions that do not move of the database in use."""
        before = identifier(self._before)
        table = f"{before}.{identifier(_BEGUN)}"
        self._execute(f"CREATE OR REPLACE DATABASE {before} {TEXT}", f"CREATE TABLE {before}.filling (code LONGBLOB NOT NULL) ENGINE=InnoDB")
        self._execute(f"INSERT INTO {before}.filling VALUES (x'{code.hex()}')", f"RENAME TABLE {before}.filling TO {table}")

    def _code(self, database: str) -> bytes:
        """The statements that define everything that does not move."""
        dump = ["mariadb-dump", "--no-data", "--skip-opt"]
        views = [name for kind, name in self._pairs(database) if kind == "VIEW"]
        rest = client(*dump, "--no-create-info", "--routines", "--triggers", "--events", database, account=self.name)
        return rest + (client(*dump, "--skip-triggers", "--", database, *views, account=self.name) if views else b"")

    def _drop_code(self, *databases: str) -> None:
        drops = [f"DROP {kind} IF EXISTS {identifier(database)}.{identifier(name)}" for database in databases for kind, name in self._pairs(database)]
        self._execute("SET SESSION sql_mode = ORACLE", *drops)  # packages exist only in this mode

    def _load(self, code: bytes) -> None:
        client("mariadb", "--binary-mode", self.name, account=self.name, given=f"{_PATIENCE};\n".encode() + code)

    def _move(self, *ways: tuple[str, str], stage: tuple[str, str]) -> None:
        """Move all tables of databases to others, in one statement.

        :param stage: the stage of the exchange before and after the move.
        """
        pairs = [
            ((source, table), (target, table))
            for source, target in ways
            for table in self._rows(_TABLES, source)
            if (source, table) != (self._before, stage[0])
        ]
        self._execute(_renamed(*(word for pair in pairs for word in pair), (self._before, stage[0]), (self._before, stage[1])))

    def _pairs(self, database: str) -> list[tuple[str, str]]:
        """The kind and name of everything that does not move."""
        return [(kind, name) for kind, dummy, name in (row.partition("\t") for row in self._rows(_CODE, database))]

    def _rows(self, query: str, database: str) -> list[str]:
        return self._execute(query.format(name=database)).splitlines()

    def _execute(self, *statements: str) -> str:
        return execute(_PATIENCE, *statements, account=self.name)


def _renamed(*places: tuple[str, str]) -> str:
    """One statement that moves tables. The places alternate: where a table is, and where it goes."""
    names = [f"{identifier(database)}.{identifier(table)}" for database, table in places]
    return "RENAME TABLE " + ", ".join(f"{source} TO {target}" for source, target in zip(names[::2], names[1::2], strict=True))
