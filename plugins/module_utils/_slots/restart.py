# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart an app without a failed request: switch to another slot with the same content."""

from __future__ import annotations

from .._releases.deploy_log import logged
from .._releases.records import Records
from .recalled import assert_recallable, recalled, slot_that_serves
from .slots import Slots


def restart(name: str) -> str:
    """Restart an app. Returns the name of its new slot.

    :raises HostError: if it fails. The slot that served still does.
    """
    record = slot_that_serves(name)
    slots, records = Slots(record.app), Records(record.app)
    with records.lock():
        record = slot_that_serves(name)
        assert_recallable(record)
        with logged("restart", records, record.release), slots.named_anew():
            change = recalled(slots, record, record.release)
            change.run()
        return str(change.wanted())
