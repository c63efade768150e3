# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL: the role and the database of each app. The server's superuser runs psql, which comes with the server and needs no library.

Both have the name of the app's account, so peer authentication identifies it, and nobody needs a password.
"""

from __future__ import annotations

import json
import typing as t

from .._host.commands import CommandError, run
from .._host.errors import HostError
from .engine import ASIDE, BEFORE, Step

#: The folder with the sockets of all clusters.
SOCKETS = "/run/postgresql"
#: The account that is the server's superuser by peer authentication.
SUPERUSER = "postgres"
_PSQL = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", f"--host={SOCKETS}"]
#: The superuser's statements must not find an app's functions, and the app may have set a search path for its database.
_OPTIONS = "PGOPTIONS=-c search_path=pg_catalog"
_SECONDS = 600
_NO_POWERS = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
#: Sorts by code point. This order is the same in every release of libc, so no upgrade corrupts an index.
TEXT = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
_FOUND = """SELECT json_build_object(
    'roles', (SELECT coalesce(json_object_agg(rolname, rolcanlogin AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)), '{}')
        FROM pg_roles WHERE rolname LIKE 'flask-%'),
    'databases', (SELECT coalesce(json_object_agg(datname, json_build_object(
            'owner', pg_get_userbyid(datdba),
            'public', has_database_privilege('public', oid, 'CONNECT') OR has_database_privilege('public', oid, 'TEMPORARY'))), '{}')
        FROM pg_database WHERE datname LIKE 'flask-%'))"""
#: The result of C(found) if there is no server yet.
NOTHING: dict[str, t.Any] = {"roles": {}, "databases": {}}


def execute(*statements: str, database: str = "postgres") -> str:
    """Run statements, each by itself, and return their output.

    :raises HostError: with PostgreSQL's message.
    """
    done = run([*as_superuser(*_PSQL, f"--dbname={database}"), *(f"--command={statement}" for statement in statements)], timeout=_SECONDS, check=False, cwd="/")
    if done.returncode:
        raise HostError(f"PostgreSQL: {' '.join(done.stderr.split()) or f'psql ended with {done.returncode}'}")
    return done.stdout


def query(statement: str, database: str = "postgres") -> t.Any:
    """The result of a query that returns one JSON value."""
    return json.loads(execute(statement, database=database))


def answers() -> bool:
    """Whether the server answers."""
    try:
        return run(as_superuser(*_PSQL, "--dbname=postgres", "--command=SELECT 1"), check=False, cwd="/").returncode == 0
    except CommandError:
        return False


def as_superuser(*command: str) -> list[str]:
    """A command line that runs a command as the server's account."""
    return ["runuser", "-u", SUPERUSER, "--", "env", _OPTIONS, *command]


def identifier(name: str) -> str:
    """A name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text, quoted for SQL. With standard_conforming_strings, PostgreSQL's default, no other character needs quoting."""
    return "'" + text.replace("'", "''") + "'"


def found() -> dict[str, t.Any]:
    """The apps' roles and databases: whether each role can log in and has no other right; each database's owner, and whether it is open to all."""
    there: dict[str, t.Any] = query(_FOUND)
    return there


def steps(name: str, there: dict[str, t.Any]) -> list[Step]:
    """The steps for one app, in order."""
    return list(_steps(name, there))


def _steps(name: str, there: dict[str, t.Any]) -> t.Iterator[Step]:
    quoted = identifier(name)
    if name not in there["roles"]:
        yield Step(f"role {name} was missing", f"CREATE ROLE {quoted} {_NO_POWERS}")
    elif not there["roles"][name]:
        yield Step(f"role {name} could not log in, or could do more than that", f"ALTER ROLE {quoted} {_NO_POWERS}")
    database = there["databases"].get(name)
    if database is None:
        yield Step(f"database {name} was missing", f"CREATE DATABASE {quoted} OWNER {quoted} {TEXT}")
    elif database["owner"] != name:
        yield Step(f"database {name} belonged to {database['owner']}", f"ALTER DATABASE {quoted} OWNER TO {quoted}")
    if database is None or database["public"]:
        yield Step(f"database {name} was open to every role", f"REVOKE ALL ON DATABASE {quoted} FROM PUBLIC")


def leftovers(name: str, there: dict[str, t.Any]) -> list[Step]:
    """The steps that remove everything of one app."""
    databases = [database for database in (name, f"{name}{ASIDE}", f"{name}{BEFORE}") if database in there["databases"]]
    steps_ = [Step(f"database {database}", f"DROP DATABASE IF EXISTS {identifier(database)} WITH (FORCE)") for database in databases]
    return steps_ + ([Step(f"role {name}", f"DROP ROLE IF EXISTS {identifier(name)}")] if name in there["roles"] else [])
