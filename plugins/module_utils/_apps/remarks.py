# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is valid in a declaration, and probably not meant."""

from __future__ import annotations

import typing as t

from .providers import PROXIES
from .stores import store_environment

#: What C(flaskyard.server.init) writes in place of a secret.
PLACEHOLDER = "change-me"


def remarks(apps: list[dict[str, t.Any]], proxy: str = "nginx") -> t.Iterator[str]:
    """Warnings about valid apps, in words.

    :param apps: as the user declares them.
    :param proxy: of the host.
    """
    for app in apps:
        for other in PROXIES:
            if other != proxy and app.get(f"{other}_extra"):
                yield f"app {app['name']!r}: {other}_extra has no effect, because the proxy is {proxy}; write its rules into {proxy}_extra, or remove it"
        env = {name: str(value) for name, value in app.get("env", {}).items()}
        for name, value in env.items():
            if value == PLACEHOLDER:
                yield f"app {app['name']!r}: env.{name} is still {PLACEHOLDER!r}; put the real value into the vault"
        own = store_environment(app["name"], app.get("database"), app.get("database_pool", False), app.get("queue"))
        for name in own:
            # A URL for another driver names the same database, or the same socket.
            if name in env and f"flask-{app['name']}" not in env[name] and f"-{app['name']}/" not in env[name]:
                key = "database" if name.startswith("DATABASE") else "queue"
                yield f"app {app['name']!r}: env.{name} takes the place of the app's own {key}, which stays unused; remove it, or the key {key}"
