# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How exposed each unit may be, as `systemd-analyze security` counts: 0 is best, 10 is a service of root without a sandbox."""

from __future__ import annotations

from fnmatch import fnmatch

#: By pattern of the unit's name; the first that fits counts.
BOUNDS = {
    # Passenger gives a folder to the account that has it already before it starts a process, so it needs chown.
    "flask-on-passenger@??????????.service": 1.2,
    "flask-*@*-guard.service": 1.5,
    "flask-alone@*.service": 0.6,
    "flask-backup-failed@*.service": 0.7,
    "flask-backup-guard@*.service": 1.9,
    "flask-backup-verify.service": 2.5,
    "flask-backup.service": 2.5,
    "flask-*@*.service": 1.1,
    "flaskyard-valkey-*.service": 0.3,
    "flaskyard-pgbouncer.service": 0.6,
    "flask-certbot.service": 1.9,
    "flask-certificates-check.service": 1.6,
    "flask-firewall.service": 2.2,
    # Units of Debian with a drop-in of ours. They become other accounts, and have ports below 1024 or open sockets for all apps.
    "nginx.service": 2.5,
    "apache2.service": 2.7,
    "supervisor.service": 2.5,
}


def bound(unit: str) -> float:
    """The highest exposure that a unit may have.

    :raises LookupError: nobody has said so yet.
    """
    for pattern, highest in BOUNDS.items():
        if fnmatch(unit, pattern):
            return highest
    raise LookupError(f"how exposed may {unit} be? Add it to BOUNDS")
