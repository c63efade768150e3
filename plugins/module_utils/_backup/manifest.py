# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was noted beside the dumps of a snapshot, and whether they are still that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .model import BackupError, digest


def manifest_in(staging: Path) -> dict[str, Any]:
    """What was written down when the dumps were made."""
    found: dict[str, Any] = json.loads((staging / "manifest.json").read_text(encoding="utf-8"))
    return found


def unchanged(dump: Path, expected: dict[str, Any]) -> Path:
    """The path of a dump that is what was saved.

    :raises BackupError: it is not.
    """
    if digest(dump) != expected["sha256"]:
        raise BackupError("it has changed since it was saved; choose another snapshot")
    return dump
