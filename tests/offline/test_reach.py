# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every key of an app reaches the outputs that its declaration names, and no others. A key without any would be accepted and ignored."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.keys import APP

from .controller import Controller, Run

HASH = "$6$salt$abcdefghijklmnopqrstuvwxyz"
#: A value for each key that an app does not have by default; where a key shows only together with others, those are in COMPANY.
VALUES: dict[str, Any] = {
    "source": {"git": "https://git.example.com/other.git", "version": "main"},
    "wsgi": "other:app",
    "python": "3.12",
    "installer": "pip",
    "requirements": "other.txt",
    "install_project": True,
    "packages": ["openssl"],
    "build_packages": ["git"],
    "build_command": "make",
    "release_command": "flask db upgrade",
    "release_command_once": False,
    "release_command_timeout_seconds": 7,
    "keep_releases": 7,
    "server": "fastcgi",
    "server_requirements": ["gunicorn==26.0.0"],
    "directory": "backend",
    "workers": 7,
    "threads": 7,
    "workload": "io",
    "graceful_timeout_seconds": 77,
    "gunicorn": {"worker_class": "gevent"},
    "uwsgi": {"protocol": "uwsgi", "package": "debian"},
    "granian": {"backpressure": 7},
    "waitress": {"connection_limit": 7},
    "mod_wsgi": {"connections": 77},
    "passenger": {"queue_size": 7},
    "env": {"A": "b"},
    "files": [{"path": "shop.cfg", "variable": "SHOP_SETTINGS", "content": "a"}],
    "database": "postgresql",
    "database_pool": True,
    "queue": "valkey",
    "persist": ["uploads"],
    "persist_files": ["conf/shop.db"],
    "healthcheck": {"path": "/healthz"},
    "processes": [{"name": "worker", "command": "celery -A shop worker"}],
    "schedules": [{"name": "nightly", "command": "flask tidy", "calendar": "daily"}],
    "exclusive": True,
    "procfile": True,
    "sandbox": {"network": False},
    "domains": ["other.NAME.test"],
    "path": "/below",
    "redirect": False,
    "public_port": 8443,
    "tls": {"issuer": "letsencrypt"},
    "streaming": ["/events"],
    "rate_limit": {"requests_per_second": 7},
    "access": [{"users": {"ada": HASH}}],
    "maintenance": True,
    "headers": {"X-A": "b"},
    "max_body_mb": 7,
    "timeout_seconds": 77,
    "nginx_extra": "# extra",
    "apache_extra": "# extra",
    "static": [{"url": "/static", "path": "static"}],
    "maintenance_page": "page.html",
    "error_page": "page.html",
}
COMPANY: dict[str, dict[str, Any]] = {
    **{server: {"server": server} for server in ("uwsgi", "granian", "waitress", "mod_wsgi", "passenger")},
    "max_body_mb": {"server": "waitress"},
    "database_pool": {"database": "postgresql"},
    "redirect": {"domains": ["NAME.test", "other.NAME.test"]},
    "maintenance_page": {"maintenance": True},
}


def app(name: str, keys: dict[str, Any]) -> dict[str, Any]:
    whole = {
        "source": {"git": "https://git.example.com/shop.git", "version": "main"},
        "wsgi": "shop:app",
        "domains": ["NAME.test"],
        "tls": {"issuer": "selfsigned"},
    }
    named: dict[str, Any] = json.loads(json.dumps({**whole, **keys}).replace("NAME", name))
    return {"name": name, **named}


def parts(run: Run, name: str) -> dict[str, str]:
    """What a run sends of an app, by destination, with its name taken out."""
    found: dict[str, list[Any]] = {kind: [] for kind in ("release", "slot", "proxy", "certificate", "backup")}
    for call in run.calls:
        kind, options = call["module"], call["options"]
        if kind in ("release", "slot", "certificate"):
            found[kind] += [item for item in options["apps"] if item["name"] == name]
        if kind == "slot" and name in options["files"]:
            found[kind] += [options["files"][name], options["environments"][name], options["secret_files"].get(name)]
        if kind == "fileset":
            destination = {"nginx": "proxy", "apache": "proxy", "backup": "backup"}.get(options["name"], "")
            # The units of the backup name all apps in one line.
            texts = {item["path"]: item.get("content", "") for item in options["files"] if destination and not item["path"].endswith((".service", "@.service"))}
            found[destination or "slot"] += [
                text if name in path else [block.strip() for block in text.split("\n\n") if re.search(rf"\b{name}\b", block)]
                for path, text in texts.items()
                if name in path or re.search(rf"\b{name}\b", text)
            ]
    return {kind: json.dumps(value, sort_keys=True).replace(name, "NAME") for kind, value in found.items()}


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """By key: what differs between an app with it and one without."""
    names = {key: (f"with{number:02}x", f"less{number:02}x") for number, key in enumerate(VALUES)}
    apps = [app(pair[0], {**COMPANY.get(key, {}), key: VALUES[key]}) for key, pair in names.items()]
    apps += [app(pair[1], COMPANY.get(key, {})) for key, pair in names.items()]
    found: dict[str, set[str]] = {key: set() for key in names}
    controller = Controller(tmp_path_factory.mktemp("reach"))
    for proxy in ("nginx", "apache"):
        roles = [{"role": f"flaskyard.server.{name}"} for name in ("app", proxy, "tls", "backup")]
        serve = [{"ansible.builtin.import_role": {"name": "flaskyard.server.app", "tasks_from": "serve"}}]
        run = controller.play([{"roles": roles, "tasks": serve if proxy == "nginx" else []}], flask_apps=apps, flask_proxy=proxy)
        assert run.ok, run.output[-3000:]
        for key, (one, other) in names.items():
            mine, plain = parts(run, one), parts(run, other)
            found[key] |= {kind for kind in mine if mine[kind] != plain[kind]}
    return found


def test_there_is_a_value_for_every_key() -> None:
    assert VALUES.keys() == APP.keys() - {"name"}


@pytest.mark.parametrize("key", VALUES)
def test_every_key_has_its_effect(key: str, reached: dict[str, set[str]]) -> None:
    assert reached[key] == set(APP[key].reaches)
