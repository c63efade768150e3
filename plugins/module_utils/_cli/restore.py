# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore the data of an app from a backup, and start the app with it. If the app then does not answer, everything is put back as it was."""

from __future__ import annotations

import argparse

from . import backup


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("app", metavar="APP", help="name of the app")
    parser.add_argument(
        "snapshot", metavar="SNAPSHOT", nargs="?", default="latest", help="id of the snapshot, as flask-backup snapshots lists it; the newest by default"
    )
    parser.add_argument("--secret-key", action="store_true", help="also restore the SECRET_KEY of the snapshot")


def run(given: argparse.Namespace) -> int:
    """Replace this process by flask-backup."""
    backup.become("restore", given.app, given.snapshot, *(["--secret-key"] if given.secret_key else []))
