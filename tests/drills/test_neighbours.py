# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's roles on the same host. A stand-in does what each of them does; `docs/howto/own_playbooks.md` has the table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .harness import Server

pytestmark = pytest.mark.long

#: geerlingguy.nginx writes a whole nginx.conf, with the folders of Debian.
NGINX = r"""
cat > /etc/nginx/nginx.conf <<'CONF'
user www-data;
error_log /var/log/nginx/error.log warn;
pid /run/nginx.pid;
worker_processes auto;
events { worker_connections 1024; multi_accept off; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  server_names_hash_bucket_size 64;
  client_max_body_size 64m;
  access_log /var/log/nginx/access.log;
  sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_timeout 75; keepalive_requests 600;
  server_tokens on;
  include /etc/nginx/conf.d/*.conf;
  include /etc/nginx/sites-enabled/*;
}
CONF
nginx -t 2>&1 && systemctl reload nginx
"""

#: geerlingguy.firewall flushes the tables of iptables and allows ports one by one.
FIREWALL = """
{ apt-get -qq update; apt-get -qq install -y --no-install-recommends iptables; } >/dev/null 2>&1
iptables -F; iptables -X; iptables -t nat -F 2>/dev/null || true
iptables -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
iptables -A INPUT -i lo -j ACCEPT
for port in 22 25 80 443; do iptables -A INPUT -p tcp -m tcp --dport $port -j ACCEPT; done
iptables -A INPUT -j REJECT
"""

#: geerlingguy.certbot installs Debian's certbot, with its timer.
CERTBOT = """
{ apt-get -qq update; apt-get -qq install -y --no-install-recommends certbot; } >/dev/null 2>&1
systemctl enable --now certbot.timer
"""

#: devsec.hardening hides other users' processes, mounts /tmp noexec, makes files private, and turns core dumps and SSH forwarding off.
HARDENING = """
mount -o remount,hidepid=2 /proc
mountpoint -q /tmp || mount -t tmpfs tmpfs /tmp
mount -o remount,noexec,nosuid,nodev /tmp
mountpoint -q /dev/shm && mount -o remount,noexec,nosuid,nodev /dev/shm
sed -i 's/^UMASK.*/UMASK 027/' /etc/login.defs
echo 'umask 027' > /etc/profile.d/99-umask.sh; sed -i '1i umask 027' /root/.bashrc
echo '* hard core 0' > /etc/security/limits.d/10.hardcore.conf
chmod 0750 /usr/bin/gcc* /usr/bin/cc 2>/dev/null || true
printf '%s\\n' 'AllowTcpForwarding no' 'X11Forwarding no' 'MaxAuthTries 2' 'MaxSessions 10' 'UseDNS no' > /etc/ssh/sshd_config.d/10-hardening.conf
systemctl reload ssh
"""


@pytest.fixture(params=["nginx", "firewall", "certbot", "hardening"])
def neighbour(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    with Server.provisioned("neighbours", tmp_path_factory.mktemp("neighbours")) as server:
        yield server, {"nginx": NGINX, "firewall": FIREWALL, "certbot": CERTBOT, "hardening": HARDENING}[request.param]


def test_host_with_roles_of_others_serves_and_stays_unchanged(neighbour: tuple[Server, str]) -> None:
    server, stand_in = neighbour
    server.begin("site")
    server.host.sh(stand_in)
    assert server.marker() == "one.a", "what served still serves"
    server.app["env"]["PROBE_MARKER"] = "b"
    server.apply("site")
    assert server.marker() == "one.b"
    assert server.apply("site").changed == 0
    server.host.sh(stand_in)
    assert server.marker() == "one.b", "their next run does not take it away"
