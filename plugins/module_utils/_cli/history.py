# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the deploy log: who changed apps, when, to which release, and whether it succeeded."""

from __future__ import annotations

import argparse
import collections
import typing as t

from .._host.program import say
from .._releases.deploy_log import entries
from .._releases.records import describe
from .releases import moment


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("app", metavar="APP", nargs="?", default="", help="name of the app; all apps by default")
    parser.add_argument("-n", "--lines", metavar="N", type=int, default=20, help="number of changes to show; 20 by default")


def run(given: argparse.Namespace) -> int:
    """Print a line for each change, the oldest first."""
    for entry in collections.deque(entries(given.app), maxlen=max(given.lines, 0)):
        say(line(entry))
    return 0


def line(entry: dict[str, t.Any]) -> str:
    """A change in words."""
    release = f" {describe({**entry, 'id': entry['release']})}" if entry["release"] else ""
    snapshot = f" of snapshot {entry['snapshot'][:8]}" if entry.get("snapshot") else ""
    ended = f": {entry['reason']}" if entry.get("reason") else ""
    return f"{moment(entry['at'])}  {entry['app']}  {entry['action']}{snapshot}{release} by {entry['by']}  {entry['outcome']}{ended}"
