# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""MariaDB: the account and the database of each app. Root runs the client that comes with the server.

The server asks the kernel who connects, and lets in the account of that name, so nobody needs a password.
"""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import subprocess
import typing as t

from .._host.errors import HostError
from .engine import ASIDE, BEFORE, Step

SOCKET = "/run/mysqld/mysqld.sock"
#: In this collation emoji differ from each other; in unicode_ci they do not. Every MariaDB since Debian 11 has it, so older releases can load a dump.
TEXT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci"
#: The result of C(found) if there is no server yet.
NOTHING: dict[str, t.Any] = {"accounts": {}, "databases": [], "public": []}
_SECONDS = 600
_FOUND = """SELECT CONCAT('databases ', SCHEMA_NAME) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'flask-%';
    SELECT CONCAT('public ', Db) FROM mysql.db WHERE User = 'PUBLIC' AND Db LIKE 'flask-%';
    SELECT CONCAT('accounts ', User) FROM mysql.global_priv WHERE User LIKE 'flask-%' AND Host = 'localhost'"""


def options(account: str) -> list[str]:
    """Options of the server's clients for an account. They ignore the account's own option files."""
    return ["--no-defaults", f"--socket={SOCKET}", f"--user={account}", "--default-character-set=utf8mb4", "--max-allowed-packet=1G"]


def client(*command: str, account: str = "root", given: str | bytes = b"") -> bytes:
    """Run one of the server's clients as an account, and return its output.

    :param given: its input.
    :raises HostError: with MariaDB's message.
    """
    program, *arguments = command
    argv = ["runuser", "-u", account, "--", program, *options(account), *arguments]
    try:
        done = subprocess.run(argv, input=given.encode() if isinstance(given, str) else given, capture_output=True, timeout=_SECONDS, check=False, cwd="/")
    except subprocess.TimeoutExpired as error:
        raise HostError(f"MariaDB: {program} did not end within {_SECONDS} s") from error
    if done.returncode:
        # The client first repeats the statement, which may be long.
        words = " ".join(done.stderr.decode("utf-8", "replace").rpartition("--------------\n")[2].split())
        raise HostError(f"MariaDB: {words or f'{program} ended with {done.returncode}'}")
    return done.stdout


def execute(*statements: str, account: str = "root") -> str:
    """Run statements up to the first that fails, and return their output.

    :raises HostError: with MariaDB's message.
    """
    text = "".join(f"{statement};\n" for statement in statements)
    return client("mariadb", "--batch", "--raw", "--skip-column-names", account=account, given=text).decode("utf-8", "replace")


def answers() -> bool:
    """Whether the server answers."""
    try:
        execute("SELECT 1")
    except HostError:
        return False
    return True


def identifier(name: str) -> str:
    """A name, quoted for SQL."""
    return "`" + name.replace("`", "``") + "`"


def user(name: str) -> str:
    """An account as the server writes it."""
    return f"{identifier(name)}@`localhost`"


def found() -> dict[str, t.Any]:
    """The apps' accounts, as the server describes them, their databases, and those databases that are open to all."""
    there: dict[str, t.Any] = {"accounts": [], "databases": [], "public": []}
    for line in execute(_FOUND).splitlines():
        kind, name = line.split(" ", 1)
        there[kind].append(name)
    names = there["accounts"]
    lines = execute(*(f"SHOW {what} {user(name)}" for name in names for what in ("CREATE USER", "GRANTS FOR"))).splitlines() if names else []
    return {**there, "accounts": {name: sorted(line for line in lines if f" {user(name)}" in line) for name in names}}


def steps(name: str, there: dict[str, t.Any]) -> list[Step]:
    """The steps for one app, in order."""
    return list(_steps(name, there))


def _steps(name: str, there: dict[str, t.Any]) -> t.Iterator[Step]:
    made = f"USER {user(name)} IDENTIFIED VIA unix_socket"
    grants = [f"GRANT ALL PRIVILEGES ON {identifier(database)}.* TO {user(name)}" for database in (name, f"{name}{ASIDE}", f"{name}{BEFORE}")]
    shown = [f"CREATE {made}", f"GRANT USAGE ON *.* TO {user(name)} IDENTIFIED VIA unix_socket", *grants]
    if name not in there["accounts"]:
        yield Step(f"account {name} was missing in MariaDB", "; ".join([f"CREATE {made}", *grants]))
    elif there["accounts"][name] != sorted(shown):
        yield Step(f"account {name} had other rights in MariaDB than its own databases", "; ".join([f"CREATE OR REPLACE {made}", *grants]))
    if name not in there["databases"]:
        yield Step(f"database {name} was missing", f"CREATE DATABASE {identifier(name)} {TEXT}")
    if name in there["public"]:
        yield Step(f"database {name} was open to every account", f"REVOKE ALL PRIVILEGES ON {identifier(name)}.* FROM PUBLIC")


def leftovers(name: str, there: dict[str, t.Any]) -> list[Step]:
    """The steps that remove everything of one app."""
    databases = [database for database in (name, f"{name}{ASIDE}", f"{name}{BEFORE}") if database in there["databases"]]
    steps_ = [Step(f"database {database}", f"DROP DATABASE IF EXISTS {identifier(database)}") for database in databases]
    return steps_ + ([Step(f"account {name} of MariaDB", f"DROP USER IF EXISTS {user(name)}")] if name in there["accounts"] else [])
