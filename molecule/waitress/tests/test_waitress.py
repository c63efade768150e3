# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role waitress without a proxy: the contract of every slot."""

from __future__ import annotations

from tests.hosts.slot import SlotContract


class TestWaitress(SlotContract):
    """Nothing but the contract."""
