# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings about declarations that are valid."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.remarks import PLACEHOLDER, remarks

ROOT = Path(__file__).resolve().parents[3]
STORES = {"database": "postgresql", "queue": "valkey"}


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ({"env": {"MAIL_PASSWORD": PLACEHOLDER}}, ["env.MAIL_PASSWORD is still 'change-me'; put the real value into the vault"]),
        ({"env": {"PIN": 7, "DEBUG": False}}, []),
        ({**STORES, "env": {"DATABASE_URL": "postgres://ada@ec2.example.com/d1"}}, ["env.DATABASE_URL takes the place of the app's own database"]),
        ({**STORES, "env": {"REDIS_URL": "redis://ec2.example.com"}}, ["env.REDIS_URL takes the place of the app's own queue"]),
        ({**STORES, "env": {"DATABASE_URL": "postgresql+asyncpg:///flask-shop?host=/run/postgresql"}}, []),
        ({**STORES, "env": {"REDIS_URL": "redis+socket:///run/flaskyard-valkey-shop/valkey.sock?virtual_host=1"}}, []),
        ({"nginx_extra": "server_tokens on;"}, []),
        ({"apache_extra": "Require all granted"}, ["apache_extra has no effect, because the proxy is nginx"]),
        ({"env": {"DATABASE_URL": "postgres://ada@db.example.com/d1"}}, []),
    ],
)
def test_suspicious_values_are_named(app: dict[str, t.Any], words: list[str]) -> None:
    found = [*remarks([{"name": "shop", **app}], [], "nginx")]
    assert len(found) == len(words) and all(word in text for word, text in zip(words, found, strict=True))


def test_rules_for_another_proxy_are_named_for_services_too() -> None:
    [said] = remarks([], [{"name": "grafana", "nginx_extra": "server_tokens on;"}], "apache")
    assert said.startswith("service 'grafana': nginx_extra has no effect, because the proxy is apache")


def test_init_writes_the_placeholder() -> None:
    assert f': "{PLACEHOLDER}"\n' in (ROOT / "playbooks/templates/init/vault.yml.j2").read_text()
