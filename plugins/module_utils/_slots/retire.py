# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drain and stop a slot that is no longer current. Runs in a transient unit: C(python3 -IB /usr/local/lib/flaskyard _slots.retire APP SLOT)."""

from __future__ import annotations

import glob
import sys

from .folder import Folder
from .slots import Slots


def main(app: str, slot: str) -> None:
    """Retire a slot of an app, unless it has become current again."""
    folder = f"/etc/flask/{app}/slots"
    # A slot that an earlier version started has no record that this version can read. Then the app of any other slot will do.
    records = (Folder({"paths": {"slots": folder}}, name).record() for name in [slot, *sorted(glob.glob("*", root_dir=folder))])
    record = next(filter(None, records), None)
    if record is None:
        raise SystemExit(f"no slot of {app} has a record; the next run of Ansible removes slot {slot}")
    slots = Slots(record.app)
    if slot in slots.links.all().values():
        raise SystemExit(f"slot {slot} of {app} is current")
    slots.drain(slot)
    for manager in slots.managers.values():
        manager.finish(slot)
    slots.discard(slot)


if __name__ == "__main__":
    main(*sys.argv[1:])
