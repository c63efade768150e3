# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL: the role and the database of each app. We speak as the server's own superuser, through psql: it comes with the server, and needs no library.

Both have the name of the app's account, so peer authentication lets in who it is, and nobody needs a password.
"""

from __future__ import annotations

import json
import typing as t

from .._host.commands import CommandError, run
from .._host.errors import HostError
from .engine import ASIDE, BEFORE, Step

#: Where the sockets of all clusters are.
SOCKETS = "/run/postgresql"
#: The account that is the server's superuser, by peer authentication.
SUPERUSER = "postgres"
_PSQL = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", f"--host={SOCKETS}"]
#: A database belongs to an app, which may have given it a search path. What the superuser runs there must not find the app's functions.
_OPTIONS = "PGOPTIONS=-c search_path=pg_catalog"
_SECONDS = 600
_NO_POWERS = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
#: Characters in the order of their code points: this order is the same in every release of libc, so no upgrade spoils an index.
TEXT = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
_FOUND = """SELECT json_build_object(
    'roles', (SELECT coalesce(json_object_agg(rolname, rolcanlogin AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)), '{}')
        FROM pg_roles WHERE rolname LIKE 'flask-%'),
    'databases', (SELECT coalesce(json_object_agg(datname, json_build_object(
            'owner', pg_get_userbyid(datdba),
            'public', has_database_privilege('public', oid, 'CONNECT') OR has_database_privilege('public', oid, 'TEMPORARY'))), '{}')
        FROM pg_database WHERE datname LIKE 'flask-%'))"""
#: What C(found) gives where there is no server yet.
NOTHING: dict[str, t.Any] = {"roles": {}, "databases": {}}


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


def found() -> dict[str, t.Any]:
    """The roles and databases of apps that there are: whether each role can log in and do no more, owner of each database, and whether it is open to all."""
    there: dict[str, t.Any] = query(_FOUND)
    return there


def steps(name: str, there: dict[str, t.Any]) -> list[Step]:
    """What there is to do for one app, in order."""
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
    """What there is of one app, to be removed."""
    databases = [database for database in (name, f"{name}{ASIDE}", f"{name}{BEFORE}") if database in there["databases"]]
    steps_ = [Step(f"database {database}", f"DROP DATABASE IF EXISTS {identifier(database)} WITH (FORCE)") for database in databases]
    return steps_ + ([Step(f"role {name}", f"DROP ROLE IF EXISTS {identifier(name)}")] if name in there["roles"] else [])
