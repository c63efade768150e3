# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of C(flaskyard status) and C(flaskyard releases)."""

from __future__ import annotations

import argparse
import http.server
import json
import os
import socketserver
import threading
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._cli import releases, status
from ansible_collections.flaskyard.server.plugins.module_utils._host import paths, units
from ansible_collections.flaskyard.server.plugins.module_utils._host.marks import Marks
from ansible_collections.flaskyard.server.plugins.module_utils._releases import wished
from ansible_collections.flaskyard.server.plugins.module_utils._releases.records import Records
from ansible_collections.flaskyard.server.plugins.module_utils._slots.folder import Record
from ansible_collections.flaskyard.server.plugins.module_utils._slots.slots import MANAGERS

UNIT = "flask-shop@0123456789"


class Host:
    """A host with the apps shop, whose release r1 serves in place of r2, and blog, of which nothing is known."""

    def __init__(self, folder: Path) -> None:
        names = ("releases", "venvs", "current", "slots", "secret_key", "run")
        places = {name: str(folder / name) for name in names} | {"socket": str(folder / "run" / "current.sock")}
        app: dict[str, t.Any] = {"name": "shop", "unit": "flask-shop", "user": "root", "canonical": "shop.test", "mount": "", "protocol": "http"}
        app |= {"paths": places, "graceful_timeout_seconds": 1, "public": {}, "wish": "w2"}
        app |= {"healthcheck": {"path": "/", "status": None, "timeout_seconds": 1, "successes": 1}}
        self.record = Record(app, "w1", "r1", "systemd", [f"{UNIT}.socket", f"{UNIT}.service"], "", Marks())
        self.records = Records(app)
        for name in ("r1", "r2"):
            Path(places["releases"], name).mkdir(parents=True)
            made = {"id": name, "venv": "v1", "python": "3.13", "status": "built", "source": {"version": "main", "revision": name * 20}}
            self.records.put(
                "releases", {**made, "created": f"2026-01-0{name[1]}T00:00:00", "served": {"at": f"2026-02-0{name[1]}T03:04:05", "by": "ada@laptop"}}
            )
        self.records.note("r2", withdrawn={"at": "2026-03-01T00:00:00", "by": "bob@web1"}, release_command={"command": "flask db upgrade"})
        wished.remember(app, self.records.facts(self.records.get("releases", "r1") or {}), "r2")
        (folder / "run").mkdir()
        (folder / "run" / "current.sock").symlink_to("0123456789.sock")
        self.socket = str(folder / "run" / "0123456789.sock")
        self.answers = 200
        self.states = {
            f"{UNIT}.socket": {"ActiveState": "active", "SubState": "running", "MemoryCurrent": "[not set]"},
            f"{UNIT}.service": {"ActiveState": "active", "SubState": "running", "NRestarts": "2", "MemoryCurrent": str(100 * 2**20)},
        }


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setattr(os, "fchown", lambda *dummy: None)
    monkeypatch.setattr(paths, "APPS", str(tmp_path / "apps"))
    host = Host(tmp_path)
    monkeypatch.setattr(status, "present", lambda: ["blog", "shop"])
    monkeypatch.setattr(status, "serving", lambda name: host.record if name == "shop" else None)
    monkeypatch.setattr(units, "states", lambda names, asked: {name: host.states.get(name, {}) for name in names})
    monkeypatch.setattr(MANAGERS["supervisor"], "states", staticmethod(lambda names: {}))
    monkeypatch.setattr(status, "_certificate", lambda name: 61 if name == "shop" else None)
    timers = {"flask-backup.timer": "2026-04-01T00:00:00", f"{UNIT}-tidy.timer": "2026-04-02T00:00:00"}
    monkeypatch.setattr(status, "_timers", lambda: timers)
    noted = {"run": {"time": "2026-03-02T00:00:00", "ok": True, "size": 1}, "verify": {"time": "2026-03-03T00:00:00", "ok": False, "error": "no"}}
    monkeypatch.setattr(status, "backup_status", lambda: json.dumps(noted))
    monkeypatch.setattr(status, "_DISKS", (str(tmp_path), "/nowhere"))

    class Shop(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(host.answers)
            self.end_headers()

        def log_message(self, *dummy: object) -> None:
            pass

    with socketserver.ThreadingUnixStreamServer(host.socket, Shop) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield host
        server.shutdown()


def well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave only the app that serves, and backups that succeeded."""
    monkeypatch.setattr(status, "present", lambda: ["shop"])
    monkeypatch.setattr(status, "backup_status", lambda: "{}")


def test_table_for_people(host: Host, tmp_path: Path) -> None:
    *said, disk = status.lines(status.collect())
    assert said == [
        "blog: NOT EVERYTHING RUNS",
        "  nothing serves, or an earlier version of Flaskyard started it; run site or deploy",
        "shop",
        "  release r1 (main, r1r1r1r1r1r1), since 2026-02-01 03:04 UTC by ada@laptop",
        "  release r2 (main, r2r2r2r2r2r2) is declared, and was withdrawn 2026-03-01 00:00 UTC by bob@web1",
        "  slot 0123456789, under systemd",
        "  health check: status 200",
        f"  {UNIT}.socket running",
        f"  {UNIT}.service running, 2 restarts, 100 MB",
        "  certificate good for 61 days",
        f"  next {UNIT}-tidy.timer 2026-04-02 00:00 UTC",
        "  backup 2026-03-02 00:00 UTC, proven FAILED 2026-03-03 00:00 UTC",
        "next flask-backup.timer 2026-04-01 00:00 UTC",
    ]
    assert disk.startswith(f"disk of {tmp_path}: ")


@pytest.mark.parametrize(("saved", "line"), [(["shop", "blog"], "  backup 2026-03-02 00:00 UTC, proven never"), (["blog"], "  backup never, proven never")])
def test_backup_older_than_the_app_does_not_count(host: Host, monkeypatch: pytest.MonkeyPatch, saved: list[str], line: str) -> None:
    monkeypatch.setattr(status, "backup_status", lambda: json.dumps({"run": {"time": "2026-03-02T00:00:00", "ok": True, "apps": saved}}))
    assert line in list(status.lines(status.collect()))


def test_json_for_programs(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert status.run(argparse.Namespace(json=True)) == 3, "nothing serves of the blog"
    found = json.loads(capsys.readouterr().out)
    shop = found["apps"]["shop"]
    assert shop["runs"] and shop["release"]["by"] == "ada@laptop" and shop["withdrawn"]["id"] == "r2"
    assert shop["parts"][f"{UNIT}.service"] == {"state": "running", "runs": True, "restarts": 2, "memory_mb": 100}
    assert (shop["saved"]["ok"], shop["proven"]["ok"], shop["certificate_days_left"]) == (True, False, 61)


def test_restarting_part_does_not_count_as_running(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    well(monkeypatch)
    assert status.run(argparse.Namespace(json=False)) == 0
    host.states[f"{UNIT}.service"] = {"ActiveState": "activating", "SubState": "auto-restart"}
    assert status.run(argparse.Namespace(json=False)) == 3
    del host.states[f"{UNIT}.service"]
    assert status.collect()["apps"]["shop"]["parts"][f"{UNIT}.service"] == {"state": "not there", "runs": False}


def test_running_app_that_is_not_healthy_is_reported(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    well(monkeypatch)
    host.answers = 500
    assert status.run(argparse.Namespace(json=False)) == 3
    assert {"shop: NOT HEALTHY", "  health check: status 500"} <= {*status.lines(status.collect())}


@pytest.mark.parametrize(("failed", "code"), [("run", 3), ("verify", 3), ("restore", 0)])
def test_failed_backup_gives_the_same_exit_status(host: Host, monkeypatch: pytest.MonkeyPatch, failed: str, code: int) -> None:
    well(monkeypatch)
    monkeypatch.setattr(status, "backup_status", lambda: json.dumps({failed: {"time": "2026-03-02T00:00:00", "ok": False, "error": "no"}}))
    assert status.run(argparse.Namespace(json=False)) == code


def test_failed_schedule_is_reported(host: Host) -> None:
    timer, run = f"{UNIT}-schedule.tidy.timer", f"{UNIT}-schedule.tidy.service"
    host.record.names.append(timer)
    host.states |= {timer: {"ActiveState": "active", "SubState": "waiting"}, run: {"ActiveState": "inactive", "SubState": "dead"}}
    assert status.collect()["apps"]["shop"]["runs"]
    host.states[run] = {"ActiveState": "failed", "SubState": "failed"}
    found = status.collect()
    assert not found["apps"]["shop"]["runs"] and f"  {run} failed" in list(status.lines(found))


def test_programs_of_supervisor_are_listed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = f"{UNIT}-process.worker.1"
    host.record.manager, host.record.names = "supervisor", [UNIT, worker]
    states = {UNIT: {"state": "RUNNING", "restarts": "0"}, worker: {"state": "BACKOFF", "restarts": "3"}}
    monkeypatch.setattr(MANAGERS["supervisor"], "states", staticmethod(lambda names: {name: states[name] for name in names}))
    found = status.collect()
    running, failing = {"state": "running", "runs": True, "restarts": 0}, {"state": "backoff", "runs": False, "restarts": 3}
    assert found["apps"]["shop"]["parts"] == {UNIT: running, worker: failing} and not found["apps"]["shop"]["runs"]
    assert f"  {worker} backoff, 3 restarts" in list(status.lines(found))


def test_host_without_apps(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "present", list)
    monkeypatch.setattr(status, "backup_status", lambda: "{}")
    assert [line for line in status.lines(status.collect()) if not line.startswith("disk")] == [
        "no apps",
        "next flask-backup.timer 2026-04-01 00:00 UTC",
        "no backup yet",
    ]


def test_releases_are_listed_with_their_outcome(host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(releases, "slot_that_serves", lambda name: host.record)
    Path(host.records.tree("releases", "r3")).mkdir()
    host.records.put("releases", {"id": "r3", "status": "bad", "created": "2026-01-03T00:00:00"})
    assert releases.run(argparse.Namespace(app="shop")) == 0
    assert capsys.readouterr().out.splitlines() == [
        "r3  built 2026-01-03 00:00 UTC  did not pass its gate",
        "r2 (main, r2r2r2r2r2r2)  built 2026-01-02 00:00 UTC  served from 2026-02-02 03:04 UTC by ada@laptop, "
        "withdrawn 2026-03-01 00:00 UTC by bob@web1, ran: flask db upgrade",
        "r1 (main, r1r1r1r1r1r1)  built 2026-01-01 00:00 UTC  serves since 2026-02-01 03:04 UTC by ada@laptop",
    ]
