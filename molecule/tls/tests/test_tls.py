# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role tls against a real authority: certificates that are served, renewals, and failures.

Each test runs the playbook with other apps, on all the hosts at once, and leaves what it declared to the next.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra
from ansible_collections.flaskyard.server.plugins.module_utils._certificates.key_pairs import self_sign

from tests.hosts.client import Site

PROJECT, SCENARIO, EPHEMERAL = (Path(os.environ[f"MOLECULE_{name}_DIRECTORY"]) for name in ("PROJECT", "SCENARIO", "EPHEMERAL"))
PREFIX = f"flaskyard-test-{os.environ['MOLECULE_SCENARIO_NAME']}"
INVENTORY = EPHEMERAL / "inventory" / "hosts.json"
NINETY_DAYS = 90 * 24 * 3600
CERTBOT = "/etc/flask-tls/certbot"
SELFSIGNED = {"issuer": "selfsigned"}
DOMAIN = "{{ inventory_hostname }}.test"
WWW = f"www.{DOMAIN}"


class Authority:
    """Pebble, which a test may change. ``root`` is a file with the root certificate that it has now."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, command: str) -> str:
        """Run a command where it lives."""
        hosts = [sys.executable, str(PROJECT / "tests" / "hosts" / "hosts.py")]
        return subprocess.run([*hosts, "ssh", "--prefix", PREFIX, "ca", command], check=True, stdout=subprocess.PIPE, text=True).stdout

    def restart(self, validity_seconds: int = NINETY_DAYS, **environment: str) -> None:
        """Start afresh: with a new root, and without the accounts it had."""
        settings = " ".join(f"{name}={value}" for name, value in {"PEBBLE_VA_NOSLEEP": "1", **environment}.items())
        self.run(
            f'sed -i \'s/"certificateValidityPeriod": [0-9]*/"certificateValidityPeriod": {validity_seconds}/\' /etc/pebble/config.json;'
            f"sed -i 's/^Environment=.*/Environment={settings}/' /etc/systemd/system/pebble.service; systemctl daemon-reload; systemctl restart pebble;"
            "until (echo > /dev/tcp/127.0.0.1/14000) 2>/dev/null; do sleep 0.1; done"
        )
        management = "https://127.0.0.1:15000/roots/0"
        script = f"import ssl, urllib.request as u; print(u.urlopen('{management}', context=ssl._create_unverified_context()).read().decode())"
        self.root.write_text(self.run(f"python3 -c {shlex.quote(script)}"))


@dataclass
class Outcome:
    """What one run of converge.yml said."""

    ok: bool
    text: str

    @property
    def changed(self) -> bool:
        return bool(re.search(r"changed=[1-9]", self.text))


class Hosts:
    """The hosts of the scenario, seen from their inventory, from inside, and from their clients. Answers come by host."""

    def __init__(self) -> None:
        inventory = json.loads(INVENTORY.read_text())["all"]["children"]["flask"]["hosts"]
        self.addresses = {name: host["ansible_host"] for name, host in inventory.items()}
        self._inside = {name: testinfra.get_host(f"ansible://{name}", ansible_inventory=str(INVENTORY)) for name in inventory}

    def converge(self, *apps: dict[str, Any], **variables: Any) -> Outcome:
        """Run the scenario's playbook, with other apps or variables."""
        if apps:
            variables["flask_apps"] = apps
        inventories = [f"-i{path}" for path in (PROJECT / "molecule" / "shared" / "inventory" / "hosts.yml", INVENTORY.parent)]
        done = subprocess.run(
            ["ansible-playbook", *inventories, "-e", json.dumps(variables), SCENARIO / "converge.yml"],
            env={**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "ANSIBLE_LOG_PATH": os.devnull, "ANSIBLE_NOCOLOR": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(done.returncode == 0, done.stdout + done.stderr)

    def served(self, prefix: str = "", trust: Path | None = None) -> dict[str, bytes]:
        """The certificates on port 443 (DER), verified for the domains with this prefix when there is somebody to trust."""
        found = {}
        for name, address in self.addresses.items():
            with Site(address, f"{prefix}{name}.test", trust).connect() as connection:
                found[name] = connection.getpeercert(binary_form=True) or b""
        return found

    def run(self, command: str) -> set[str]:
        """Run a command as root, and return all the different things that hosts said."""
        return {self._run(name, command, check=True).strip() for name in self._inside}

    def start(self, unit: str) -> set[bool]:
        """Start a unit; whether it succeeded."""
        return {self._run(name, f"systemctl start {unit} 2>/dev/null && echo yes") == "yes\n" for name in self._inside}

    @contextlib.contextmanager
    def cut_off(self) -> Iterator[None]:
        """No way to the authority from here."""
        route = "unreachable $(getent hosts ca.test | cut -d' ' -f1)"
        self.run(f"ip route add {route}")
        try:
            yield
        finally:
            self.run(f"ip route del {route}")

    def _run(self, name: str, command: str, check: bool = False) -> str:
        host = self._inside[name]
        with host.sudo():
            done = host.run("sh -c %s", command)
        assert done.rc == 0 or not check, f"{name}: {command}: {done.stderr}"
        return str(done.stdout)


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    hosts = Hosts()
    yield hosts
    again = hosts.converge()
    assert again.ok, again.text


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    authority = Authority(tmp_path / "root.pem")
    authority.restart()
    yield authority
    authority.restart()


def app(name: str = "shop", *domains: str, tls: dict[str, str] | None = None) -> dict[str, Any]:
    """An app as the inventory has it."""
    source = {"pypi": "httpbin", "version": "0.10.2"}
    return {"name": name, "source": source, "wsgi": "httpbin:app", "domains": domains or [DOMAIN], "tls": tls or {}}


def files(folder: Path, *domains: str) -> tuple[dict[str, str], Path]:
    """A certificate of one's own as an app declares it, and as a client trusts it."""
    certificate, key = self_sign(list(domains), 30)
    path = folder / f"{len(list(folder.iterdir()))}.pem"
    path.write_text(certificate)
    return {"issuer": "files", "certificate": certificate, "key": key}, path


# --- the state after the scenario's own runs --------------------------------------------------------------------------


def test_chain_is_valid(hosts: Hosts) -> None:
    assert hosts.served(trust=PROJECT / ".cache" / "hosts" / PREFIX / "acme-root.pem")


def test_self_signed_certificate_is_valid_if_trusted(hosts: Hosts, tmp_path: Path) -> None:
    (tmp_path / "trust.pem").write_text("\n".join(hosts.run("cat /etc/flask-tls/live/intern/fullchain.pem")))
    assert hosts.served("intern.", tmp_path / "trust.pem")


def test_only_root_can_read_the_keys(hosts: Hosts) -> None:
    assert hosts.run("stat -c '%a %U' /etc/flask-tls") == {"700 root"}
    assert hosts.run("find -L /etc/flask-tls -name 'privkey*' -printf '%m %u\n' | sort -u") == {"600 root"}


@pytest.mark.parametrize("unit", ["flask-certbot", "flask-certificates-check"])
def test_unit_is_scheduled_and_sandboxed(hosts: Hosts, unit: str) -> None:
    hosts.run(f"systemctl is-enabled {unit}.timer && systemctl is-active {unit}.timer")
    hosts.run(f"systemd-analyze security --threshold=20 {unit}.service")
    assert hosts.start(unit) == {True}


def test_renewal_time_comes_from_the_authority(hosts: Hosts) -> None:
    before = hosts.served()
    assert hosts.start("flask-certbot") == {True}
    hosts.run(f"grep -q '^ari_retry_after' {CERTBOT}/renewal/shop.conf")
    assert hosts.served() == before


# --- one run ------------------------------------------------------------------------------------------------------------


def test_authority_is_not_contacted_without_a_change(hosts: Hosts) -> None:
    with hosts.cut_off():
        again = hosts.converge()
    assert again.ok and not again.changed, again.text


def test_domain_is_added_and_removed(hosts: Hosts, authority: Authority) -> None:
    added = hosts.converge(app("shop", DOMAIN, WWW))
    assert added.ok, added.text
    assert hosts.served("www.", trust=authority.root)
    assert hosts.converge(app()).ok
    assert hosts.served(trust=authority.root)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        hosts.served("www.", trust=authority.root)


def test_domain_of_another_host_costs_no_attempt(hosts: Hosts) -> None:
    before = hosts.served()
    refused = hosts.converge(app("shop", DOMAIN, "nowhere.test", "ca.test"))
    assert not refused.ok
    for reason in ("nowhere.test: its name has no address", "port 80: Connection refused"):
        assert refused.text.count(f"{reason}") >= len(before), refused.text
    assert "nowhere" not in "".join(hosts.run("cat /var/log/flask-certbot/*.log"))
    assert hosts.served() == before


def test_unreachable_authority_keeps_the_old_certificate(hosts: Hosts) -> None:
    before = hosts.served()
    with hosts.cut_off():
        failed = hosts.converge(app("shop", DOMAIN, WWW), app("other", f"other.{DOMAIN}", tls=SELFSIGNED))
    assert not failed.ok and "The authority cannot be reached" in failed.text, failed.text
    assert hosts.served() == before
    assert hosts.run("test -e /etc/flask-tls/live/other/fullchain.pem && echo another app is served") == {"another app is served"}


def test_refused_nonces_are_retried(hosts: Hosts, authority: Authority) -> None:
    authority.restart(PEBBLE_WFE_NONCEREJECT="15")
    issued = hosts.converge(app("shop", DOMAIN, WWW))
    assert issued.ok, issued.text
    assert hosts.served("www.", trust=authority.root)


def test_missed_reload_is_done_by_the_next_run(hosts: Hosts) -> None:
    hosts.run("touch /etc/flask-tls/reload-pending")
    assert hosts.converge(app("shop", DOMAIN, WWW)).changed
    hosts.run("test ! -e /etc/flask-tls/reload-pending")


def test_damaged_certbot_configuration_is_made_anew(hosts: Hosts, authority: Authority) -> None:
    assert hosts.converge(app("shop", DOMAIN, WWW)).ok
    hosts.run(f"echo '[acme_renewal_info]' | tee -a {CERTBOT}/renewal/shop.conf {CERTBOT}/renewal/shop.conf")
    assert hosts.start("flask-certbot") == {False}
    issued = hosts.converge(app())
    assert issued.ok, issued.text
    assert hosts.served(trust=authority.root)
    assert hosts.run(f"ls {CERTBOT}/renewal {CERTBOT}/archive | grep shop-; ls /etc/flask-tls/files") == {""}
    assert hosts.start("flask-certbot") == {True}


# --- certificates from files --------------------------------------------------------------------------------------------


def test_own_certificate_is_served_and_replaced(hosts: Hosts, tmp_path: Path) -> None:
    domains = [f"{name}.test" for name in hosts.addresses]
    tls, trust = files(tmp_path, *domains)
    other, other_trust = files(tmp_path, *domains)
    set_up = hosts.converge(app(tls=tls))
    assert set_up.ok and tls["key"].splitlines()[1] not in set_up.text, set_up.text
    before = hosts.served(trust=trust)

    wrong = {
        "belongs to another certificate": {**tls, "key": other["key"]},
        "and not for debian": files(tmp_path, "other.test")[0],
    }
    for reason, refused in wrong.items():
        outcome = hosts.converge(app(tls=refused))
        assert not outcome.ok and reason in outcome.text, outcome.text
        assert hosts.served() == before

    assert hosts.converge(app(tls=other)).ok
    assert hosts.served(trust=other_trust)
    assert hosts.run("ls /etc/flask-tls/files/shop | wc -l") == {"1"}


def test_all_issuers_in_turn(hosts: Hosts, authority: Authority) -> None:
    for apps, kind in (([app()], "certbot"), ([app(tls=SELFSIGNED)], "selfsigned")):
        assert hosts.converge(*apps).ok
        assert all(kind in link for link in hosts.run("readlink /etc/flask-tls/live/shop"))
    assert hosts.converge(app("other", tls=SELFSIGNED)).ok
    assert hosts.run("find /etc/flask-tls -name '*shop*'") == {""}, "an app that is gone keeps nothing"


# --- renewal ------------------------------------------------------------------------------------------------------------


def test_certificate_is_renewed_by_the_host(hosts: Hosts, authority: Authority) -> None:
    authority.restart(validity_seconds=60)
    assert hosts.converge(app("shop", DOMAIN, WWW)).ok
    issued = time.monotonic()
    first = hosts.served()
    # What ARI suggests is in days, and at random; for a certificate that lives a minute, leave it out.
    leave_out = r"sed -i '/^\[acme_renewal_info/,$d' shop.conf && printf '[acme_renewal_info]\nari_retry_after = 2100-01-01T00:00:00\n' >> shop.conf"
    hosts.run(f"cd {CERTBOT}/renewal && {leave_out}")
    assert hosts.start("flask-certbot") == {True}
    assert hosts.served() == first, "renewed though it is not due"
    assert hosts.start("flask-certificates-check") == {True}

    time.sleep(max(0, 50 - (time.monotonic() - issued)))
    assert hosts.start("flask-certificates-check") == {False}, "the near end of a certificate is not reported"
    with hosts.cut_off():
        assert hosts.start("flask-certbot") == {False}, "the failed renewal is not reported"
    assert hosts.served() == first
    assert hosts.start("flask-certbot") == {True}
    time.sleep(1)  # nginx takes its new configuration up in its own time
    renewed = hosts.served(trust=authority.root)
    assert all(renewed[name] != first[name] for name in first)
    assert hosts.start("flask-certificates-check") == {True}


def test_check_finds_a_proxy_that_was_not_reloaded(hosts: Hosts) -> None:
    assert hosts.converge(app(tls=SELFSIGNED)).ok
    hosts.run("rm -r /etc/flask-tls/selfsigned/shop")
    assert hosts.converge(app(tls=SELFSIGNED), tls_reload_command="true").ok
    assert hosts.start("flask-certificates-check") == {False}
    assert all("serves another certificate" in said for said in hosts.run("journalctl -u flask-certificates-check -n 5"))
    hosts.run("systemctl reload nginx && sleep 1")
    assert hosts.start("flask-certificates-check") == {True}
