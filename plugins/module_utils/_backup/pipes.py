# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep restic from waiting at a named pipe that an app has put in the place of a file.

restic first looks at a path and then opens it. If an app replaces the file by a pipe in between, the thread waits until somebody writes, and so does
the backup of all apps. As soon as the pipe is open, restic skips it.
"""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import contextlib
import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence

from .accounts import as_account
from .model import App

_SECONDS = 2
#: After so many rounds without a byte read, a thread may be waiting.
_STILL = 5
_OPEN = ["-type", "p", "-exec", "sh", "-c", 'for pipe; do : <>"$pipe"; done', "-", "{}", "+"]

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def kept_moving(process: subprocess.Popen[str], apps: Sequence[App]) -> Iterator[None]:
    """While the context lasts, keep threads of a process from waiting for long at a pipe in an app's state."""
    ended = threading.Event()
    helper = threading.Thread(target=_keep_moving, args=(process.pid, apps, ended))
    helper.start()
    try:
        yield
    finally:
        ended.set()
        helper.join()


def _keep_moving(process: int, apps: Sequence[App], ended: threading.Event) -> None:
    read, still = 0, 0
    while not ended.wait(_SECONDS):
        with contextlib.suppress(OSError):  # the process may be ending
            # An interrupted open starts again from the path, where there may be a file or nothing now. Go's scheduler sends this signal all the time.
            for thread in os.listdir(f"/proc/{process}/task"):
                _libc.tgkill(process, int(thread), signal.SIGURG)
            before, read = read, _bytes_read(process)
            still = still + 1 if read == before else 0
            if still >= _STILL:
                still = 0
                for app in apps:
                    open_pipes(app.state, app.user)


def open_pipes(directory: str, user: str) -> None:
    """Open every named pipe of an app for a moment, as the app's account, so that threads that wait there go on."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(["find", "-P", directory, *_OPEN], capture_output=True, check=False, timeout=60, **as_account(user))


def _bytes_read(process: int) -> int:
    with open(f"/proc/{process}/io", encoding="ascii") as counters:
        return int(next(line for line in counters if line.startswith("rchar:")).split()[1])
