# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Speak with PostgreSQL as its own superuser, through psql: it comes with the server, and needs no Python library on the host."""

from __future__ import annotations

import json
import typing as t

from .._host.commands import CommandError, run
from .._host.errors import HostError

#: Where the sockets of all clusters are.
SOCKETS = "/run/postgresql"
#: The account that is the server's superuser, by peer authentication.
SUPERUSER = "postgres"
_PSQL = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", f"--host={SOCKETS}"]
#: A database belongs to an app, which may have given it a search path. What the superuser runs there must not find the app's functions.
_OPTIONS = "PGOPTIONS=-c search_path=pg_catalog"
_SECONDS = 600


def execute(*statements: str, database: str = "postgres") -> str:
    """Run statements, each by itself, and return what they print.

    :raises HostError: with PostgreSQL's words.
    """
    done = run([*as_superuser(*_PSQL, f"--dbname={database}"), *(f"--command={statement}" for statement in statements)], timeout=_SECONDS, check=False, cwd="/")
    if done.returncode:
        raise HostError(f"PostgreSQL: {' '.join(done.stderr.split()) or f'psql ended with {done.returncode}'}")
    return done.stdout


def query(statement: str, database: str = "postgres") -> t.Any:
    """What a query returns whose one value is JSON."""
    return json.loads(execute(statement, database=database))


def answers() -> bool:
    """Whether there is a server that answers."""
    try:
        return run(as_superuser(*_PSQL, "--dbname=postgres", "--command=SELECT 1"), check=False, cwd="/").returncode == 0
    except CommandError:
        return False


def as_superuser(*command: str) -> list[str]:
    """A command, to be run by the server's own account."""
    return ["runuser", "-u", SUPERUSER, "--", "env", _OPTIONS, *command]


def identifier(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL has it; with standard_conforming_strings, which is PostgreSQL's default, nothing else has a meaning in it."""
    return "'" + text.replace("'", "''") + "'"
