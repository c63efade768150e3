# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole stack: two apps on one host, requested from outside as by visitors."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.hosts.client import Site

CANARY = "canary-7c1b5e0d"


@pytest.fixture
def guestbook(site: Site, authority: Path) -> Site:
    return replace(site, trusted=authority)


@pytest.fixture
def probe(guestbook: Site) -> Site:
    return replace(guestbook, domain=f"www.{guestbook.domain}")


def test_page_is_served_over_https_with_a_valid_certificate(guestbook: Site) -> None:
    answer = guestbook.ask()
    assert answer.status == 200
    assert b"<title>" in answer.body


def test_app_sees_the_client_and_the_public_address(probe: Site) -> None:
    seen = json.loads(probe.ask("/request").body)
    assert seen["url"] == f"https://{probe.domain}/request"
    with probe.connect() as connection:
        assert seen["remote_addr"] == connection.getsockname()[0]


def test_forwarding_headers_of_clients_are_ignored(probe: Site) -> None:
    spoofed = {
        "X-Forwarded-For": "192.0.2.66",
        "X-Forwarded-Proto": "ftp",
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Port": "666",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=192.0.2.66;host=evil.test",
        "X-Real-IP": "192.0.2.66",
    }
    answer = probe.ask("/request", spoofed)
    assert json.loads(answer.body)["url"] == f"https://{probe.domain}/request"
    assert b"192.0.2.66" not in answer.body and b"evil" not in answer.body


def test_static_files_are_cached_and_compressed(guestbook: Site) -> None:
    page = guestbook.ask().body.decode()
    for path in re.findall(r'(?:href|src)="(/static/[^"?]+)', page):
        answer = guestbook.ask(path, {"Accept-Encoding": "gzip"})
        hashed = re.search(r"[.-][0-9a-f]{8,}\.", path)
        assert answer.status == 200
        assert "gunicorn" not in answer.headers.get("Server", "")
        assert answer.headers["Strict-Transport-Security"]
        assert ("immutable" in answer.headers["Cache-Control"]) == bool(hashed), path
    assert guestbook.ask("/static/../__init__.py").status in (400, 403, 404)
    assert guestbook.ask("/static/%2e%2e/__init__.py").status in (400, 403, 404)


def test_only_ssh_and_web_ports_are_open(host: Host, site: Site) -> None:
    with host.sudo():
        host.check_output("systemd-run --unit=listener --collect python3 -m http.server 8080")
        host.check_output("timeout 10 sh -c 'until ss -tlnH sport = :8080 | grep -q .; do sleep 0.1; done'")
    for port, expected in ((22, True), (80, True), (443, True), (8080, False)):
        try:
            socket.create_connection((site.address, port), timeout=2).close()
            reached = True
        except OSError:
            reached = False
        assert reached == expected, port
    with host.sudo():
        host.check_output("systemctl stop listener")


@pytest.mark.parametrize("timer", ["flask-certbot.timer", "flask-backup.timer"])
def test_timers_are_scheduled(host: Host, timer: str) -> None:
    assert host.service(timer).is_running
    assert host.service(timer).is_enabled


def test_apps_cannot_see_each_other(host: Host, probe: Site) -> None:
    for path in ("/srv/flask/guestbook", "/var/lib/flask-guestbook/instance/guestbook.sqlite", "/etc/flask/guestbook/secret_key"):
        assert json.loads(probe.ask(f"/read?path={path}").body)["error"] is not None
    slot = host.check_output("readlink /run/flask-guestbook/current.sock")
    assert json.loads(probe.ask(f"/connect?family=unix&path=/run/flask-guestbook/{slot}").body)["connected"] is False


def test_secret_is_found_only_where_it_belongs(host: Host) -> None:
    assert CANARY not in Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "ansible.log").read_text()
    with host.sudo():
        assert host.run(f"journalctl --no-pager | grep -v COMMAND= | grep {CANARY[:-1]}[{CANARY[-1]}]").stdout == ""
        found = host.run(f"grep -rlF --exclude-dir=journal {CANARY} /etc /run /srv /var /tmp /root /home 2>/dev/null").stdout.split()
    assert found
    assert all(re.fullmatch(r"/etc/flask/guestbook/slots/\w+/(env|manifest\.json)", path) for path in found), found


def test_no_unit_failed(host: Host) -> None:
    assert host.check_output("systemctl --failed --no-legend --plain") == ""


def test_everything_runs_again_after_a_power_cut(host: Host, name: str, guestbook: Site, prefix: str) -> None:
    hosts = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"], "tests", "hosts", "hosts.py")
    subprocess.run([sys.executable, hosts, "reboot", "--prefix", prefix, name], check=True, stdout=subprocess.DEVNULL)
    guestbook.wait()
