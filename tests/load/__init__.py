# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load client for our own test hosts. Try `python -m tests.load --help`."""

from __future__ import annotations

from .generator import Load, Plan, Report, Version, run
from .http1 import Target

__all__ = ["Load", "Plan", "Report", "Target", "Version", "run"]
