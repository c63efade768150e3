# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify the newest snapshot."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from .._host.program import say
from .accounts import agent, finished
from .dumps import prove_dumps
from .model import OPTIONAL_PATHS, STATE, BackupError, Config, Problems, below, digest, inside
from .mounts import ask_for_guard
from .repository import Restic


def verify(config: Config) -> dict[str, Any]:
    """Read the repository back, restore the newest snapshot, and compare it with the host.

    :returns: the entry for ``status.json``.
    :raises BackupError: with everything that is wrong.
    """
    ask_for_guard(config)
    restic = Restic(config)
    restic.run("unlock")
    week = datetime.date.today().isocalendar().week
    restic.run("check", f"--read-data-subset={week % config.verify_parts + 1}/{config.verify_parts}")
    snapshot = restic.newest()
    root = STATE / "scratch"
    problems = Problems()
    try:
        restic.restore(str(snapshot["id"]), root)
        prove_dumps(config, root, problems)
        compared = sum(compare(path, user, root, problems) for path, user in compared_paths(config))
    finally:
        shutil.rmtree(root)
    if problems:
        raise BackupError(f"snapshot {snapshot['id'][:8]} is not what was saved:\n{problems}")
    say(f"snapshot {snapshot['id'][:8]} of {snapshot['time'][:19]} restores: {compared} files are the same as here, all dumps are sound")
    return {"snapshot": snapshot["id"], "snapshot_time": snapshot["time"], "files_compared": compared}


def compared_paths(config: Config) -> Iterator[tuple[str, str]]:
    """The directories to compare, each with the account that reads it."""
    yield from ((app.state, app.user) for app in config.apps if os.path.isdir(app.state))
    yield from ((path, "root") for path in (*OPTIONAL_PATHS, *config.paths) if os.path.isdir(path))


def compare(path: str, user: str, root: Path, problems: Problems) -> int:
    """Compare a directory with its restored copy.

    A file whose size or time has changed since the backup is not compared. All others must have the same content.

    :param problems: collects what differs.
    :returns: the number of equal files.
    """
    same = 0
    with problems.collecting(path), agent(user, "list", path, stdout=subprocess.PIPE) as process:
        for line in cast(IO[bytes], process.stdout):
            relative, size, changed_ns, expected = json.loads(line)
            copy = inside(below(root, path), relative)
            with contextlib.suppress(FileNotFoundError):
                status = os.lstat(copy)
                # SQLite writes its -shm file through memory, so its time does not change.
                if (status.st_size, status.st_mtime_ns) != (size, changed_ns) or not copy.is_file() or relative.endswith("-shm"):
                    continue
                if digest(copy) == expected:
                    same += 1
                else:
                    problems.add(f"{os.path.join(path, relative)!r} was restored with another content")
        finished(process)
    return same
