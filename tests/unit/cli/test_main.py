# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of C(flaskyard): accepted and refused arguments, and exit statuses."""

from __future__ import annotations

import os
import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._cli import backup, history, logs, main, releases, restart, restore, rollback, run, status
from ansible_collections.flaskyard.server.plugins.module_utils._host import actor
from ansible_collections.flaskyard.server.plugins.module_utils._host.errors import HostError


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "umask", lambda mask: 0)
    monkeypatch.setattr(actor, "_present", actor.Actor())


@pytest.mark.parametrize("words", [[], ["nothing"], ["rollback"], ["restart"], ["logs", "shop", "-n", "many"], ["status", "shop"]])
def test_wrong_command_line_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main.main(words)
    assert end.value.code == 2 and "usage: flaskyard" in capsys.readouterr().err


def test_only_root_may(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main.main(["status"]) == 1
    assert "run it with sudo" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        (["status", "--json"], status),
        (["releases", "shop"], releases),
        (["history", "shop", "-n", "3"], history),
        (["rollback", "shop", "--release", "r1", "--check"], rollback),
        (["restart", "shop"], restart),
        (["run", "shop", "--", "flask", "--help"], run),
        (["logs", "shop", "-f", "-n", "5"], logs),
        (["backup"], backup),
        (["restore", "shop", "1a2b", "--secret-key"], restore),
    ],
)
def test_each_verb_runs_its_module_and_is_logged(words: list[str], verb: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "run", lambda given: 7)
    assert main.main(words) == 7
    assert actor.actor().action == words[0]


def test_failure_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(given: object) -> int:
        raise HostError("there is no app 'blog' on this host; it has shop")

    monkeypatch.setattr(restart, "run", fail)
    assert main.main(["restart", "blog"]) == 1
    assert capsys.readouterr().err == "flaskyard: there is no app 'blog' on this host; it has shop\n"


def test_history_shows_the_end_of_the_log(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    went = {"at": "2026-01-02T03:04:05.6+00:00", "app": "shop", "action": "deploy", "by": "ada@laptop", "outcome": "ok", "release": "r1"}
    log = [{**went, "source": {"version": "main", "revision": "f" * 40}}, {**went, "release": None, "source": {}, "outcome": "failed", "reason": "no disk"}]
    monkeypatch.setattr(history, "entries", lambda app: log)
    assert main.main(["history"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "2026-01-02 03:04 UTC  shop  deploy r1 (main, ffffffffffff) by ada@laptop  ok"
    assert second == "2026-01-02 03:04 UTC  shop  deploy by ada@laptop  failed: no disk"
    main.main(["history", "shop", "-n", "1"])
    assert capsys.readouterr().out.splitlines() == [second]


def test_logs_show_the_units_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(
        logs, "slot_that_serves", lambda name: type("Record", (), {"app": {"unit": f"flask-{name}"}, "names": ["flask-shop@1-schedule.tidy.timer"]})
    )
    monkeypatch.setattr(os, "execvp", lambda program, words: ran.append(words))
    main.main(["logs", "shop"])
    main.main(["logs", "shop", "-f", "-n", "5"])
    run = "flask-shop@1-schedule.tidy"
    wanted = f"SYSLOG_IDENTIFIER=flask-shop + UNIT={run}.timer + UNIT={run}.service"
    assert [" ".join(words) for words in ran] == [
        f"journalctl --no-hostname --lines=100 --no-pager {wanted}",
        f"journalctl --no-hostname --lines=5 --follow {wanted}",
    ]


def test_backups_come_from_the_role(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert main.main(["backup"]) == 1 and "no backups are set up on this host" in capsys.readouterr().err
    monkeypatch.setattr(os, "access", lambda path, mode: path == "/usr/local/sbin/flask-backup")
    monkeypatch.setattr(os, "execv", lambda program, words: ran.append(words))
    for words in (["backup"], ["restore", "shop"], ["restore", "shop", "1a2b", "--secret-key"]):
        main.main(words)
    assert [" ".join(words) for words in ran] == ["flask-backup run", "flask-backup restore shop latest", "flask-backup restore shop 1a2b --secret-key"]
