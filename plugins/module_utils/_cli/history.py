# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show who changed apps, when, to what, and how it ended: the deploy log."""

from __future__ import annotations

import argparse
import collections
import typing as t

from .._host.program import say
from .._releases.deploy_log import entries
from .._releases.records import describe
from .releases import moment


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("app", metavar="APP", nargs="?", default="", help="name of the app; all apps unless given")
    parser.add_argument("-n", "--lines", metavar="N", type=int, default=20, help="how many of the last changes; 20 unless given")


def run(given: argparse.Namespace) -> int:
    """Print a line for each, the oldest first."""
    for entry in collections.deque(entries(given.app), maxlen=max(given.lines, 0)):
        say(line(entry))
    return 0


def line(entry: dict[str, t.Any]) -> str:
    """A change in words."""
    release = f" {describe({**entry, 'id': entry['release']})}" if entry["release"] else ""
    ended = f": {entry['reason']}" if entry.get("reason") else ""
    return f"{moment(entry['at'])}  {entry['app']}  {entry['action']}{release} by {entry['by']}  {entry['outcome']}{ended}"
