# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases to render: each role with its defaults, and with every value that changes its templates."""

from __future__ import annotations

from typing import Any

from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import MANAGERS, PROXIES, SERVERS

HASH = "$6$change$8ooE9OwbP64ROyCWSH/02V/gz5bnYszvMp48tBGb5ggFK4iPA.LZ7PosQlxNK8LvLrPb4TKFPiQPIdfTycopU/"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PLAIN: dict[str, Any] = {"name": "plain", "source": {"path": "/app"}, "wsgi": "app:app", "domains": ["plain.test"]}
RICH: dict[str, Any] = {
    **PLAIN,
    "name": "rich",
    "domains": ["rich.test", "www.rich.test", "rich.example"],
    "tls": {"issuer": "selfsigned"},
    "static": [{"url": "/static", "path": "static"}, {"url": "/uploads", "path": "uploads"}],
    "persist": ["uploads", "instance"],
    "streaming": ["/stream"],
    "rate_limit": {"requests_per_second": 1, "burst": 2, "paths": ["/pid"]},
    "access": [{"path": "/env", "allow": ["192.0.2.0/24", "2001:db8::/32"]}, {"path": "/process", "users": {"ada": HASH}}, {"path": "/process/open"}],
    "headers": {"X-Signs": r"\"'%%{Host}i %n \\ ;#{}", "X-Content-Type-Options": ""},
    "max_body_mb": 128,
    "timeout_seconds": 2,
    "env": {"QUOTES": "'\" $HOME %n\n", "PLAIN": "a"},
    "sandbox": {"network": False, "memory_max_mb": 512, "groups": ["redis"], "writable_paths": ["/mnt/a"], "devices": ["/dev/ttyS0"], "home_cache": True},
    "nginx_extra": "location = /raw { return 410; }",
    "apache_extra": "RewriteRule ^/raw$ - [R=410,L]",
}
#: Arguments that systemd or supervisor would change if they stood as they are.
ARGUMENTS = r"""env A="%n" '$HOME' '%%' 'a\b' \" 'x;y' 'it ; is' ' #1' '#' '' ü"""
WORK: dict[str, Any] = {
    "release_command": "flask db upgrade",
    "processes": [
        {"name": "worker", "command": ARGUMENTS, "count": 2, "memory_max_mb": 128, "stop_signal": "INT"},
        {"name": "mail-out", "command": "flask mail"},
    ],
    "schedules": [
        {"name": "nightly", "command": ARGUMENTS, "calendar": "Mon..Fri *-*-* 03:30:00 UTC", "catch_up": True, "random_delay_seconds": 60, "memory_max_mb": 64},
        {"name": "often", "command": "flask poll", "calendar": "*:0/5"},
    ],
}
BELOW = {
    **PLAIN,
    "name": "below",
    "domains": RICH["domains"],
    "path": "/below",
    "tls": RICH["tls"],
    "error_page": "error.html",
    "maintenance_page": "down.html",
}
BOTH = {
    **PLAIN,
    "name": "both",
    "domains": ["one.test", "two.test", "*.one.test"],
    "redirect": False,
    "public_port": 8443,
    "tls": {"issuer": "selfsigned"},
    "rate_limit": RICH["rate_limit"],
    "access": RICH["access"],
}
ROUTES = {
    **PLAIN,
    "name": "routes",
    "domains": ["routes.test", "www.routes.test"],
    "public_port": 444,
    "access": [{"path": "/admin", "allow": ["192.0.2.0/24"]}],
    "static": [
        {"url": "/", "path": "dist", "fallback": "index.html", "app_paths": ["/api", "/socket.io"]},
        {"url": "/favicon.ico", "path": "static/favicon.ico"},
        {"url": "/.well-known/security.txt", "path": "static/security.txt"},
        {"url": "/desk", "path": "desk", "fallback": "pages/start.html"},
    ],
}
MOUNTED = {**PLAIN, "name": "mounted", "domains": ["mounted.test"], "path": "/api", "static": [{"url": "/", "path": "dist", "fallback": "index.html"}]}
TENANTS = {**PLAIN, "domains": ["plain.test", "*.plain.test"], "tls": {"challenge": "dns"}}
SERVICE = {
    "name": "files",
    "domains": RICH["domains"],
    "path": "/files",
    "upstream": "127.0.0.1:3000",
    "access": [{"path": "/locked", "allow": ["192.0.2.0/24"]}],
}
STORES = {**PLAIN, "domains": [], "database": "postgresql", "database_pool": True, "queue": "valkey"}
BALANCERS = {"flask_trusted_networks": ["192.0.2.0/24"], "flask_proxy_protocol": True}


def rich(manager: str) -> dict[str, Any]:
    """An app with all that this process manager can do."""
    if manager == "systemd":
        return {**RICH, **WORK}
    processes = [{key: value for key, value in process.items() if key != "memory_max_mb"} for process in WORK["processes"]]
    return {key: value for key, value in {**RICH, **WORK, "processes": processes}.items() if key != "sandbox"}


Case = tuple[str, dict[str, Any]]
#: A role and its variables, by name.
CASES: dict[str, Case] = {
    "app": ("app", {"flask_apps": [PLAIN, RICH]}),
    "backup": (
        "backup",
        {"flask_apps": [RICH], "backup_commands": [{"name": "dump", "user": "nobody", "command": "seq 9"}], "backup_on_failure": ["alert.service"]},
    ),
    "firewall": ("firewall", {"firewall_allow": [{"port": "8001-8002,8100", "from": ["10.0.0.0/8", "fe80::/10"]}, {"port": 8200}]}),
    "host": ("host", {}),
    "mariadb": ("mariadb", {"flask_apps": [{**PLAIN, "database": "mariadb"}], "mariadb_settings": {"event_scheduler": "ON"}}),
    "postgresql": (
        "postgresql",
        {"flask_apps": [STORES], "postgresql_hba": ["host a a 192.0.2.0/24 cert"], "postgresql_settings": {"jit": "off"}},
    ),
    "python": ("python", {"python_ca_certificates": [PEM], "python_index_url": "https://user:secret@pypi.test/simple"}),
    "supervisor": ("supervisor", {}),
    "systemd": ("systemd", {"systemd_slice_memory_max": "2G"}),
    "valkey": ("valkey", {"flask_apps": [STORES, {**STORES, "name": "other"}], "valkey_settings": {"hz": 20}}),
    "tls": ("tls", {"flask_apps": [{**PLAIN, "tls": {"issuer": "letsencrypt"}}], "tls_email": "ops@plain.test", "tls_acme_ca_file": "/etc/hostname"}),
    "tls by dns": ("tls", {"flask_apps": [TENANTS], "tls_dns_provider": "route53", "tls_dns_credentials": {"aws_access_key_id": "a"}}),
    "tls by google": ("tls", {"flask_apps": [TENANTS], "tls_dns_provider": "google", "tls_dns_credentials": {"type": "service_account"}}),
    **{
        f"{proxy}, {name}": (proxy, {"flask_proxy": proxy, **variables})
        for proxy in PROXIES
        for name, variables in (
            ("no app", {"flask_apps": []}),
            ("plain", {"flask_apps": [PLAIN]}),
            ("rich", {"flask_apps": [RICH, BELOW, PLAIN, BOTH, ROUTES, MOUNTED], "flask_proxy_services": [SERVICE]}),
            ("behind balancers", {"flask_apps": [PLAIN, BELOW], **BALANCERS}),
            ("tls of balancers", {"flask_apps": [RICH, BOTH, ROUTES], **BALANCERS, "flask_tls_terminated_by": "balancer", "flask_proxy_protocol": False}),
        )
    },
    **{
        f"{server}, {manager}": (server, {"flask_apps": [{**app, "server": server} for app in (PLAIN, rich(manager))], "flask_manager": manager})
        for server, kind in SERVERS.items()
        for manager in MANAGERS
        if manager in kind.managers
    },
}
