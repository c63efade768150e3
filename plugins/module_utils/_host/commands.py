# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the host's tools, with errors that say what failed."""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import os
import shlex
import subprocess

from .errors import HostError


class CommandError(HostError):
    """A command could not run, or failed."""


def run(command: str | list[str], timeout: float = 120, check: bool = True, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command without a shell and keep its output.

    :param command: a list of arguments, or a string that is split as a shell would.
    :param timeout: seconds.
    :param check: whether to raise an error if it fails.
    :raises CommandError: with the command and the end of its output.
    """
    argv = shlex.split(command) if isinstance(command, str) else command
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
    try:
        done = subprocess.run(  # type: ignore[call-overload]
            argv, capture_output=True, check=False, text=True, errors="replace", timeout=timeout, env=environment, stdin=subprocess.DEVNULL, **options
        )
    except FileNotFoundError as error:
        raise CommandError(f"{argv[0]} is not installed on the host") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{shlex.join(argv)} did not end within {timeout:.0f} s") from error
    if check and done.returncode != 0:
        raise CommandError(f"{shlex.join(argv)} ended with {done.returncode}:\n{tail(done.stdout + done.stderr)}")
    return done


def tail(text: str, lines: int = 30) -> str:
    """The last lines of an output."""
    return "\n".join(text.strip().splitlines()[-lines:])
