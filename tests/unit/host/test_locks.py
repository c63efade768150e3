# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time, with a short wait for a run that is about to end."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._host import actor, locks


def test_second_run_waits_for_the_first(tmp_path: Path) -> None:
    path, order = str(tmp_path / "folder" / "lock"), []
    held = threading.Event()

    def first() -> None:
        with locks.locked(path):
            held.set()
            threading.Event().wait(0.5)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    held.wait()
    with locks.locked(path):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_new_lock_folders_are_private(tmp_path: Path) -> None:
    with locks.locked(str(tmp_path / "one" / "two" / "lock")):
        assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("one", "one/two")] == [0o700, 0o700]


def test_lock_wait_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.3)
    path = str(tmp_path / "lock")
    with locks.locked(path), pytest.raises(locks.Busy, match="wait until it ends, then run again"), locks.locked(path):
        pass


def test_busy_lock_names_its_holder_and_its_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(actor, "_present", actor.Actor("ada@laptop", "deploy"))
    path = tmp_path / "lock"
    path.write_text('{"by": "somebody before, whose name was much longer than this one", "since": 0}')
    with locks.locked(str(path)):
        with pytest.raises(locks.Busy, match=rf"for [01] s, the deploy of ada@laptop \(process {os.getpid()}\); wait until it ends"), locks.locked(str(path)):
            pass
        path.write_text(json.dumps({**json.loads(path.read_text()), "since": time.time() - 300}))
        with pytest.raises(locks.Busy, match="for 5 min, the deploy of ada@laptop"), locks.locked(str(path)):
            pass


@pytest.mark.parametrize("text", ["", "half a li", "[]", '{"pid": 1}'])
def test_lock_of_an_earlier_version_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.1)
    path = tmp_path / "lock"
    with locks.locked(str(path)):
        path.write_text(text)
        with pytest.raises(locks.Busy, match="another run is at work here, for 0 s and more; wait until it ends"), locks.locked(str(path)):
            pass
