# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment variables for an app's database and queue."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.model import AppModelError, complete_apps

APP: dict[str, t.Any] = {"name": "shop", "source": {"path": "/"}, "wsgi": "shop:app"}


def environment(**keys: t.Any) -> dict[str, str]:
    return {name: value for name, value in complete_apps([{**APP, **keys}])[0]["env"].items() if name != "FLASK_APP"}


def test_app_without_stores_gets_nothing() -> None:
    [app] = complete_apps([APP])
    assert (environment(), app["store_units"], app["queue_place"]) == ({}, [], None)


def test_one_line_gives_an_app_its_database_and_queue() -> None:
    assert environment(database="postgresql", queue="valkey") == {
        "DATABASE_URL": "postgresql:///flask-shop?host=/run/postgresql",
        "REDIS_URL": "unix:///run/flaskyard-valkey-shop/valkey.sock",
        "CELERY_BROKER_URL": "redis+socket:///run/flaskyard-valkey-shop/valkey.sock",
    }


def test_each_server_has_a_url_that_its_driver_takes() -> None:
    [app] = complete_apps([{**APP, "database": "mariadb"}])
    url = "mysql+pymysql://flask-shop@/flask-shop?unix_socket=/run/mysqld/mysqld.sock&charset=utf8mb4"
    assert (app["env"]["DATABASE_URL"], app["store_units"]) == (url, ["mariadb.service"])


def test_pool_is_in_front_and_can_be_passed() -> None:
    assert environment(database="postgresql", database_pool=True) == {
        "DATABASE_URL": "postgresql:///flask-shop?host=/run/flaskyard-pgbouncer",
        "DATABASE_DIRECT_URL": "postgresql:///flask-shop?host=/run/postgresql",
    }
    for other in ({}, {"database": "mariadb"}):
        with pytest.raises(AppModelError, match="database_pool needs database 'postgresql'"):
            environment(database_pool=True, **other)


def test_users_own_value_wins() -> None:
    given = {"DATABASE_URL": "postgresql+psycopg:///flask-shop?host=/run/postgresql", "A": 1}
    assert environment(database="postgresql", env=given) == {**given, "A": "1"}


def test_servers_start_before_the_app() -> None:
    [app] = complete_apps([{**APP, "database": "postgresql", "database_pool": True, "queue": "valkey"}])
    assert app["store_units"] == ["postgresql.service", "flaskyard-pgbouncer.service", "flaskyard-valkey-shop.service"]


@pytest.mark.parametrize("keys", [{"database": "oracle"}, {"queue": "kafka"}, {"database": True}])
def test_other_servers_are_refused(keys: dict[str, t.Any]) -> None:
    with pytest.raises(AppModelError, match=f"{next(iter(keys))} is .*expected"):
        complete_apps([{**APP, **keys}])
