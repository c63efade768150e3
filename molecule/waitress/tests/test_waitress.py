# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role waitress, with no proxy in front: it keeps what every slot promises."""

from __future__ import annotations

from tests.hosts.slot import SlotContract


class TestWaitress(SlotContract):
    """Nothing but the contract."""
