# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run programs as an app's account, such as the agent."""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import contextlib
import os
import pwd
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .model import BackupError

LIMIT_SECONDS = 4 * 3600
AGENT = Path(__file__).with_name("agent.py")


def account_of(user: str) -> pwd.struct_passwd:
    """The account with a name.

    :raises BackupError: if there is none.
    """
    try:
        return pwd.getpwnam(user)
    except KeyError as error:
        raise BackupError(f"there is no account {user!r} on this host; run the role that makes it, or correct the user") from error


def as_account(user: str) -> dict[str, Any]:
    """Arguments for subprocess that run a program as an account, with its groups and without root's environment."""
    account = account_of(user)
    groups = os.getgrouplist(user, account.pw_gid)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": account.pw_dir, "USER": user, "LOGNAME": user}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": groups, "env": environment}


@contextlib.contextmanager
def agent(user: str, verb: str, directory: str | Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run the agent as an account in a directory. There is a time limit, because an app can block what runs as its account."""
    argv = [sys.executable, "-IB", str(AGENT), verb]
    with subprocess.Popen(argv, cwd=directory, stderr=subprocess.PIPE, **options, **as_account(user)) as process:
        guard = threading.Timer(LIMIT_SECONDS, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def finished(process: subprocess.Popen[bytes]) -> str:
    """Wait for a process and return its error output.

    :raises BackupError: if it failed.
    """
    _output, errors = process.communicate()
    words = "; ".join((errors or b"").decode("utf-8", "replace").strip().splitlines()[-6:])
    if process.returncode:
        raise BackupError(words or f"ended with {process.returncode}")
    return words
