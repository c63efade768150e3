# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another slot of the same: how an app is started anew without a failed request."""

from __future__ import annotations

from .._releases.deploy_log import logged
from .._releases.records import Records
from .recalled import assert_recallable, recalled, slot_that_serves
from .standing import Slots


def restart(name: str) -> str:
    """Start an app anew; the name of its new slot.

    :raises HostError: when it cannot be done; what served still does.
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
