# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app's database outlives PostgreSQL's next major version, and a reboot. The rest is shown by molecule/databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .harness import APPS, DOMAIN, Host

#: PostgreSQL of Debian 12 on Debian 13, as an upgrade of Debian leaves it.
OLD = """
export DEBIAN_FRONTEND=noninteractive
echo 'deb http://deb.debian.org/debian bookworm main' > /etc/apt/sources.list.d/old.list
apt-get -q update && apt-get -q install --yes --no-install-recommends postgresql-15
rm /etc/apt/sources.list.d/old.list && apt-get -q update
"""
#: The steps in roles/postgresql/README.md.
UPGRADE = """
systemctl start flask-backup.service
! pg_lsclusters --no-header | grep -q '^17 ' || pg_dropcluster --stop 17 main
systemctl stop 'flask-*@*.socket' 'flask-*@*.service'
pg_upgradecluster 15 main
"""
NOTES: dict[str, Any] = {
    "name": "notes",
    "source": {"path": str(APPS / "notes")},
    "wsgi": "notes:app",
    "database": "postgresql",
    "database_pool": True,
    "queue": "valkey",
    "domains": [DOMAIN],
    "tls": {"issuer": "selfsigned"},
    "healthcheck": {"path": "/healthz", "status": 200, "timeout_seconds": 30},
}


@pytest.mark.long
def test_data_survives_a_major_upgrade_and_a_reboot(tmp_path: Path) -> None:
    with Host.up("major", tmp_path) as host:
        host.sh(OLD)

        def site() -> int:
            run = host.play("site", flask_apps=[NOTES], postgresql_memory_mb=256)
            assert run.rc == 0, run.output[-6000:]
            return run.changed

        site()
        assert host.sh("pg_lsclusters --no-header").split()[0] == "15", "a cluster that is there is taken as it is"
        host.ask("/notes?text=kept", method="POST", body=b"")
        host.ask("/jobs?text=waiting", method="POST", body=b"")
        host.sh(UPGRADE)
        site()
        assert site() == 0
        assert host.sh("runuser -u postgres -- psql -XAtc 'SHOW server_version' -c 'SHOW hba_file'").split("\n")[1] == "/etc/flask-postgresql/pg_hba.conf"
        for dummy in ("upgraded", "booted"):
            assert host.sh("runuser -u postgres -- psql -XAtc 'SHOW server_version'").startswith("17.")
            assert host.ask("/notes").json == {"notes": ["kept"]} and host.ask("/jobs").json == {"jobs": ["waiting"]}
            host.sh("systemctl start flask-backup.service")
            host.reboot()
        host.sh("pg_dropcluster 15 main")
        assert site() == 0
