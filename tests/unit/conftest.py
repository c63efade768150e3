# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for all unit tests."""

from __future__ import annotations

from hypothesis import settings

# An example's time says nothing on a machine that runs hosts beside.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
