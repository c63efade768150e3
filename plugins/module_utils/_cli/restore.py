# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the data of an app back as a backup has it, and start it with that; if it does not answer then, all is as it was."""

from __future__ import annotations

import argparse

from . import backup


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("app", metavar="APP", help="name of the app")
    parser.add_argument(
        "snapshot", metavar="SNAPSHOT", nargs="?", default="latest", help="id of the snapshot, as flask-backup snapshots lists it; the newest unless given"
    )
    parser.add_argument("--secret-key", action="store_true", help="take the SECRET_KEY of the snapshot, too")


def run(given: argparse.Namespace) -> int:
    """Become flask-backup."""
    backup.become("restore", given.app, given.snapshot, *(["--secret-key"] if given.secret_key else []))
