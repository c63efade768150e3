# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the releases of an app with their status, the newest first."""

from __future__ import annotations

import argparse
import typing as t

from .._host.program import say
from .._releases.records import Records, describe
from .._slots.recalled import slot_that_serves


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("app", metavar="APP", help="name of the app")


def run(given: argparse.Namespace) -> int:
    """Print a line for each release."""
    record = slot_that_serves(given.app)
    for release in Records(record.app).all("releases"):
        say(f"{describe(release)}  built {moment(release['created'])}  {fate(release, record.release)}")
    return 0


def fate(release: dict[str, t.Any], current: str) -> str:
    """The status of a release, in words."""
    served, withdrawn = release.get("served"), release.get("withdrawn")
    words = [f"{'serves since' if release['id'] == current else 'served from'} {moment(served['at'])}{by(served)}"] if served else []
    words += ["did not pass its gate"] if release["status"] == "bad" else []
    words += [f"withdrawn {moment(withdrawn['at'])}{by(withdrawn)}"] if withdrawn else []
    words += [f"ran: {release['release_command']['command']}"] if release.get("release_command") else []
    return ", ".join(words) or "never served"


def moment(at: str) -> str:
    """A time in a record, for people to read."""
    return f"{at[:16].replace('T', ' ')} UTC"


def by(note: dict[str, str]) -> str:
    """Who did it, if known."""
    return f" by {note['by']}" if note.get("by") else ""
