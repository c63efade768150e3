# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart an app without a failed request: a new slot of the same release starts, passes the gate, and takes over."""

from __future__ import annotations

import argparse

from .._host.program import say
from .._slots import restart


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("app", metavar="APP", help="name of the app")


def run(given: argparse.Namespace) -> int:
    """Run the verb, and print what serves."""
    say(f"{given.app}: slot {restart.restart(given.app)} serves")
    return 0
