# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an app keeps its data besides files: a database and a queue of its own on the host, and how it finds them."""

from __future__ import annotations

import typing as t

#: Servers that the key ``database`` takes; each has a role of the same name.
DATABASES = ("mariadb", "postgresql")
#: Servers that the key ``queue`` takes, likewise.
QUEUES = ("valkey",)

#: By server, where an app finds its database. PyMySQL asks for a name of its own: the account has to be in the URL.
_URLS = {
    "mariadb": "mysql+pymysql://flask-{name}@/flask-{name}?unix_socket=/run/mysqld/mysqld.sock&charset=utf8mb4",
    "postgresql": "postgresql:///flask-{name}?host=/run/postgresql",
}
#: The unit of the pool in front of PostgreSQL, and the folder of its socket in /run.
POOL = "flaskyard-pgbouncer"


def store_problems(app: dict[str, t.Any]) -> t.Iterator[str]:
    """What is wrong with how an app asks for its stores."""
    if app.get("database_pool") and app.get("database") != "postgresql":
        yield "database_pool is for database 'postgresql'; drop it, or add the key database"


def store_environment(name: str, database: str | None, pooled: bool, queue: str | None) -> dict[str, str]:
    """The environment variables by which an app finds its stores. None holds a secret: the socket tells who connects.

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
        # redis-py and RQ take the first form alone, kombu and with it Celery the second.
        found["REDIS_URL"] = f"unix://{queue_socket(name, queue)}"
        found["CELERY_BROKER_URL"] = f"redis+socket://{queue_socket(name, queue)}"
    return found


def queue_place(name: str, queue: str) -> str:
    """What an app's queue has its name from: unit, runtime directory and state directory. No app has a unit or a directory of such a name."""
    return f"flaskyard-{queue}-{name}"


def queue_socket(name: str, queue: str) -> str:
    """The socket of an app's queue."""
    return f"/run/{queue_place(name, queue)}/{queue}.sock"


def store_units(name: str, database: str | None, pooled: bool, queue: str | None) -> list[str]:
    """The units that have to be up before the app is, at a boot."""
    servers = [f"{database}.service"] if database else []
    return [*servers, *([f"{POOL}.service"] if pooled else []), *([f"{queue_place(name, queue)}.service"] if queue else [])]
