# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role firewall: open and closed ports, rules of other programs, and protection from a lockout."""

from __future__ import annotations

import errno
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.hosts.exposure import bound
from tests.hosts.playbook import PROJECT, Outcome, run_playbook

CONVERGE = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "converge.yml")
OPEN = [22, 80, 443, 8001, 8002, 8100]
CLOSED = [21, 81, 8000, 8003, 8099, 8200, 65535]
PROMISED_SECONDS = 60


@pytest.fixture
def address(host: Host) -> str:
    """Where the host is."""
    return str(host.ansible.get_variables()["ansible_host"])


@pytest.fixture
def link_local(host: Host, address: str) -> str:
    """Where the host is by IPv6, as seen from here."""
    found = host.check_output("ip -6 -oneline address show dev eth0 scope link").split()
    device = subprocess.run(["ip", "-oneline", "route", "get", address], check=True, capture_output=True, text=True).stdout.split()
    return f"{found[3].split('/')[0]}%{device[device.index('dev') + 1]}"


@pytest.fixture
def converge(name: str) -> Callable[..., Outcome]:
    """Run the role on the host with other variables."""
    return lambda **variables: run_playbook(CONVERGE, name, **variables)


def passes(address: str, port: int, seconds: float = 1.5) -> bool:
    """Whether a packet gets through to a port: somebody answers, or the host says that nobody listens."""
    family, kind, protocol, _name, target = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as client:
        client.settimeout(seconds)
        return client.connect_ex(target) in (0, errno.ECONNREFUSED)


def restart_host(prefix: str, name: str) -> None:
    """Start the host again, as a reboot does."""
    subprocess.run([sys.executable, PROJECT / "tests/hosts/hosts.py", "reboot", "--prefix", prefix, name], check=True, stdout=subprocess.DEVNULL)


def which_pass(ports: list[int], *addresses: str) -> set[int]:
    """The ports that packets get through to, at all of the addresses or at some."""
    asked = [(address, port) for address in addresses for port in ports]
    with ThreadPoolExecutor(len(asked)) as pool:
        return {port for (_address, port), passed in zip(asked, pool.map(lambda pair: passes(*pair), asked), strict=True) if passed}


def test_declared_ports_are_open(address: str, link_local: str) -> None:
    assert which_pass(OPEN, address) == which_pass(OPEN, link_local) == set(OPEN)


def test_all_other_ports_are_closed(address: str, link_local: str) -> None:
    assert which_pass(CLOSED, address, link_local) == set()


def test_answers_to_own_requests_pass(host: Host, address: str) -> None:
    gateway = host.check_output("ip -oneline route show default").split()[2]
    with socket.create_server((gateway, 0)) as server:
        port = server.getsockname()[1]
        script = f"import socket; print(socket.create_connection(('{gateway}', {port}), 5).recv(9))"
        server.settimeout(10)
        with host.sudo():
            host.check_output(f"systemd-run --collect --unit=answer-test --property=StandardOutput=file:/run/answer python3 -c {shlex.quote(script)}")
            client, _peer = server.accept()
            client.sendall(b"hello")
            client.close()
            host.check_output("while systemctl is-active --quiet answer-test; do sleep 0.1; done")
            assert host.file("/run/answer").content_string.strip() == "b'hello'"


def test_unit_starts_before_the_network_and_is_sandboxed(host: Host, unit_property: Callable[[str, str], str], exposure: Callable[[str], float]) -> None:
    assert "network-pre.target" in unit_property("flask-firewall.service", "Before").split()
    assert host.service("flask-firewall.service").is_enabled
    with host.sudo():
        assert exposure("flask-firewall.service") <= bound("flask-firewall.service")


def test_no_timer_is_left_to_revert_the_rules(host: Host) -> None:
    assert not host.service("flask-firewall-revert.timer").is_running
    with host.sudo():
        assert host.file("/etc/flask-firewall/kept.nft").content == host.file("/etc/flask-firewall/rules.nft").content


def test_other_tables_stay_and_ours_survives_a_flushed_ruleset(host: Host, converge: Callable[..., Outcome]) -> None:
    with host.sudo():
        host.check_output("nft add table inet other")
        assert converge(firewall_allow=[{"port": 9000}]).ok
        assert "table inet other" in host.check_output("nft list tables")
        host.check_output("nft delete table inet other; systemctl restart nftables")
        assert "dport 9000" in host.check_output("nft list table inet flaskyard")
        host.check_output("systemctl stop nftables")
        assert "flaskyard" not in host.check_output("nft list tables")
    assert converge().changed
    with host.sudo():
        assert "9000" not in host.check_output("nft list table inet flaskyard")


def test_invalid_rules_are_refused_before_anything_changes(converge: Callable[..., Outcome]) -> None:
    outcome = converge(firewall_ssh_from=[])
    assert not outcome.ok and not outcome.changed
    assert "expected a list of networks" in outcome.text


def test_lockout_by_firewall_rules_is_reverted(host: Host, address: str, converge: Callable[..., Outcome]) -> None:
    begin = time.monotonic()
    outcome = converge(firewall_public_ports=[9999], firewall_ssh_from=["192.0.2.1"])
    assert not outcome.ok
    assert "no SSH connection to" in outcome.text and "firewall_ssh_from" in outcome.text
    assert not passes(address, 22), "the drill must lock us out, or it proves nothing"
    while not passes(address, 22):
        assert time.monotonic() < begin + PROMISED_SECONDS
        time.sleep(0.5)
    with host.sudo():
        rules = host.check_output("nft list table inet flaskyard")
    assert "9999" not in rules and "443" in rules, "what was there before is back"
    assert converge().changed, "the next run sees that the wanted rules are not in place"


def test_unconfirmed_rules_do_not_survive_a_restart(host: Host, prefix: str, name: str, address: str, converge: Callable[..., Outcome]) -> None:
    with host.sudo():
        host.check_output("sed -i 's/80, 443/80, 443, 9998/' /etc/flask-firewall/rules.nft && flask-firewall apply")
        assert passes(address, 9998)
    restart_host(prefix, name)
    assert not passes(address, 9998)
    assert which_pass(OPEN, address) == set(OPEN)
    with host.sudo():
        assert "policy drop" in host.check_output("nft list table inet flaskyard")
    assert converge().changed


def test_removal_leaves_nothing(host: Host, address: str, converge: Callable[..., Outcome]) -> None:
    assert converge(firewall_enabled=False).changed
    assert passes(address, 8000)
    with host.sudo():
        assert "flaskyard" not in host.check_output("nft list tables")
        assert host.check_output("find /etc /usr/local /run -name '*flask-firewall*'") == ""
        assert host.run("systemctl status flask-firewall.service").rc == 4
    assert not converge(firewall_enabled=False).changed
    assert converge().changed
    assert not passes(address, 8000)
