# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the output of an app and the log of its server."""

from __future__ import annotations

import argparse
import os

from .._slots.parts import with_runs
from .._slots.recalled import slot_that_serves


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("app", metavar="APP", help="name of the app")
    parser.add_argument("-f", "--follow", action="store_true", help="follow new lines")
    parser.add_argument("-n", "--lines", metavar="N", type=int, default=100, help="number of lines to show; 100 by default")


def run(given: argparse.Namespace) -> int:
    """Replace this process by journalctl."""
    record = slot_that_serves(given.app)
    # What systemd says of a unit, such as how it ended, does not have the identifier of the app.
    of_systemd = [word for name in with_runs(record.names) for word in ("+", f"UNIT={name}")]
    command = ["journalctl", "--no-hostname", f"--lines={given.lines}", *(["--follow"] if given.follow else ["--no-pager"])]
    os.execvp(command[0], [*command, f"SYSLOG_IDENTIFIER={record.app['unit']}", *of_systemd])
