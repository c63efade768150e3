# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference pages, written from the code: ``python -m tests.docs``."""

from __future__ import annotations

import sys
from pathlib import Path

# Where the collection has its own name, for imports of its plugins.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".cache" / "collections"))
