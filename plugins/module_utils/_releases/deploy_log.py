# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deploy log: one line of JSON for each change of an app, successful or not, by whoever made it.

Lines are only appended. A file that reaches its size limit is renamed, and replaces the one that was renamed before.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import typing as t

from .._host import paths
from .._host.actor import actor, now
from .._host.errors import HostError
from .._host.path_state import assert_trusted_parents, read_json
from .records import Records

#: Enough for some 50,000 changes.
_BOUND_BYTES = 16 * 2**20


@contextlib.contextmanager
def logged(action: str, records: Records, release: str = "", failure_only: bool = False, **more: str) -> t.Iterator[None]:
    """Log how a change of an app ended.

    :param records: of the app.
    :param release: id of the release that the app gets, if that is known.
    :param failure_only: log nothing if it succeeds, for example when a release is only prepared.
    :param more: further keys of the entry.
    :raises HostError: if the change succeeded, and the log cannot be written.
    """
    begin = time.monotonic()
    line: dict[str, t.Any] = {"at": now(), "app": records.name, "action": action, "by": actor().by, "release": release or None, **more}

    def end(**outcome: t.Any) -> None:
        record = (records.get("releases", release) if release else None) or {}
        source = record.get("source") or {}
        line["source"] = {key: source.get(key) for key in ("version", "revision")}
        if action == "deploy" and (command := record.get("release_command")):
            line["release_command"] = command
        _append({**line, **outcome, "seconds": round(time.monotonic() - begin, 2)})

    try:
        yield
    except (HostError, OSError) as error:
        # The first error is the one to report.
        with contextlib.suppress(HostError, OSError):
            end(outcome="failed", reason=(str(error).splitlines() or [type(error).__name__])[0])
        raise
    try:
        if not failure_only:
            end(outcome="ok")
    except (HostError, OSError) as error:
        raise HostError(f"the {action} is done, and the deploy log cannot be written: {error}") from error


def place() -> str:
    """The path of the log."""
    return str((read_json(paths.SETTINGS) or {}).get("deploy_log") or paths.DEPLOY_LOG)


def entries(app: str = "") -> list[dict[str, t.Any]]:
    """The entries of the log for one app or for all, the oldest first."""
    found = []
    for path in (f"{place()}.1", place()):
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as handle:
            for text in handle:
                # A full disk may have left half a line.
                with contextlib.suppress(ValueError):
                    found.append(json.loads(text))
    return [entry for entry in found if app in ("", entry.get("app"))]


def _append(line: dict[str, t.Any]) -> None:
    path = place()
    assert_trusted_parents(path)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    text = (json.dumps(line) + "\n").encode()
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_size + len(text) <= _BOUND_BYTES or not os.fstat(descriptor).st_size:
                os.write(descriptor, text)
                return
            # Another process may have renamed it since it was opened.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                    os.rename(path, f"{path}.1")
        finally:
            os.close(descriptor)
