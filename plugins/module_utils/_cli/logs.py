# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show what an app prints, and what its server logs."""

from __future__ import annotations

import argparse
import os

from .._slots.recalled import slot_that_serves


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("app", metavar="APP", help="name of the app")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    parser.add_argument("-n", "--lines", metavar="N", type=int, default=100, help="how many of the last lines; 100 unless given")


def run(given: argparse.Namespace) -> int:
    """Become journalctl."""
    unit = slot_that_serves(given.app).app["unit"]
    command = ["journalctl", "--no-hostname", f"--identifier={unit}", f"--lines={given.lines}", *(["--follow"] if given.follow else ["--no-pager"])]
    os.execvp(command[0], command)
