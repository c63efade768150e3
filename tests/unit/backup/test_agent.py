# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the backup that runs as the account of an app."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._backup import agent


def run_agent(verb: str, directory: Path, **options: t.Any) -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-IB", agent.__file__, verb]
    return subprocess.run(argv, cwd=directory, capture_output=True, check=False, **options)


def database(path: Path, rows: int = 1, wal: bool = False) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    if wal:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE t (n INTEGER)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO t VALUES (?)", ((n,) for n in range(rows)))
    connection.execute("COMMIT")
    return connection


def rows(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def members(stream: bytes, target: Path) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(stream)) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Debian 12's Python has none
        archive.extractall(target)
        return set(archive.getnames())


@pytest.mark.parametrize("name", ["shop.sqlite3", "instance/a?b#c%20d%.db", "new\nline.db"])
def test_copy_of_a_database_in_use_includes_its_log(tmp_path: Path, name: str) -> None:
    state, target = tmp_path / "state", tmp_path / "target"
    with contextlib.closing(database(state / name, rows=300, wal=True)):
        assert (state / f"{name}-wal").stat().st_size > 0
        done = run_agent("dump", state)
    assert (done.returncode, done.stderr.strip()) == (0, b"")
    assert members(done.stdout, target) == {name}
    assert rows(target / name) == 300


def test_planted_files_do_no_harm(tmp_path: Path) -> None:
    state, outside = tmp_path / "state", tmp_path / "outside"
    database(outside / "secret.db").close()
    database(state / "good.db").close()
    (state / "link.db").symlink_to(outside / "secret.db")
    (state / "folder").symlink_to(outside)
    os.mkfifo(state / "pipe.db")
    (state / "broken.db").write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)
    done = run_agent("dump", state, timeout=30)
    assert done.returncode == 0
    assert b"broken.db" in done.stderr
    assert members(done.stdout, tmp_path / "target") == {"good.db"}
    listed = {json.loads(line)[0] for line in run_agent("list", state, timeout=30).stdout.splitlines()}
    assert listed == {"good.db", "broken.db"}


def test_database_that_stays_locked_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(database(tmp_path / "a.db")) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(agent, "WAIT_SECONDS", 0.1)
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
        assert agent.dump() == 1


def test_check_tells_a_sound_database_from_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    database(path, rows=5000).close()
    content = bytearray(path.read_bytes())
    assert run_agent("check", tmp_path, input=bytes(content)).returncode == 0
    content[8192:12288] = bytes(4096)
    assert run_agent("check", tmp_path, input=bytes(content)).returncode == 1


def test_write_replaces_the_database_and_drops_its_old_log(tmp_path: Path) -> None:
    source, state = tmp_path / "source", tmp_path / "state"
    database(source / "instance/a.db", rows=7).close()
    stream = run_agent("dump", source).stdout
    old = database(state / "instance/a.db", rows=300, wal=True)
    done = run_agent("write", state, input=stream)
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(os.listdir(state / "instance")) == ["a.db"]
    assert rows(state / "instance/a.db") == 7
    old.close()


def test_write_leaves_a_file_named_like_its_own_alone(tmp_path: Path) -> None:
    source, state = tmp_path / "source", tmp_path / "state"
    database(source / "a.db", rows=7).close()
    state.mkdir()
    (state / "a.db.restored").write_text("of the app")
    done = run_agent("write", state, input=run_agent("dump", source).stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(os.listdir(state)) == ["a.db", "a.db.restored"]
    assert (state / "a.db.restored").read_text() == "of the app"


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another account, which only root may")
def test_write_needs_no_path_to_its_directory(tmp_path: Path) -> None:
    """Root restores below a directory that the account cannot enter."""
    source, state = tmp_path / "source", tmp_path / "state"
    database(source / "instance/a.db", rows=7).close()
    stream = run_agent("dump", source).stdout
    (state / "instance").mkdir(parents=True)
    for path in (state, state / "instance"):
        shutil.chown(path, "nobody")
    tmp_path.chmod(0o700)
    argv = ["/usr/bin/python3", "-IB", "-c", Path(agent.__file__).read_text(), "write"]
    done = subprocess.run(argv, cwd=state, capture_output=True, check=False, input=stream, user="nobody")
    assert (done.returncode, done.stderr) == (0, b"")
    assert rows(state / "instance/a.db") == 7
