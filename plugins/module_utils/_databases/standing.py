# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role and the database of each app: what there is, what should be, and the steps between.

Both have the name of the app's account, so peer authentication lets in who it is, and nobody needs a password.
"""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from .._host import paths
from .._host.entries import Entry, read_json, write_entry
from .._host.errors import HostError
from . import postgresql
from .postgresql import execute, identifier

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
#: What is there of a database while it is restored.
ASIDE, BEFORE = ".restore", ".before"


@dataclasses.dataclass(frozen=True)
class Step:
    """What of an app's database is not as it should be, in words, and the statement that puts it right."""

    lack: str
    statement: str


def account(app: str) -> str:
    """Name of an app's role and of its database, which is that of its account."""
    return f"flask-{app}"


def found() -> dict[str, t.Any]:
    """The roles and databases of apps that there are: whether each role can log in and do no more, owner of each database, and whether it is open to all."""
    there: dict[str, t.Any] = postgresql.query(_FOUND)
    return there


def steps(apps: t.Iterable[str], there: dict[str, t.Any]) -> list[Step]:
    """What there is to do, in order.

    :param apps: names of those that are to have a database.
    :param there: from C(found).
    """
    return [step for app in apps for step in _steps(account(app), there)]


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


def belongings(app: str) -> list[Step]:
    """What there is of an app's database and role, to be removed; nothing where there is no server."""
    if not postgresql.answers():
        return []
    there, name = found(), account(app)
    databases = [database for database in (name, f"{name}{ASIDE}", f"{name}{BEFORE}") if database in there["databases"]]
    steps_ = [Step(f"database {database}", f"DROP DATABASE IF EXISTS {identifier(database)} WITH (FORCE)") for database in databases]
    return steps_ + ([Step(f"role {name}", f"DROP ROLE IF EXISTS {identifier(name)}")] if name in there["roles"] else [])


def carry_out(todo: t.Iterable[Step]) -> None:
    """Do steps, in order.

    :raises HostError: with PostgreSQL's words.
    """
    if statements := [step.statement for step in todo]:
        execute(*statements)


def recorded(engine: str) -> tuple[str, list[str]]:
    """The wish of the last run, and the apps that it was asked to give a database."""
    stored = read_json(_file(engine)) or {"wish": "", "apps": []}
    return stored["wish"], stored["apps"]


def remember(engine: str, apps: list[str], wish: str) -> None:
    """Write down what was asked for; where no app has a database any more there is nothing to look at."""
    if apps:
        write_entry(_file(engine), Entry("file", json.dumps({"wish": wish, "apps": apps}).encode(), mode=0o600))
    elif os.path.exists(_file(engine)):
        os.unlink(_file(engine))


def survey() -> dict[str, dict[str, t.Any]]:
    """By server, the recorded C(wish), and in C(lacks) what does not hold, in words."""
    names = sorted(os.listdir(paths.DATABASES)) if os.path.isdir(paths.DATABASES) else []
    return {name.removesuffix(".json"): _look(name.removesuffix(".json")) for name in names}


def _look(engine: str) -> dict[str, t.Any]:
    stored = read_json(_file(engine))
    if stored is None:
        return {"wish": "", "lacks": ["what was asked for was not written down"]}
    try:
        return {"wish": stored["wish"], "lacks": [step.lack for step in steps(stored["apps"], found())]}
    except HostError as error:
        return {"wish": stored["wish"], "lacks": [str(error)]}


def _file(engine: str) -> str:
    return os.path.join(paths.DATABASES, f"{engine}.json")
