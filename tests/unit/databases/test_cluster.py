# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL cluster for the apps: how it is found, and how its configuration changes."""

from __future__ import annotations

import itertools
import subprocess
import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._databases import cluster, postgresql
from ansible_collections.flaskyard.server.plugins.module_utils._host import units
from ansible_collections.flaskyard.server.plugins.module_utils._host.commands import CommandError
from ansible_collections.flaskyard.server.plugins.module_utils._host.errors import HostError

ROWS = "15 main 5433 down postgres /var/lib/postgresql/15/main /log\n17 main 5432 online postgres /var/lib/postgresql/17/main /log\n"


class Host:
    """What the host is asked for; it answers as told."""

    def __init__(self) -> None:
        self.rows, self.up, self.pending, self.errors = ROWS, True, False, False
        self.ran: list[str] = []
        self._moments = itertools.count()

    def run(self, command: list[str], **dummy: t.Any) -> subprocess.CompletedProcess[str]:
        if command[0] == "pg_lsclusters":
            return subprocess.CompletedProcess(command, 0, self.rows, "")
        words = " ".join(command).partition("pg_catalog ")[2] or " ".join(command)
        self.ran.append(words)
        if "postgres -C" in words and self.errors:
            raise CommandError("invalid value for parameter")
        return subprocess.CompletedProcess(command, 0, "", "")

    def systemctl(self, verb: str, unit: str, **dummy: t.Any) -> None:
        self.ran.append(f"{verb} {unit}")
        self.up = True

    def query(self, statement: str, **dummy: t.Any) -> t.Any:
        if "pg_conf_load_time" in statement:
            return next(self._moments)
        return ["shared_buffers"] if "pending" in statement and self.pending else []


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host()
    monkeypatch.setattr(cluster, "run", host.run)
    monkeypatch.setattr(units, "systemctl", host.systemctl)
    monkeypatch.setattr(postgresql, "query", host.query)
    monkeypatch.setattr(postgresql, "answers", lambda: host.up)
    monkeypatch.setattr(cluster, "CONFIGURATION", __file__)
    return host


def test_cluster_is_the_one_clients_connect_to(host: Host) -> None:
    assert cluster.present().unit == "postgresql@17-main.service"
    host.rows = ROWS.replace("5432", "5444")
    with pytest.raises(HostError, match="15/main on port 5433, 17/main on port 5444"):
        cluster.present()


def test_restart_happens_only_if_a_setting_needs_it(host: Host) -> None:
    cluster.activate()
    assert host.ran[0].startswith("ln --symbolic") and host.ran[-1] == "reload postgresql@17-main.service"
    host.pending = True
    cluster.activate()
    assert host.ran[-2:] == ["reload postgresql@17-main.service", "restart postgresql@17-main.service"]


def test_stopped_server_is_started(host: Host) -> None:
    host.up = False
    cluster.activate()
    assert host.ran[-1] == "restart postgresql@17-main.service"


def test_configuration_that_prevents_a_start_is_refused(host: Host) -> None:
    host.errors = True
    with pytest.raises(CommandError, match="invalid value"):
        cluster.activate()
    assert not any(words.startswith(("reload", "restart")) for words in host.ran)


def test_configuration_that_is_gone_is_no_longer_linked(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONFIGURATION", "/nonexistent")
    cluster.activate()
    assert host.ran[0] == "rm --force /etc/postgresql/17/main/conf.d/flaskyard.conf"


def test_differences_of_the_cluster_are_reported(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cluster.differences() == [f"PostgreSQL 17/main did not use {__file__}"]
    monkeypatch.setattr(cluster.Cluster, "is_linked", True)
    assert cluster.differences() == []
    host.pending = True
    assert cluster.differences() == ["shared_buffers waited for a restart of PostgreSQL"]
    host.up = False
    assert cluster.differences() == ["PostgreSQL 17/main did not answer"]
