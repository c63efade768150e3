# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that continues after the run that began it."""

from __future__ import annotations

from .._host.commands import run

_PROGRAM = ["/usr/bin/python3", "-IB", "/usr/local/lib/flaskyard"]
_PROPERTIES = [
    f"--property={line}"
    for line in (
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL",
        "ProtectSystem=strict",
        "ReadWritePaths=/etc/flask /etc/systemd/system -/etc/supervisor -/var/lib/systemd/timers /run",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "RestrictAddressFamilies=AF_UNIX AF_NETLINK",
        "IPAddressDeny=any",
    )
]


def in_background(what: str, unit: str, *arguments: str) -> None:
    """Run a module of this package in a transient unit, without waiting for it.

    :param what: name of the module.
    """
    named = [f"--unit={unit}", f"--property=SyslogIdentifier=flaskyard-{what}"]
    run(["systemd-run", "--quiet", "--collect", "--no-block", *named, *_PROPERTIES, *_PROGRAM, f"_slots.{what}", *arguments])
