# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and networks of real hosts: wildcards, single labels, no IPv6, health checks of load balancers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .harness import DOMAIN, EACH_PROXY, Server

#: Disables IPv6 for logins and proxies, as a kernel with ipv6.disable=1 does.
WITHOUT_IPV6 = """
for unit in ssh nginx apache2; do
    mkdir -p /etc/systemd/system/$unit.service.d
    printf '[Service]\\nRestrictAddressFamilies=\\nRestrictAddressFamilies=AF_INET AF_UNIX AF_NETLINK\\n' > /etc/systemd/system/$unit.service.d/no-ipv6.conf
done
systemctl daemon-reload
systemctl kill --kill-whom=all --signal=KILL ssh
systemctl restart ssh"""
WITH_IPV6 = """
rm /etc/systemd/system/*.service.d/no-ipv6.conf
systemctl daemon-reload
systemctl kill --kill-whom=all --signal=KILL ssh
systemctl restart ssh"""
STRANGER = """
python3 - <<'END'
import socket
connection = socket.create_connection(("{address}", 80))
connection.sendall(b"GET / HTTP/1.1\\r\\nHost: {address}\\r\\nX-Forwarded-For: {balancer}\\r\\nConnection: close\\r\\n\\r\\n")
print(connection.recv(4096))
END"""
LISTENING = "ss --no-header --listening --tcp --numeric '( sport = :80 or sport = :443 )' | awk '{print $4}' | sort -u | xargs"


@pytest.fixture(scope="module", params=EACH_PROXY)
def proxied(request: pytest.FixtureRequest, provisioned: Server) -> Iterator[Server]:
    """The server behind each proxy."""
    provisioned.reset()
    provisioned.variables = {"flask_proxy": request.param}
    yield provisioned
    provisioned.reset()


def test_wildcard_and_intranet_names_are_served(proxied: Server) -> None:
    proxied.app |= {"domains": [DOMAIN, f"*.{DOMAIN}", "intranet"], "redirect": False, "healthcheck": {"path": "/request", "status": 200}}
    proxied.others = [{**proxied.app, "name": "own", "domains": [f"own.{DOMAIN}"]}]
    proxied.apply("site")
    for name in (DOMAIN, f"one.{DOMAIN}", f"two.{DOMAIN}", "intranet"):
        seen = proxied.host.ask("/request", host=name).json
        assert (seen["host"], seen["url"], seen["remote_addr"] != "127.0.0.1") == (name, f"https://{name}/request", True)
        moved = proxied.host.ask("/a?b=c", host=name, port=80)
        assert (moved.status, moved.headers["location"]) == (308, f"https://{name}/a?b=c")
    assert proxied.host.ask("/request", host=f"own.{DOMAIN}").json["host"] == f"own.{DOMAIN}"
    proxied.app["env"] = {**proxied.app.get("env", {}), "CHANGED": "1"}
    proxied.apply("deploy")
    assert proxied.apply("deploy").changed == 0


#: A router that leads its port 8443 to port 443 of the host.
ROUTER = """nft '
add table ip router
add chain ip router in { type nat hook prerouting priority dstnat; }
add rule ip router in tcp dport 8443 redirect to :443'"""


def test_urls_have_the_port_of_the_router(proxied: Server) -> None:
    host, aliases = proxied.host, [f"www.{DOMAIN}", f"*.{DOMAIN}"]
    (proxied.source / "static").mkdir(exist_ok=True)
    (proxied.source / "static" / "index.html").write_text("page")
    proxied.others = []
    proxied.app |= {"domains": [DOMAIN, *aliases], "redirect": True, "public_port": 8443}
    proxied.app["static"] = [{"url": "/page", "path": "static", "fallback": "index.html"}]
    proxied.apply("site")
    host.sh(ROUTER)
    try:
        for name in (DOMAIN, f"one.{DOMAIN}"):
            for asked in (f"{name}:8443", name):
                seen = host.ask("/request", {"Host": asked}, host=name, port=8443).json
                assert (seen["host"], seen["url"]) == (f"{name}:8443", f"https://{name}:8443/request")
            moved = host.ask("/a?b=c", host=name, port=80)
            assert (moved.status, moved.headers["location"]) == (308, f"https://{name}:8443/a?b=c")
        moved = host.ask("/a?b=c", {"Host": f"{aliases[0]}:8443"}, host=aliases[0], port=8443)
        assert (moved.status, moved.headers["location"]) == (308, f"https://{DOMAIN}:8443/a?b=c")
        moved = host.ask("/page", {"Host": f"{DOMAIN}:8443"}, port=8443)
        assert moved.headers["location"] in ("/page/", f"https://{DOMAIN}:8443/page/")
        proxied.app["env"] = {**proxied.app.get("env", {}), "CHANGED": "2"}
        proxied.apply("deploy")
        assert proxied.apply("site").changed == 0
    finally:
        host.sh("nft delete table ip router")
        del proxied.app["public_port"], proxied.app["static"]
    proxied.apply("site")
    assert host.ask("/request").json["url"] == f"https://{DOMAIN}/request"


def test_health_check_of_a_load_balancer_needs_no_name(proxied: Server) -> None:
    host = proxied.host
    balancer = host.sh("ip route show default").split()[2]
    proxied.variables["flask_trusted_networks"] = [f"{balancer}/32"]
    proxied.apply("site")
    for path in ("/", "/any/path"):
        answer = host.ask(path, host=host.address, port=80)
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"healthy\n", "text/plain"), answer
    # A stranger that pretends to be the balancer, and a client of the balancer.
    assert "healthy" not in host.sh(STRANGER.format(balancer=balancer, address=host.address), check=False)
    try:
        assert host.ask("/", {"X-Forwarded-For": "203.0.113.7"}, host=host.address, port=80).status == 421
    except ConnectionResetError:
        assert proxied.variables["flask_proxy"] == "nginx"
    del proxied.variables["flask_trusted_networks"]


def test_tls_may_end_at_a_load_balancer(proxied: Server) -> None:
    host = proxied.host
    over_tls = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    proxied.others = []
    proxied.app |= {"domains": [DOMAIN, f"www.{DOMAIN}"], "redirect": True, "static": [{"url": "/static", "path": "static"}]}
    (proxied.source / "static").mkdir(exist_ok=True)
    (proxied.source / "static" / "app.css").write_text("css")
    proxied.apply("site")
    gateway = host.ask("/request").json["remote_addr"]
    proxied.variables |= {"flask_trusted_networks": [f"{gateway}/32"], "flask_tls_terminated_by": "balancer"}
    proxied.apply("site")
    try:
        seen = host.ask("/request", over_tls, port=80).json
        assert (seen["scheme"], seen["url"], seen["remote_addr"]) == ("https", f"https://{DOMAIN}/request", "203.0.113.7")
        assert host.ask("/static/app.css", over_tls, port=80).body == b"css"
        assert host.ask("/a", over_tls, host=f"www.{DOMAIN}", port=80).headers["location"] == f"https://{DOMAIN}/a"
        assert host.ask("/request").json["url"] == f"https://{DOMAIN}/request", "port 443 serves as before"
        for headers in ({}, {"X-Forwarded-Proto": "http"}):
            moved = host.ask("/a%20b?c=d", headers, port=80)
            assert (moved.status, moved.headers["location"]) == (308, f"https://{DOMAIN}/a%20b?c=d")
        # If no app has a certificate from an authority, there is no folder, and Apache answers 403.
        assert host.ask("/.well-known/acme-challenge/none", port=80).status in (403, 404), "the authority's question is not redirected"
        assert proxied.apply("site").changed == 0
        proxied.variables["flask_trusted_networks"] = ["198.51.100.0/24"]
        proxied.apply("site")
        assert host.ask("/a", over_tls, port=80).status == 308, "an unknown client is not trusted"
    finally:
        del proxied.variables["flask_trusted_networks"], proxied.variables["flask_tls_terminated_by"]
        del proxied.app["static"]
        proxied.apply("site")


def test_host_without_ipv6_serves_over_ipv4(proxied: Server) -> None:
    host = proxied.host
    host.sh(WITHOUT_IPV6)
    try:
        proxied.apply("site")
        unit = {"nginx": "nginx", "apache": "apache2"}[proxied.variables["flask_proxy"]]
        # As after a boot: all listening services started without IPv6.
        host.sh(f"systemctl restart {unit}")
        assert host.sh(LISTENING) == "0.0.0.0:443 0.0.0.0:80"
        assert host.ask("/request").status == 200
        assert proxied.apply("site").changed == 0
    finally:
        host.sh(WITH_IPV6)
    proxied.apply("site")
    host.sh(f"systemctl restart {unit}")
    assert "[::]:443" in host.sh(LISTENING) or "*:443" in host.sh(LISTENING)
