# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until no connection is in the queue of a slot that is about to stop."""

from __future__ import annotations

import time

from .._host.commands import run

#: Stopping a slot right after the switch resets the connections in its queue: 39 to 370 of 2,600 requests failed. With 0.2 s none failed.
_QUIET_SECONDS = 0.5
_INTERVAL_SECONDS = 0.05


def drain(socket: str, seconds: float) -> None:
    """Wait until no connection waits to be accepted at a socket, and half a second more.

    :param seconds: the longest time to wait.
    """
    end = time.monotonic() + seconds
    quiet_since = time.monotonic()
    while time.monotonic() < min(end, quiet_since + _QUIET_SECONDS):
        if _waiting(socket):
            quiet_since = time.monotonic()
        time.sleep(_INTERVAL_SECONDS)


def _waiting(socket: str) -> int:
    output = run(["ss", "--no-header", "--listening", "--unix", "src", socket]).stdout
    return sum(int(line.split()[2]) for line in output.splitlines())
