# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates by DNS-01, with Pebble as the authority. certbot changes BIND by RFC 2136."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .harness import HOSTS, Server

ZONE = "dns.test"
PROPAGATION = 1
BIND = f"""
apt-get update -q >/dev/null; apt-get install -y -q bind9 pebble >/dev/null
cat > /var/cache/bind/{ZONE} <<'END'
$TTL 1
@ SOA ns.{ZONE}. admin.{ZONE}. 1 60 60 3600 1
@ NS ns.{ZONE}.
ns A 127.0.0.1
END
chown bind: /var/cache/bind/{ZONE}
"""
#: Makes a BIND key that may write TXT records, and prints its secret.
KEY = f"""
tsig-keygen flaskyard. > /etc/bind/flaskyard.key
chgrp bind /etc/bind/flaskyard.key
cat > /etc/bind/named.conf.local <<'END'
include "/etc/bind/flaskyard.key";
zone "{ZONE}" {{ type primary; file "/var/cache/bind/{ZONE}"; update-policy {{ grant flaskyard. zonesub TXT; }}; }};
END
systemctl restart named
sed -n 's/.*secret "\\(.*\\)";/\\1/p' /etc/bind/flaskyard.key
"""
PEBBLE = """
# It refuses every twentieth request on purpose; another run would pass.
sed -i 's/^ExecStart=.*/& -dnsserver 127.0.0.1:53/; s/^Environment=.*/& PEBBLE_WFE_NONCEREJECT=0/' /etc/systemd/system/pebble.service
systemctl daemon-reload; systemctl restart pebble
"""
#: The unit of the renewal, as if every certificate were due.
RENEW = """
mkdir -p /run/systemd/system/flask-certbot.service.d
command=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/flask-certbot.service)
printf '[Service]\\nExecStart=\\nExecStart=%s --force-renewal\\n' "$command" > /run/systemd/system/flask-certbot.service.d/due.conf
systemctl daemon-reload; systemctl start flask-certbot
"""
SERVED = f"echo | openssl s_client -connect 127.0.0.1:443 -servername {ZONE} 2>/dev/null | openssl x509 -noout"


@pytest.fixture
def secret(server: Server, tmp_path: Path) -> str:
    """The server with an authority and its own zone, and the secret that may change the zone."""
    script = (Path(HOSTS[1]).with_name("ca.sh")).read_text()
    server.host.sh(BIND)
    found = server.host.sh(KEY)
    server.host.sh(f"set -- localhost 14000 15000 {90 * 24 * 3600}\n{script}\n{PEBBLE}")
    (tmp_path / "ca.pem").write_text(server.host.sh("cat /etc/pebble/ca.pem"))
    server.app |= {"domains": [ZONE, f"*.{ZONE}"], "tls": {"challenge": "dns"}}
    server.variables = {
        "tls_acme_directory": "https://localhost:14000/dir",
        "tls_acme_ca_file": str(tmp_path / "ca.pem"),
        "tls_dns_provider": "rfc2136",
        "tls_dns_credentials": credentials(found),
        "tls_dns_propagation_seconds": PROPAGATION,
    }
    return found


def credentials(secret: str) -> dict[str, str]:
    return {
        "dns_rfc2136_server": "127.0.0.1",
        "dns_rfc2136_name": "flaskyard.",
        "dns_rfc2136_secret": secret,
        "dns_rfc2136_algorithm": "HMAC-SHA256",
    }


@pytest.mark.long
def test_wildcard_is_signed_and_renewed_by_dns(server: Server, secret: str) -> None:
    host = server.host
    del server.variables["tls_dns_provider"]
    assert "An app has challenge: dns in tls. Set tls_dns_provider (it is empty) and tls_dns_credentials" in " ".join(server.play("site").failure.split())
    server.variables["tls_dns_provider"] = "rfc2136"
    checked = server.apply("site", "--check", "--diff")
    assert secret not in checked.output
    server.apply("site")
    assert set(host.sh(f"{SERVED} -ext subjectAltName").replace(",", " ").split()) >= {f"DNS:{ZONE}", f"DNS:*.{ZONE}"}
    assert "Pebble" in host.sh(f"{SERVED} -issuer")
    assert host.ask("/request", host=f"one.{ZONE}").json["host"] == f"one.{ZONE}"
    again = server.apply("site")
    assert again.changed == 0, again.output[-6000:]
    locked = host.sh("cat /opt/flaskyard/certbot+dns-rfc2136-*/requirements.txt")
    hashed = set(re.findall(r"^([\w-]+)==.*\n +--hash=", locked, re.MULTILINE))
    assert hashed >= {"certbot", "certbot-dns-rfc2136", "dnspython"}

    # A new secret takes effect without a new certificate, and the renewal uses it.
    before = host.sh(f"{SERVED} -serial")
    server.variables["tls_dns_credentials"] = credentials(new := host.sh(KEY))
    changed = server.apply("site", "--diff")
    assert changed.changed and new not in changed.output and host.sh(f"{SERVED} -serial") == before
    host.sh(RENEW)
    assert host.sh(f"{SERVED} -serial") != before
    assert host.sh("stat -c '%a %U' /etc/flask-tls/dns-rfc2136.ini") == "600 root"
    assert host.sh(f"grep -rlF '{new}' /var/log /etc/flask-tls /var/lib/flask-certbot; journalctl -o cat | grep -cF '{new}' || true").split() == [
        "/etc/flask-tls/dns-rfc2136.ini",
        "0",
    ]

    # A secret that cannot change the zone is reported, and the old certificate is still served.
    serial = host.sh(f"{SERVED} -serial")
    server.variables["tls_dns_credentials"] = credentials("d3Jvbmc=")
    server.app["domains"] = [ZONE, f"*.{ZONE}", f"a.b.{ZONE}"]
    server.play("site").assert_says("app probe", "tls_dns_credentials")
    assert host.sh(f"{SERVED} -serial") == serial

    server.reset()
    server.apply("site")
    assert host.sh("ls /etc/flask-tls/dns-* /etc/systemd/system/flask-certbot.* 2>/dev/null || true") == ""
