# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep restic from waiting at a named pipe that an app has put in the place of a file.

restic opens what was a file when it looked. If it is a pipe by then, the thread waits until somebody writes, and the backup of all apps with it.
restic passes over the pipe as soon as it is open.
"""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command knows no limits, no pipes and no accounts, and programs have none
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
#: Rounds without a byte read after which somebody may be waiting.
_STILL = 5
_OPEN = ["-type", "p", "-exec", "sh", "-c", 'for pipe; do : <>"$pipe"; done', "-", "{}", "+"]

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def kept_moving(process: subprocess.Popen[str], apps: Sequence[App]) -> Iterator[None]:
    """See to it, as long as the context lasts, that no thread of a process waits for long at a pipe in the state of an app."""
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
        with contextlib.suppress(OSError):  # it may be ending
            # An interrupted open starts again from the path, where there may be a file or nothing now. Go's own scheduler sends this signal all the time.
            for thread in os.listdir(f"/proc/{process}/task"):
                _libc.tgkill(process, int(thread), signal.SIGURG)
            before, read = read, _bytes_read(process)
            still = still + 1 if read == before else 0
            if still >= _STILL:
                still = 0
                for app in apps:
                    open_pipes(app.state, app.user)


def open_pipes(directory: str, user: str) -> None:
    """Open every named pipe of an app for a moment, as its own account: whoever waits there goes on."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(["find", "-P", directory, *_OPEN], capture_output=True, check=False, timeout=60, **as_account(user))


def _bytes_read(process: int) -> int:
    with open(f"/proc/{process}/io", encoding="ascii") as counters:
        return int(next(line for line in counters if line.startswith("rchar:")).split()[1])
