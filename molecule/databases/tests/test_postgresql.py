# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles postgresql and valkey: each app has a database and a queue that no other app can see, and that come back."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from testinfra.host import Host

from tests.hosts.exposure import bound
from tests.hosts.scenario import ScenarioHost

APPS = ("notes", "other")
Ask = Callable[..., Any]


class Server(ScenarioHost):
    """A host with two apps that have stores."""

    def psql(self, statement: str, account: str = "postgres", target: str = "dbname=postgres") -> str:
        """Run a statement, as an account of the host."""
        return self.run(f"cd / && runuser -u {account} -- psql -XAtqc {shlex.quote(statement)} {shlex.quote(f'host=/run/postgresql {target}')}")


@pytest.fixture
def server(host: Host, name: str) -> Server:
    """The host."""
    return Server(host, name)


@pytest.fixture
def notes(host: Host) -> dict[str, Any]:
    """The first app, as the scenario declares it."""
    declared: dict[str, Any] = host.ansible.get_variables()["notes"]
    return declared


@pytest.mark.parametrize("app", APPS)
def test_app_without_network_uses_its_own_database(app: str, ask: Ask) -> None:
    ask(f"/notes?text=of-{app}", method="POST", app=app)
    ask(f"/jobs?text=of-{app}", method="POST", app=app)
    assert set(ask("/notes", app=app)["notes"]) == set(ask("/jobs", app=app)["jobs"]) == {f"of-{app}"}


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("database=postgresql:///flask-other?host=/run/postgresql", "no pg_hba.conf entry"),
        ("database=postgresql://flask-other@/flask-other?host=/run/postgresql", "Peer authentication failed"),
        ("database=postgresql://postgres@/postgres?host=/run/postgresql", "Peer authentication failed"),
        ("database=postgresql:///postgres?host=/run/postgresql", "no pg_hba.conf entry"),
        ("database=postgresql:///flask-other.restore?host=/run/postgresql", "no pg_hba.conf entry"),
        ("database=postgresql:///flask-other?host=/run/flaskyard-pgbouncer", "FATAL"),
        ("database=postgresql://flask-other@/flask-other?host=/run/flaskyard-pgbouncer", "FATAL"),
        ("database=postgresql://root@/pgbouncer?host=/run/flaskyard-pgbouncer", "FATAL"),
        ("queue=unix:///run/flaskyard-valkey-other/valkey.sock", "Permission denied"),
    ],
)
def test_app_cannot_read_databases_of_other_apps(place: str, words: str, ask: Ask) -> None:
    kind, target = place.split("=", 1)
    assert words in ask(f"/peek?{kind}={quote(target, safe='')}", app="notes")["refused"]


def test_app_reaches_its_own_stores_in_the_same_ways(ask: Ask) -> None:
    for kind, target in (("database", "postgresql:///flask-notes?host=/run/postgresql"), ("queue", "unix:///run/flaskyard-valkey-notes/valkey.sock")):
        assert ask(f"/peek?{kind}={quote(target, safe='')}", app="notes") == {"refused": None}


def test_many_connections_share_few_in_the_pool(server: Server, ask: Ask) -> None:
    assert ask("/prepared?prepare=no", app="other") == {"refused": None}
    version = server.run("pgbouncer --version | head -1").split()[1]
    prepares = tuple(map(int, version.split(".")[:2])) >= (1, 21)
    assert (ask("/prepared", app="other")["refused"] is None) == prepares
    shown = server.run("cd /; psql -XAt -h /run/flaskyard-pgbouncer pgbouncer -c 'SHOW SERVERS'")
    assert shown.count("\n") == 0 and "|flask-other|" in shown, "20 connections shared one"
    assert "DATABASE_DIRECT_URL=postgresql:///flask-other?host=/run/postgresql" in server.run("cat /etc/flask/other/slots/*/env").replace("'", "").replace(
        '"', ""
    )


def test_other_accounts_cannot_connect(server: Server) -> None:
    target = shlex.quote("host=/run/postgresql dbname=flask-notes user=flask-notes")
    for account in ("nobody", "flask-notes-b", "flask-other"):
        assert "authentication failed" in server.fails(f"cd /; runuser -u {account} -- psql {target} -c 'SELECT 1'")
    # The build account is in the group of its app, so it can talk to the queue, as it can to nothing of another app.
    script = "import socket; socket.socket(socket.AF_UNIX).connect('/run/flaskyard-valkey-notes/valkey.sock')"
    for account in ("nobody", "flask-other", "flask-other-b"):
        assert "Permission" in server.fails(f"cd /; runuser -u {account} -- python3 -c {shlex.quote(script)}")
    assert server.run("ss --no-header --listening --tcp --numeric | grep -E ':(5432|6379)' || true") == ""


def test_roles_can_only_log_in(server: Server) -> None:
    found = server.psql("SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolpassword IS NULL FROM pg_authid WHERE rolname LIKE 'flask-%' ORDER BY 1")
    assert found.splitlines() == [f"flask-{app}|f|f|f|t" for app in APPS]
    assert server.psql("SELECT DISTINCT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname LIKE 'flask-%'") == "UTF8|C.UTF-8"


def test_sizes_follow_from_the_memory(server: Server) -> None:
    assert server.psql("SHOW shared_buffers") == "128MB"


def test_app_cannot_administer_its_queue(server: Server) -> None:
    ask = "cd /; runuser -u flask-notes -- $(command -v valkey-cli redis-cli | head -1) -s /run/flaskyard-valkey-notes/valkey.sock"
    for command in ("config set dir /tmp", "shutdown", "migrate 127.0.0.1 1 a 0 1"):
        assert "NOPERM" in server.run(f"{ask} {command}")
    assert server.run(f"{ask} set a 1; {ask} flushdb").split() == ["OK", "OK"]


def test_full_queue_refuses_entries_and_keeps_the_old_ones(server: Server, ask: Ask) -> None:
    assert server.run("grep -E '^(maxmemory|maxmemory-policy|appendonly) ' /etc/flask-valkey/notes.conf").splitlines() == [
        "appendonly yes",
        "maxmemory 256mb",
        "maxmemory-policy noeviction",
    ]
    ask("/jobs?text=kept", method="POST", app="notes")
    before = ask("/jobs", app="notes")
    server.run("systemctl kill --signal=KILL flaskyard-valkey-notes; sleep 2; systemctl is-active flaskyard-valkey-notes")
    assert ask("/jobs", app="notes") == before


@pytest.mark.parametrize("unit", ["flaskyard-valkey-notes.service", "flaskyard-pgbouncer.service"])
def test_unit_is_sandboxed(unit: str, host: Host, exposure: Callable[[str], float]) -> None:
    with host.sudo():
        assert exposure(unit) <= bound(unit)


def test_manual_changes_are_reported_and_repaired(server: Server, ask: Ask) -> None:
    server.run(
        "systemctl stop flaskyard-valkey-notes; cd /; runuser -u postgres -- psql -qc 'GRANT CONNECT ON DATABASE \"flask-notes\" TO PUBLIC' "
        "-c 'ALTER ROLE \"flask-other\" NOLOGIN SUPERUSER'; rm /etc/postgresql/*/main/conf.d/flaskyard.conf; systemctl stop 'postgresql@*-main.service'"
    )
    before = server.run("systemctl show --property=MainPID flaskyard-valkey-other")
    outcome = server.converge()
    assert outcome.ok, outcome.text
    for words in ("flaskyard-valkey-notes.service was dead", "did not use /etc/flask-postgresql/postgresql.conf"):
        assert words in outcome.text
    for words in ("repaired: database flask-notes was open to every role", "repaired: role flask-other could not log in, or could do more than that"):
        assert words in outcome.text
    assert not server.converge().changed
    assert server.run("systemctl show --property=MainPID flaskyard-valkey-other") == before
    assert ask("/peek?database=" + quote("postgresql:///flask-other?host=/run/postgresql", safe=""), app="other") == {"refused": None}


def test_refused_configuration_does_not_stay(server: Server, ask: Ask) -> None:
    outcome = server.converge(postgresql_hba=["local all all nonsense"])
    assert not outcome.ok and "invalid authentication method" in outcome.text and "The old files are back and active" in outcome.text
    outcome = server.converge(postgresql_settings={"work_mem": "much"})
    assert not outcome.ok and "work_mem" in outcome.text
    assert not server.converge().changed
    assert ask("/healthz", app="notes") == "health"


def test_backup_restores_schema_and_data(server: Server, ask: Ask) -> None:
    ask("/notes?text=saved", method="POST", app="notes")
    server.psql("CREATE EXTENSION IF NOT EXISTS pg_trgm", "flask-notes", "dbname=flask-notes")
    before, other = ask("/notes", app="notes"), ask("/notes", app="other")
    server.run("systemctl start flask-backup.service")
    ask("/notes?text=since", method="POST", app="notes")
    server.psql("ALTER TABLE note ADD COLUMN since int", "flask-notes", "dbname=flask-notes")
    ask("/notes?text=since", method="POST", app="other")
    outcome = server.playbook("restore", app="notes")
    assert outcome.ok and "so is the database flask-notes" in outcome.text, outcome.text
    assert ask("/notes", app="notes") == before
    assert (
        server.psql("SELECT string_agg(attname, ',') FROM pg_attribute WHERE attrelid = 'note'::regclass AND attnum > 0", "flask-notes", "dbname=flask-notes")
        == "text"
    )
    assert ask("/notes", app="other") != other, "another app's is not touched"
    assert server.psql("SELECT count(*) FROM pg_database WHERE datname ~ 'restore|before'") == "0"
    server.run("systemctl start flask-backup-verify.service")
    assert not server.converge().changed


def test_database_that_breaks_the_app_is_put_back(server: Server, ask: Ask) -> None:
    server.psql("ALTER TABLE note RENAME TO away; CREATE VIEW note AS SELECT 1 AS number", "flask-notes", "dbname=flask-notes")
    server.run("systemctl start flask-backup.service")
    server.psql("DROP VIEW note; ALTER TABLE away RENAME TO note", "flask-notes", "dbname=flask-notes")
    before = ask("/notes", app="notes")
    outcome = server.playbook("restore", app="notes")
    assert not outcome.ok and "The state that was there is back" in outcome.text and "the database flask-notes.restore" in outcome.text, outcome.text
    assert ask("/notes", app="notes") == before
    server.run("systemctl start flask-backup.service")


def test_data_of_unused_stores_stays_until_purge(server: Server, notes: dict[str, Any], ask: Ask) -> None:
    ask("/notes?text=kept", method="POST", app="other")
    before = ask("/notes", app="other")
    apps = [notes, *({**notes, "name": name, "database": "mariadb"} for name in ("ledger", "diary"))]
    outcome = server.converge(flask_apps=apps)
    assert outcome.ok and "no app asks for the database flask-other any more; it stays" in outcome.text, outcome.text
    assert server.fails("systemctl cat flaskyard-valkey-other")
    assert server.converge().ok
    assert ask("/notes", app="other") == before and ask("/jobs", app="other")["jobs"]
    outcome = server.playbook("remove", flask_apps=apps, app="other", purge=True)
    assert outcome.ok, outcome.text
    assert server.psql("SELECT datname FROM pg_database WHERE datname LIKE 'flask-%' AND datname NOT LIKE '%.restore'") == "flask-notes"
    assert server.psql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'flask-%'") == "flask-notes"
    assert server.run("ls -d /var/lib/flaskyard-valkey-other /var/lib/private/flaskyard-valkey-other 2>/dev/null || true") == ""
    assert server.converge().ok
    assert ask("/notes", app="other") == {"notes": []}
