# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurements by combination. They are stored beside this file, and shown in docs/servers.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("results.json")


def measured() -> dict[str, dict[str, Any]]:
    """The figures of the last recorded run."""
    figures: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return figures


def record(combination: str, figures: dict[str, Any]) -> None:
    """Keep the figures of a combination in place of earlier ones."""
    everything = {**measured(), combination: figures}
    FILE.write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
