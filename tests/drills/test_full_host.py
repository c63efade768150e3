# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host with every server: who can reach each listening socket, and how exposed each unit is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.hosts.exposure import bound

from .harness import Host, Server

SERVERS = ["gunicorn", "uwsgi", "waitress", "granian", "mod_wsgi", "passenger", "fastcgi"]
#: Accounts that must not reach a private server: a person's, the proxy's, another app's, those of builds, and root.
STRANGERS = ["nobody", "www-data", "flask-probe", "flask-probe-b", "flask-on-mod-wsgi-b", "root"]
#: The ports that anybody may reach.
PUBLIC = {22, 80, 443}

#: As one account, connect to every listening TCP and Unix socket, and print those that accept.
KNOCK = r"""
cat > /run/knock.py <<'END'
import os, pwd, re, socket, subprocess, sys
def listening(kind):
    lines = subprocess.run(["ss", "--no-header", "--listening", "--numeric", "--processes", kind], capture_output=True, text=True, check=True).stdout
    return [(line.split(), line) for line in lines.splitlines()]
def unit(line):
    for pid in re.findall(r"pid=(\d+)", line):
        try:
            return os.path.basename(open(f"/proc/{pid}/cgroup").read().strip())
        except OSError:
            continue
    return ""
tcp = [(*words[3].rsplit(":", 1), unit(line)) for words, line in listening("--tcp")]
unix = [(words[4], unit(line)) for words, line in listening("--unix") if words[0] == "u_str"]
account = pwd.getpwnam(sys.argv[1])
os.initgroups(account.pw_name, account.pw_gid); os.setgid(account.pw_gid); os.setuid(account.pw_uid)
def knock(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(0.5)
        try:
            client.connect(address)
        except OSError:
            return False
        return True
for address, port, owner in tcp:
    host = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "127.0.0.1"}.get(address, address.split("%")[0])
    print("tcp", port, owner or "-", knock(socket.AF_INET, (host, int(port))))
for path, owner in unix:
    if owner.startswith("flask") or owner.startswith("supervisor"):
        print("unix", path, owner, knock(socket.AF_UNIX, "\0" + path[1:] if path.startswith("@") else path))
END
python3 /run/knock.py """

#: As an account, ask an app's private Apache for a page, as the proxy would.
FORGE = r"""
runuser -u {account} -- python3 -c '
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=2)
try:
    connection.request("GET", "/request", headers={{"X-Forwarded-For": "10.0.0.1"}})
    print(connection.getresponse().read().decode())
except OSError as error:
    print("refused", error)' {address}"""


def app_name(server: str) -> str:
    """The app that runs under a server."""
    return f"on-{server.replace('_', '-')}"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A host with an app under each server, and all roles of `site.yml`."""
    with Server.provisioned("full", tmp_path_factory.mktemp("full")) as server:
        for name in SERVERS:
            server.others.append({**server.app, "name": app_name(name), "server": name, "domains": [f"{app_name(name)}.test"]})
        server.others.append({**server.app, "name": "alone", "server": "mod_wsgi", "domains": ["alone.test"], "sandbox": {"network": False}})
        server.apply("site")
        yield server


def knocked(host: Host, account: str) -> list[tuple[str, str, str, bool]]:
    """The listening sockets: kind, port or path, unit, and whether they accept a connection from an account."""
    lines = [line.split() for line in host.sh(f"{KNOCK} {account}").splitlines()]
    return [(kind, where, unit, accepted == "True") for kind, where, unit, accepted in lines]


def apache(host: Host, app: str) -> str:
    """The address and port of an app's private Apache."""
    return host.sh(f"sed -n 's/^Listen \\(.*\\):/\\1 /p' /etc/flask/{app}/slots/*/httpd.conf")


@pytest.mark.parametrize("account", STRANGERS)
def test_only_its_socket_proxy_reaches_a_server(full: Server, account: str) -> None:
    found = knocked(full.host, account)
    assert any(kind == "tcp" and unit.startswith("flask-on-mod-wsgi@") for kind, _where, unit, dummy in found), found
    assert [one for one in found if one[0] == "tcp" and one[3] and int(one[1]) not in PUBLIC] == []
    if account not in ("root", "www-data"):
        assert [one for one in found if one[0] == "unix" and one[3]] == []


@pytest.mark.parametrize("account", STRANGERS)
def test_forged_headers_of_a_local_account_reach_no_app(full: Server, account: str) -> None:
    address = apache(full.host, "on-mod-wsgi")
    assert "refused" in full.host.sh(FORGE.format(account=account, address=address))
    assert full.host.ask("/request", host="on-mod-wsgi.test").status == 200


def test_every_unit_stays_below_its_exposure(full: Server) -> None:
    units = full.host.sh("""
        systemctl list-units --all --plain --no-legend 'flask*.service' nginx.service | awk '{ print $1 }'
        cd /etc/systemd/system; ls -d flask*.service | sed 's/@[.]service$/@example.service/'""").splitlines()
    said = full.host.sh(f"for unit in {' '.join(sorted(set(units)))}; do systemd-analyze --no-pager security $unit | grep 'Overall exposure'; done")
    found = {unit: float(score) for unit, score in re.findall(r"exposure level for (\S+): ([\d.]+)", said)}
    assert set(found) == set(units) and len(found) > 20
    print(found)
    assert {unit: score for unit, score in found.items() if score > bound(unit)} == {}


def test_rules_of_socket_proxies_outlive_the_firewall(full: Server) -> None:
    host = full.host
    guarded = "nft list ruleset | grep -c 'table inet flaskyard_socket_proxy_' || true"
    host.sh("systemctl is-enabled --quiet nftables || systemctl enable --now --quiet nftables")
    for change in ("systemctl reload nftables", "systemctl restart nftables", "flask-firewall apply", "systemctl restart flask-firewall"):
        host.sh(change)
        full.wait(f'test "$({guarded})" = 1', 10)
    # After a manual flush, the next start of the slot loads the rules, and so does the next run.
    host.sh("nft flush ruleset; systemctl kill --signal=SIGKILL 'flask-on-mod-wsgi@*.service'")
    full.wait(f'test "$({guarded})" = 1', 20)
    host.sh("nft flush ruleset")
    run = full.apply("site")
    assert run.changed > 0 and host.sh(guarded) == "1"
    assert full.apply("site").changed == 0
    assert host.ask("/", host="on-mod-wsgi.test").status == 200


def test_slot_does_not_listen_without_its_rules(full: Server) -> None:
    host = full.host
    unit = host.sh("systemctl list-units --plain --no-legend 'flask-on-mod-wsgi@*.service' | awk '$1 !~ /-(socket-proxy|guard).service/ { print $1 }'")
    host.sh(f"mv /usr/sbin/nft /usr/sbin/nft.away; systemctl restart {unit} || true")
    try:
        host.sh("sleep 3")
        assert "127.77." not in host.sh("ss --no-header --listening --tcp --numeric")
    finally:
        host.sh("mv /usr/sbin/nft.away /usr/sbin/nft")
    full.wait(f"systemctl is-active --quiet {unit} && ss --no-header --listening --tcp --numeric | grep -q '127.77.'", 20)


def test_removed_app_leaves_no_rules(full: Server) -> None:
    gone = full.others.pop(next(number for number, app in enumerate(full.others) if app["name"] == "on-mod-wsgi"))
    full.apply("site")
    assert full.host.sh("nft list tables | grep flaskyard_socket_proxy_ || true; ls /etc/systemd/system | grep on-mod-wsgi@ || true") == ""
    full.others.append(gone)
    full.apply("site")
    assert "flaskyard_socket_proxy_" in full.host.sh("nft list tables")
