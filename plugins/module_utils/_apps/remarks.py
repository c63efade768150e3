# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is valid in a declaration, and probably not meant."""

from __future__ import annotations

import typing as t

from .providers import PROXIES
from .stores import store_environment

Declared = dict[str, t.Any]
#: What C(flaskyard.server.init) writes in place of a secret.
PLACEHOLDER = "change-me"


def remarks(apps: list[Declared], services: list[Declared], proxy: str) -> t.Iterator[str]:
    """Warnings, in words.

    :param apps: valid apps, as the user declares them.
    :param services: the same of services.
    :param proxy: of the host.
    """
    for kind, places in (("app", apps), ("service", services)):
        for place in places:
            yield from (f"{kind} {place['name']!r}: {words}" for words in _of_other_proxies(place, proxy))
    for app in apps:
        yield from (f"app {app['name']!r}: {words}" for words in (*_placeholders(app), *_hidden_stores(app)))


def _of_other_proxies(place: Declared, proxy: str) -> t.Iterator[str]:
    for other in PROXIES:
        if other != proxy and place.get(f"{other}_extra"):
            yield f"{other}_extra has no effect, because the proxy is {proxy}; write its rules into {proxy}_extra, or remove it"


def _placeholders(app: Declared) -> t.Iterator[str]:
    for name, value in app.get("env", {}).items():
        if str(value) == PLACEHOLDER:
            yield f"env.{name} is still {PLACEHOLDER!r}; put the real value into the vault"


def _hidden_stores(app: Declared) -> t.Iterator[str]:
    env = app.get("env", {})
    for name in store_environment(app["name"], app.get("database"), app.get("database_pool", False), app.get("queue")):
        # A URL for another driver names the same database, or the same socket.
        if name in env and not any(own in str(env[name]) for own in (f"flask-{app['name']}", f"-{app['name']}/")):
            key = "database" if name.startswith("DATABASE") else "queue"
            yield f"env.{name} takes the place of the app's own {key}, which stays unused; remove it, or the key {key}"
