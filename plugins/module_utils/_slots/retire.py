# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drain and stop a slot that is no longer current. Runs in a transient unit: C(python3 -IB /usr/local/lib/flaskyard _slots.retire APP SLOT)."""

from __future__ import annotations

import sys

from .folder import Folder
from .slots import Slots


def main(app: str, slot: str) -> None:
    """Retire a slot of an app, unless it has become current again."""
    record = Folder({"paths": {"slots": f"/etc/flask/{app}/slots"}}, slot).record()
    if record is None:
        raise SystemExit(f"slot {slot} of {app} has no record; the next run of Ansible removes it")
    slots = Slots(record.app)
    if slot in slots.links.all().values():
        raise SystemExit(f"slot {slot} of {app} is current")
    slots.drain(slot)
    for manager in slots.managers.values():
        manager.finish(slot)
    slots.discard(slot)


if __name__ == "__main__":
    main(*sys.argv[1:])
