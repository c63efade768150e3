# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command as an app runs: with its account, environment, sandbox and folder. If you are on a terminal, the command gets it."""

from __future__ import annotations

import argparse
import os
import sys

from .._host.errors import HostError
from .._slots.once import command_line


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("app", metavar="APP", help="name of the app")
    parser.add_argument("command", metavar="-- COMMAND", nargs=argparse.REMAINDER, help="the command with its arguments, after --")


def run(given: argparse.Namespace) -> int:
    """Replace this process by the command.

    :raises HostError: if there is no command, or no such app.
    """
    words = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not words:
        raise HostError("no command is given; write it after --, such as: flaskyard run shop -- flask routes")
    command = command_line(given.app, words, terminal=sys.stdin.isatty() and sys.stdout.isatty())
    os.execvp(command[0], command)
