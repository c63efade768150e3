# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of programs that root runs on the host, to the journal or to a terminal."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: object) -> None:
    """Print a line as an error."""
    sys.stderr.write(f"{text}\n")
