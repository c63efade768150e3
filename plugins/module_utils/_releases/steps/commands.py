# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a tool, and keep the end of its output if it fails."""

from __future__ import annotations

# pylint: disable=ansible-bad-function  # run_command has no limits, pipes or accounts, and programs cannot use it
import os
import shlex
import subprocess
import typing as t
from pathlib import Path

#: Lines of a failed command's output that are kept.
OUTPUT_LINES = 25


class StepError(Exception):
    """A step failed. ``output`` is the end of the failing command's output, and ``printed`` all of it."""

    def __init__(self, message: str, output: str = "", printed: str = "") -> None:
        super().__init__(message)
        self.output, self.printed = output, printed


def run(
    command: list[str],
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
    before: t.Callable[[], None] | None = None,
    name: str | None = None,
    check: bool = True,
) -> str:
    """Run a command and return its output.

    :param before: runs first in the new process.
    :param name: the name of the command in messages, if its text may hold secrets.
    :raises StepError: if it fails.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        preexec_fn=before,
    )
    if check and done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-OUTPUT_LINES:])
        ending = f"was killed by signal {-done.returncode}" if done.returncode < 0 else f"ended with {done.returncode}"
        raise StepError(f"{name or shlex.join(command)} {ending}", tail, done.stdout)
    return done.stdout
