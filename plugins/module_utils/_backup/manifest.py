# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest beside a snapshot's dumps, and whether the dumps still match it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .model import BackupError, digest


def manifest_in(staging: Path) -> dict[str, Any]:
    """The manifest that was written with the dumps."""
    found: dict[str, Any] = json.loads((staging / "manifest.json").read_text(encoding="utf-8"))
    return found


def unchanged(dump: Path, expected: dict[str, Any]) -> Path:
    """The path of a dump, after a check that it matches the manifest.

    :raises BackupError: if it does not.
    """
    if digest(dump) != expected["sha256"]:
        raise BackupError("it has changed since it was saved; choose another snapshot")
    return dump
