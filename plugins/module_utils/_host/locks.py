# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks between runs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import typing as t

from .actor import actor
from .errors import HostError

#: How long to wait for another run. After a controller is killed, its module keeps running, and most end within this time.
PATIENCE_SECONDS = 20.0
_INTERVAL_SECONDS = 0.2


class Busy(HostError):
    """Another run holds the lock."""


@contextlib.contextmanager
def locked(path: str) -> t.Iterator[None]:
    """Hold the lock file ``path``, which says who holds it. Missing folders above it are made for root alone.

    :raises Busy: if another process holds it for longer than ``PATIENCE_SECONDS``.
    """
    _make_private(os.path.dirname(path))
    end = time.monotonic() + PATIENCE_SECONDS
    with open(path, "a+", encoding="utf-8") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    handle.seek(0)
                    raise Busy(f"another run is at work here{_owner(handle.read())}; wait until it ends, then run again") from None
                time.sleep(_INTERVAL_SECONDS)
        handle.truncate(0)
        handle.write(json.dumps({"action": actor().action, "by": actor().by, "pid": os.getpid(), "since": time.time()}))
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)


def _owner(text: str) -> str:
    """Who holds a lock, and for how long. Locks of earlier versions do not say who."""
    try:
        owner = json.loads(text)
        age = time.time() - owner["since"]
        return f", for {_age(age)}, the {owner['action']} of {owner['by']} (process {owner['pid']})"
    except (ValueError, KeyError, TypeError):
        return f", for {PATIENCE_SECONDS:.0f} s and more"


def _age(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _make_private(folder: str) -> None:
    """Make a folder and the missing ones above it. os.makedirs would give the mode only to the last."""
    if not os.path.isdir(folder):
        _make_private(os.path.dirname(folder))
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
