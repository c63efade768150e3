# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app's database and queue on the host, and the variables by which the app finds them."""

from __future__ import annotations

import typing as t

#: The values of the key ``database``; each has a role of the same name.
DATABASES = ("mariadb", "postgresql")
#: The values of the key ``queue``; each has a role of the same name.
QUEUES = ("valkey",)

#: The URL of an app's database, by server. PyMySQL does not take the account from the process, so it is in the URL.
_URLS = {
    "mariadb": "mysql+pymysql://flask-{name}@/flask-{name}?unix_socket=/run/mysqld/mysqld.sock&charset=utf8mb4",
    "postgresql": "postgresql:///flask-{name}?host=/run/postgresql",
}
#: The unit of the pool in front of PostgreSQL, and the folder of its socket in /run.
POOL = "flaskyard-pgbouncer"


def store_problems(app: dict[str, t.Any]) -> t.Iterator[str]:
    """The problems of the keys about databases and queues."""
    if app.get("database_pool") and app.get("database") != "postgresql":
        yield f"database_pool needs database 'postgresql', and database is {app.get('database')!r}; remove database_pool, or change database"


def store_environment(name: str, database: str | None, pooled: bool, queue: str | None) -> dict[str, str]:
    """The environment variables by which an app finds its database and queue. None holds a secret: the server asks the kernel who connects.

    :param name: of the app.
    :param database: one of DATABASES.
    :param pooled: whether it goes through the pool.
    :param queue: one of QUEUES.
    """
    found = {}
    if database:
        direct = _URLS[database].format(name=name)
        found["DATABASE_URL"] = f"postgresql:///flask-{name}?host=/run/{POOL}" if pooled else direct
        if pooled:
            found["DATABASE_DIRECT_URL"] = direct
    if queue:
        # redis-py and RQ accept only the first form, kombu (and so Celery) only the second.
        found["REDIS_URL"] = f"unix://{queue_socket(name, queue)}"
        found["CELERY_BROKER_URL"] = f"redis+socket://{queue_socket(name, queue)}"
    return found


def queue_place(name: str, queue: str) -> str:
    """The name of an app's queue: of its unit, runtime directory and state directory. No app's unit or directory has such a name."""
    return f"flaskyard-{queue}-{name}"


def queue_socket(name: str, queue: str) -> str:
    """The socket of an app's queue."""
    return f"/run/{queue_place(name, queue)}/{queue}.sock"


def store_units(name: str, database: str | None, pooled: bool, queue: str | None) -> list[str]:
    """The units that must start before the app at boot."""
    servers = [f"{database}.service"] if database else []
    return [*servers, *([f"{POOL}.service"] if pooled else []), *([f"{queue_place(name, queue)}.service"] if queue else [])]
