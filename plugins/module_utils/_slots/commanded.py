# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record that a release command succeeded. systemd calls C(python3 -IB /usr/local/lib/flaskyard _slots.commanded APP SLOT BY)."""

from __future__ import annotations

import sys
import typing as t

from .._host.actor import act, stamp
from .._releases.records import Records
from .folder import Folder


def record_release_command(app: dict[str, t.Any], release: str) -> None:
    """Record for a release that its command has run."""
    Records(app).note(release, release_command={"command": app["release_command"]["command"], **stamp()})


def main(app: str, slot: str, by: str) -> None:
    """Record it for a slot's release."""
    record = Folder({"paths": {"slots": f"/etc/flask/{app}/slots"}}, slot).record()
    if record is None:
        raise SystemExit(f"slot {slot} of {app} has no record")
    act("deploy", by)
    record_release_command(record.app, record.release)


if __name__ == "__main__":
    main(*sys.argv[1:])
