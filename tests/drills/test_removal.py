# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that are no longer declared leave nothing behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .harness import Server


def authority(folder: Path, name: str) -> str:
    """The certificate of a new authority."""
    words = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj /CN={name} -keyout {folder}/key -out {folder}/{name}"
    subprocess.run(words.split(), check=True, capture_output=True)
    return (folder / name).read_text()


@pytest.mark.long
def test_withdrawn_authority_leaves_no_dangling_link(server: Server, tmp_path: Path) -> None:
    host = server.host
    server.begin("site")
    before = host.sh("ls /etc/ssl/certs")
    first, second = authority(tmp_path, "first"), authority(tmp_path, "second")
    for declared in ([first, second], [second], []):
        server.variables = {"python_ca_certificates": declared}
        server.apply("site", "--tags", "python_configure")
        assert host.sh("find -L /etc/ssl/certs -type l") == ""
        for certificate in declared:
            host.sh(f"openssl verify -CApath /etc/ssl/certs <<'END'\n{certificate}END")
    assert host.sh("ls /etc/ssl/certs") == before


#: All traces of an app on a host: files by name and by content, owners without an account, units, accounts, tables, sockets. It leaves out logs, backups, the
#: copies that useradd keeps of its files, and the backups' records.
TRACES = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /var/log -o -path /var/backups -o -path /root -o -path /run/log \) -prune \
    -o \( -name '*{app}*' -o -nouser -o -nogroup \) -print
grep -rls {app} /etc /run /usr/local /srv /opt /var/lib /var/cache /var/spool --exclude-dir=log --exclude-dir=apt --exclude-dir=.ansible \
    --exclude=passwd- --exclude=group- --exclude=shadow- --exclude=gshadow- --exclude=subuid- --exclude=subgid- --exclude=status.json || true
systemctl list-units --all --plain --no-legend '*{app}*'; systemctl list-unit-files --plain --no-legend '*{app}*' || true
getent passwd | grep {app} || true; getent group | grep {app} || true
nft list ruleset | grep {app} || true; nft list tables | grep flaskyard_socket_proxy || true
ss --no-header --listening --unix | grep {app} || true; ps -eo user:32,args | grep {app} | grep -v grep || true"""


@pytest.mark.long
def test_purge_leaves_nothing_and_the_next_backup_succeeds(server: Server) -> None:
    host, app = server.host, "quokka"
    password = "$6$change$8ooE9OwbP64ROyCWSH/02V/gz5bnYszvMp48tBGb5ggFK4iPA.LZ7PosQlxNK8LvLrPb4TKFPiQPIdfTycopU/"
    server.others = [
        {
            **server.app,
            "name": app,
            "domains": ["other.test"],
            "server": "mod_wsgi",
            "persist": ["uploads"],
            "static": [{"url": "/uploads", "path": "uploads"}],
            "access": [{"path": "/env", "users": {"ada": password}}],
        }
    ]
    server.apply("site")
    host.sh(f"systemctl start flask-backup.service; mkdir -p /var/lib/flask-backup/restore-{app}/tree")
    assert f"/etc/flask/{app}" in host.sh(TRACES.format(app=app))
    run = host.play("remove", flask_apps=[server.app], app=app, purge=True)
    assert run.rc == 0, run.output
    assert host.sh(TRACES.format(app=app)) == ""
    host.sh("systemctl start flask-backup.service flask-backup-verify.service")
    again = host.play("remove", flask_apps=[server.app], app=app, purge=True)
    assert (again.rc, again.changed) == (0, 0), again.output
