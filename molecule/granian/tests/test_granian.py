# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role granian, with no proxy in front: it keeps what every slot promises."""

from __future__ import annotations

from tests.hosts.slot import SlotContract


class TestGranian(SlotContract):
    """Nothing but the contract."""
