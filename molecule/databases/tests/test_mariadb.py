# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role mariadb: each app has a database that no other app can see, beside those of PostgreSQL, and that comes back."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from testinfra.host import Host

from tests.hosts.scenario import ScenarioHost

APPS = ("ledger", "diary")
SOCKET = "unix_socket=/run/mysqld/mysqld.sock"
Ask = Callable[..., Any]
#: All that a database can hold and that moves in another way, or not at all, when a restored one takes its place.
RICH = r"""
CREATE TABLE account (id int AUTO_INCREMENT PRIMARY KEY, name varchar(50) UNIQUE, picture longblob);
CREATE TABLE entry (id int AUTO_INCREMENT PRIMARY KEY, account int NOT NULL, amount int, FOREIGN KEY (account) REFERENCES account (id));
CREATE TABLE `odd ``name` (amount int);
CREATE SEQUENCE number;
CREATE FUNCTION twice(x int) RETURNS int DETERMINISTIC RETURN 2 * x;
CREATE VIEW a_sum AS SELECT account, twice(sum(amount)) AS doubled FROM entry GROUP BY account;
CREATE VIEW `0_first` AS SELECT doubled FROM a_sum;
DELIMITER //
CREATE PROCEDURE greet() BEGIN SELECT 'hello'; END//
CREATE TRIGGER counted BEFORE INSERT ON entry FOR EACH ROW BEGIN SET NEW.amount = NEW.amount + 1; INSERT INTO `odd ``name` VALUES (NEW.amount); END//
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO BEGIN DELETE FROM `odd ``name`; END//
DELIMITER ;
INSERT INTO account (name, picture) VALUES ('é😀', x'00ff0a0d1a275c'), ('b', NULL);
INSERT INTO entry (account, amount) VALUES (1, 1), (2, 5);
"""
#: Breaks an exchange at a point, as a full disk would, or as the end of the process would.
BREAK = """
import sys
sys.path.insert(0, "/usr/local/lib/flaskyard")
from flaskyard._databases import mariadb_copies
from flaskyard._databases.mariadb_copies import Exchange
from flaskyard._host.errors import HostError
point, killed = sys.argv[1], sys.argv[2] == "killed"
real = {"execute": mariadb_copies.execute, "client": mariadb_copies.client}
def breaks(name):
    def call(*words, **options):
        if any(point in word for word in [*words, options.get("given", b"").decode()]):
            if killed:
                sys.exit("broken")
            mariadb_copies.execute, mariadb_copies.client = real["execute"], real["client"]
            raise HostError("broken")
        return real[name](*words, **options)
    return call
exchange = Exchange("flask-ledger")
exchange.prepare()
real["client"]("mariadb", exchange.aside, account="flask-ledger", given=sys.stdin.buffer.read())
mariadb_copies.execute, mariadb_copies.client = breaks("execute"), breaks("client")
exchange.swap()
"""
#: What the next restore begins with.
RECOVER = """
import sys
sys.path.insert(0, "/usr/local/lib/flaskyard")
from flaskyard._databases.mariadb_copies import Exchange
Exchange("flask-ledger").prepare()
Exchange("flask-ledger").discard()
"""


class Server(ScenarioHost):
    """A host with two apps that have a database in MariaDB."""

    def sql(self, statement: str, account: str = "root", database: str = "") -> str:
        """Run statements, as an account of the host."""
        options = f"--user={account} --default-character-set=utf8mb4 --batch --raw --skip-column-names {database}"
        return self.run(f"cd / && printf '%s\n' {shlex.quote(statement)} | runuser -u {account} -- mariadb {options}").strip()

    def dumped(self) -> str:
        """All that the database of the first app holds."""
        command = "mariadb-dump --user=flask-ledger --routines --triggers --events --hex-blob --skip-dump-date flask-ledger"
        return self.run(f"cd / && runuser -u flask-ledger -- {command}")


@pytest.fixture
def server(host: Host, name: str) -> Server:
    """The host."""
    return Server(host, name)


@pytest.fixture
def notes(host: Host) -> dict[str, Any]:
    """The app from which the scenario makes the others."""
    declared: dict[str, Any] = host.ansible.get_variables()["notes"]
    return declared


@pytest.mark.parametrize("app", APPS)
def test_app_without_network_uses_its_own_database(app: str, ask: Ask) -> None:
    ask(f"/notes?text={quote(f'of-{app} é😀')}", method="POST", app=app)
    assert set(ask("/notes", app=app)["notes"]) == {f"of-{app} é😀"}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("flask-ledger@/flask-diary", "Access denied for user 'flask-ledger'@'localhost' to database 'flask-diary'"),
        ("flask-ledger@/flask-diary.restore", "Access denied for user 'flask-ledger'@'localhost' to database 'flask-diary.restore'"),
        ("flask-ledger@/mysql", "Access denied for user 'flask-ledger'@'localhost' to database 'mysql'"),
        ("flask-diary@/flask-diary", "Access denied for user 'flask-diary'@'localhost'"),
        ("root@/mysql", "Access denied for user 'root'@'localhost'"),
    ],
)
def test_app_cannot_read_databases_of_other_apps(target: str, words: str, ask: Ask) -> None:
    assert words in ask(f"/peek?database={quote(f'mysql+pymysql://{target}?{SOCKET}', safe='')}", app="ledger")["refused"]


def test_app_reaches_its_own_database_in_the_same_way(ask: Ask) -> None:
    target = quote(f"mysql+pymysql://flask-ledger@/flask-ledger?{SOCKET}", safe="")
    assert ask(f"/peek?database={target}", app="ledger") == {"refused": None}
    assert "Access denied" in ask(f"/peek?database={target}", app="notes")["refused"]


def test_other_accounts_cannot_connect(server: Server) -> None:
    for account in ("nobody", "flask-ledger-b", "flask-diary", "flask-notes"):
        assert "Access denied" in server.fails(f"cd /; runuser -u {account} -- mariadb --user=flask-ledger flask-ledger -e 'SELECT 1'")
    assert server.sql("SHOW DATABASES", "flask-ledger").splitlines() == ["flask-ledger", "information_schema"]
    assert server.run("ss --no-header --listening --tcp --numeric | grep :3306 || true") == ""


def test_databases_use_utf8_and_sizes_follow_from_the_memory(server: Server) -> None:
    assert server.sql("SELECT DISTINCT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'flask-%'") == "utf8mb4_unicode_520_ci"
    assert server.sql("SELECT @@innodb_buffer_pool_size DIV 1048576") == "192"


def test_manual_changes_are_reported_and_repaired(server: Server, ask: Ask) -> None:
    server.sql("GRANT SELECT ON *.* TO `flask-ledger`@localhost; DROP USER `flask-diary`@localhost")
    server.run("systemctl stop mariadb")
    outcome = server.converge()
    assert outcome.ok, outcome.text
    for words in (
        "mariadb.service was dead",
        "repaired: account flask-ledger had other rights in MariaDB than its own databases",
        "repaired: account flask-diary was missing in MariaDB",
    ):
        assert words in outcome.text
    assert not server.converge().changed
    assert server.sql("SHOW DATABASES", "flask-ledger").splitlines() == ["flask-ledger", "information_schema"]
    for app in APPS:
        assert ask("/healthz", app=app) == "health"


def test_refused_configuration_does_not_reach_the_server(server: Server, ask: Ask) -> None:
    before = server.run("systemctl show --property=MainPID mariadb")
    outcome = server.converge(mariadb_settings={"no_such_setting": 1})
    assert not outcome.ok and "unknown variable 'no_such_setting=1'" in outcome.text
    assert not server.converge().changed
    assert server.run("systemctl show --property=MainPID mariadb") == before


def test_backup_restores_schema_and_data(server: Server, ask: Ask) -> None:
    server.sql(RICH, "flask-ledger", "flask-ledger")
    before, other = server.dumped(), ask("/notes", app="diary")
    server.run("systemctl start flask-backup.service")
    server.sql("DROP VIEW `0_first`; ALTER TABLE note ADD COLUMN since int; CREATE TABLE extra (x int)", "flask-ledger", "flask-ledger")
    server.sql("INSERT INTO entry (account, amount) VALUES (1, 9)", "flask-ledger", "flask-ledger")
    ask("/notes?text=since", method="POST", app="diary")
    # Somebody who reads in the database holds it up no more than the app.
    server.run("systemd-run --unit=reader mariadb flask-ledger -e 'LOCK TABLES entry READ; SELECT SLEEP(600)'")
    outcome = server.playbook("restore", app="ledger")
    assert outcome.ok and "so is the database flask-ledger" in outcome.text, outcome.text
    assert server.dumped() == before
    assert server.sql("INSERT INTO entry (account, amount) VALUES (1, 1); SELECT * FROM `0_first`; CALL greet()", "flask-ledger", "flask-ledger").split() == [
        "8",
        "12",
        "hello",
    ]
    assert "foreign key constraint fails" in server.fails("cd /; runuser -u flask-ledger -- mariadb flask-ledger -e 'DELETE FROM account'")
    assert ask("/notes", app="diary") != other, "another app's is not touched"
    assert server.sql("SELECT count(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME REGEXP 'restore|before'") == "0"
    server.run("systemctl start flask-backup-verify.service")
    assert not server.converge().changed


def test_database_that_breaks_the_app_is_put_back(server: Server, ask: Ask) -> None:
    server.sql("RENAME TABLE note TO away; CREATE VIEW note AS SELECT 1 AS number", "flask-ledger", "flask-ledger")
    server.run("systemctl start flask-backup.service")
    server.sql("DROP VIEW note; RENAME TABLE away TO note", "flask-ledger", "flask-ledger")
    before = server.dumped()
    outcome = server.playbook("restore", app="ledger")
    assert not outcome.ok and "The state that was there is back" in outcome.text and "the database flask-ledger.restore" in outcome.text, outcome.text
    assert server.dumped() == before and ask("/healthz", app="ledger") == "health"
    server.run("systemctl start flask-backup.service")


@pytest.mark.parametrize("end", ["failed", "killed"])
@pytest.mark.parametrize("point", ["DROP TRIGGER", "RENAME TABLE `flask-ledger`", "sandbox", "`.done`"])
def test_failed_exchange_keeps_the_previous_database(point: str, end: str, server: Server) -> None:
    before = server.dumped()
    said = server.fails(f"cd /; printf 'CREATE TABLE entry (x int)' | python3 -c {shlex.quote(BREAK)} {shlex.quote(point)} {end}")
    assert "broken" in said
    server.run(f"python3 -c {shlex.quote(RECOVER)}")
    assert server.dumped() == before


def test_change_of_server_keeps_old_data_until_purge(server: Server, notes: dict[str, Any], ask: Ask) -> None:
    before = ask("/notes", app="diary")
    ledger = {**notes, "name": "ledger", "database": "mariadb"}
    others = [notes, {**notes, "name": "other", "database_pool": True}, ledger]
    outcome = server.converge(flask_apps=[*others, {**notes, "name": "diary"}])
    assert outcome.ok and "no app asks for the database flask-diary any more; it stays" in outcome.text, outcome.text
    assert ask("/notes", app="diary") == {"notes": []}
    assert server.converge().ok
    assert ask("/notes", app="diary") == before
    outcome = server.playbook("remove", flask_apps=others, app="diary", purge=True)
    assert outcome.ok, outcome.text
    assert server.sql("SHOW DATABASES LIKE 'flask-%'").split() == ["flask-ledger"]
    assert server.sql("SELECT User FROM mysql.global_priv WHERE User LIKE 'flask-%'") == "flask-ledger"
    assert server.run("runuser -u postgres -- psql -XAtqc \"SELECT count(*) FROM pg_database WHERE datname = 'flask-diary'\"") == "0"
    assert server.converge().ok
    assert ask("/notes", app="diary") == {"notes": []}
