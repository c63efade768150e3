# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL: dumps, and a database that is restored beside the one in use and then exchanged with it.

The content of a dump comes from the app, so it is written and read with the rights of the app's role. The superuser never runs code that an app may have
planted there.
"""

from __future__ import annotations

from .._host.errors import HostError
from . import postgresql
from .engine import ASIDE, BEFORE
from .postgresql import TEXT, execute, found, identifier, literal

#: Extensions that the superuser made in the present database, because only a superuser can. They are made in the new one too.
_EXTENSIONS = """SELECT coalesce(json_agg(json_build_object('name', extname, 'schema', nspname)), '[]')
    FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    LEFT JOIN pg_available_extension_versions AS available ON available.name = extname AND available.version = extversion
    WHERE NOT coalesce(trusted, false)"""
_CLIENT = [f"--host={postgresql.SOCKETS}", "--no-password"]


def dump_command(name: str) -> list[str]:
    """The command that writes a dump to standard output. The database's account runs it."""
    return ["pg_dump", *_CLIENT, "--format=custom", f"--dbname={name}"]


def prove_command() -> list[str]:
    """The command that reads a dump to its end, and fails unless it is complete."""
    return ["pg_restore", "--file=/dev/null"]


class Exchange:
    """A database that is restored beside the one in use.

    :param name: of the database, of its role and of the account.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.aside, self._before = f"{name}{ASIDE}", f"{name}{BEFORE}"
        self._comments = True

    def prepare(self) -> None:
        """Make an empty database aside.

        :raises HostError: with PostgreSQL's message.
        """
        databases = found()["databases"]
        if self.name not in databases and self._before in databases:  # a restore was killed between the two renames
            execute(_rename(self._before, self.name))
        elif self.name not in databases:
            raise HostError(f"there is no database {self.name} on this host; run the playbook site, which makes it, then restore again")
        self.discard()
        aside, owner = identifier(self.aside), identifier(self.name)
        # The app gets the database only after the superuser has made the extensions: the app is running, and could tamper with them.
        execute(f"CREATE DATABASE {aside} {TEXT}", f"REVOKE ALL ON DATABASE {aside} FROM PUBLIC")
        extensions = postgresql.query(_EXTENSIONS, database=self.name)
        self._comments = not extensions  # only its owner can comment on an extension
        schemas = sorted({extension["schema"] for extension in extensions} - {"public", "pg_catalog"})
        execute(
            *(f"CREATE SCHEMA {identifier(schema)}" for schema in schemas),
            *(f"CREATE EXTENSION {identifier(extension['name'])} WITH SCHEMA {identifier(extension['schema'])}" for extension in extensions),
            *(f"ALTER SCHEMA {identifier(schema)} OWNER TO {owner}" for schema in schemas),
            f"ALTER DATABASE {aside} OWNER TO {owner}",
            database=self.aside,
        )

    def restore_command(self) -> list[str]:
        """The command that reads a dump from standard input into the database aside. The database's account runs it."""
        comments = [] if self._comments else ["--no-comments"]
        return ["pg_restore", *_CLIENT, "--exit-on-error", "--no-owner", *comments, f"--dbname={self.aside}"]

    def swap(self) -> None:
        """Exchange it with the database in use. Nobody may be connected to that any more.

        :raises HostError: with PostgreSQL's message. Nothing has changed.
        """
        execute("; ".join([self._end_sessions(self.name, self.aside), _rename(self.name, self._before), _rename(self.aside, self.name)]))

    def swap_back(self) -> None:
        """Undo the exchange."""
        execute("; ".join([self._end_sessions(self.name, self._before), _rename(self.name, self.aside), _rename(self._before, self.name)]))

    def discard(self) -> None:
        """Drop the database that is not in use."""
        for name in (self.aside, self._before):
            execute(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")

    def _end_sessions(self, *names: str) -> str:
        return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({', '.join(map(literal, names))})"


def _rename(before: str, after: str) -> str:
    return f"ALTER DATABASE {identifier(before)} RENAME TO {identifier(after)}"
