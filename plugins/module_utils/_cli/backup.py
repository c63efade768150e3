# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a backup now, and wait for it."""

from __future__ import annotations

import argparse
import os
import typing as t

from .._backup.model import CONFIG
from .._host.errors import HostError

#: The path where the role backup installs it.
_PROGRAM = "/usr/local/sbin/flask-backup"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments: none."""


def run(given: argparse.Namespace) -> int:
    """Replace this process by flask-backup."""
    become("run")


def become(*words: str) -> t.NoReturn:
    """Replace this process by the program of the role backup.

    :raises HostError: if it is not installed.
    """
    if not os.access(_PROGRAM, os.X_OK):
        raise HostError(f"no backups are set up on this host (there is no {CONFIG}); the playbook site sets them up unless backup_enabled is false")
    os.execv(_PROGRAM, ["flask-backup", *words])
