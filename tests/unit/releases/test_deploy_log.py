# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deploy log: one complete line per change, and a bounded size."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._host import actor, paths
from ansible_collections.flaskyard.server.plugins.module_utils._host.errors import HostError
from ansible_collections.flaskyard.server.plugins.module_utils._releases import deploy_log
from ansible_collections.flaskyard.server.plugins.module_utils._releases.deploy_log import entries, logged
from ansible_collections.flaskyard.server.plugins.module_utils._releases.records import Records


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    """The records of an app with the release r1; the log is in a folder."""
    monkeypatch.setattr(os, "fchown", lambda *dummy: None)
    monkeypatch.setattr(deploy_log, "assert_trusted_parents", lambda path: None)
    monkeypatch.setattr(actor, "_present", actor.Actor("ada@laptop", "deploy"))
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"deploy_log": str(tmp_path / "log" / "deploys.jsonl")}))
    monkeypatch.setattr(paths, "SETTINGS", str(settings))
    made = Records({"name": "shop", "paths": {kind: str(tmp_path / kind) for kind in ("releases", "venvs")}}, str(tmp_path / "apps"))
    Path(tmp_path, "releases", "r1").mkdir(parents=True)
    ran = {"command": "flask db upgrade", "at": "2026-01-02T03:04:05", "by": "ada@laptop"}
    made.put("releases", {"id": "r1", "status": "built", "source": {"version": "main", "revision": "abc"}, "release_command": ran})
    return made


def test_success_is_logged(records: Records) -> None:
    with logged("deploy", records, "r1"):
        pass
    [line] = entries("shop")
    assert line.pop("seconds") >= 0 and line.pop("at").startswith("20")
    assert line.pop("release_command")["command"] == "flask db upgrade"
    assert line == {
        **{"app": "shop", "action": "deploy", "by": "ada@laptop", "release": "r1", "outcome": "ok"},
        "source": {"version": "main", "revision": "abc"},
    }
    assert stat.S_IMODE(os.stat(deploy_log.place()).st_mode) == 0o600
    assert entries("blog") == [] and len(entries()) == 1


def test_failure_is_logged_with_its_first_line(records: Records) -> None:
    with pytest.raises(HostError, match="it did not start"), logged("deploy", records):
        raise HostError("it did not start\nand here is its journal")
    [line] = entries()
    assert (line["outcome"], line["reason"], line["release"]) == ("failed", "it did not start", None)


def test_preparation_is_not_logged_as_a_change(records: Records) -> None:
    with logged("deploy", records, failure_only=True):
        pass
    assert entries() == []


def test_unwritable_log_hides_no_failure(records: Records, tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    with pytest.raises(HostError, match="^it did not start$"), logged("deploy", records):
        raise HostError("it did not start")
    with pytest.raises(HostError, match="the deploy is done, and the deploy log cannot be written"), logged("deploy", records):
        pass


def test_damaged_line_does_not_hide_others(records: Records) -> None:
    with logged("deploy", records, "r1"):
        pass
    with open(deploy_log.place(), "a", encoding="ascii") as handle:
        handle.write('{"at": \n')
    with logged("restart", records, "r1"):
        pass
    assert [line["action"] for line in entries()] == ["deploy", "restart"]


def test_log_is_rotated_at_its_limit(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy_log, "_BOUND_BYTES", 1000)
    for number in range(20):
        with logged(f"deploy-{number}", records, "r1"):
            pass
    found = [line["action"] for line in entries()]
    assert found == [f"deploy-{number}" for number in range(20 - len(found), 20)] and 3 < len(found) < 8
    assert sorted(os.listdir(os.path.dirname(deploy_log.place()))) == ["deploys.jsonl", "deploys.jsonl.1"]


def _write(records: Records, count: int) -> None:
    for dummy in range(count):
        with logged("deploy", records, "r1"):
            pass


def test_processes_that_write_at_once_lose_no_line(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    # Moved aside once, in the midst of it.
    monkeypatch.setattr(deploy_log, "_BOUND_BYTES", 300 * 60)
    context: t.Any = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write, args=(records, 25)) for dummy in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(entries()) == 100 and os.path.exists(f"{deploy_log.place()}.1")
