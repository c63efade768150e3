# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supported combinations of server, proxy and process manager, in the order in which the hosts go through them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import MANAGERS, PROXIES, SERVERS, protocol

#: Ways to run a server that differ in more than a number: the keys of an app, by name of the way.
WAYS: dict[str, dict[str, dict[str, Any]]] = {
    "gunicorn": {
        "gunicorn": {},
        "gunicorn, threads": {"threads": 4},
        "gunicorn, gevent": {"gunicorn": {"worker_class": "gevent"}},
    },
    "uwsgi": {
        "uwsgi": {},
        "uwsgi, its own protocol": {"uwsgi": {"protocol": "uwsgi"}},
        "uwsgi of Debian": {"uwsgi": {"package": "debian"}},
    },
}


@dataclass(frozen=True)
class Combination:
    """One way to run an app. `keys` are those of the app, `variables` those of its host."""

    way: str
    server: str
    proxy: str
    manager: str
    keys: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """Its name in the table and in a test's id."""
        return f"{self.way} / {self.proxy} / {self.manager}"

    @property
    def place(self) -> str:
        """The name of all combinations with its proxy and process manager."""
        return f"{self.proxy}-{self.manager}"

    @property
    def variables(self) -> dict[str, str]:
        """The variables that choose it."""
        return {"flask_proxy": self.proxy, "flask_manager": self.manager}

    @property
    def waits_for_uploads(self) -> bool:
        """Whether a worker gets a request only with its complete body. Apache waits for the body unless it speaks HTTP: see its README."""
        return self.proxy != "apache" or protocol(self.server, self.keys.get(self.server, {})) == "http"

    @property
    def reads_chunks(self) -> bool:
        """Whether an app gets an upload of unknown length: from nginx, which waits for its end, or directly."""
        return self.proxy != "apache" or SERVERS[self.server].reads_chunks


COMBINATIONS = [
    Combination(way, server, proxy, manager, keys)
    for proxy, manager, server in product(PROXIES, MANAGERS, SERVERS)
    if manager in SERVERS[server].managers
    for way, keys in WAYS.get(server, {server: {}}).items()
]


def is_core(combination: Combination) -> bool:
    """Whether every test run includes it: each server in its simplest form, and each proxy and manager with the first server."""
    usual = (combination.proxy == PROXIES[0]) + (combination.manager == MANAGERS[0])
    return combination.way == combination.server and (usual == 2 or (usual == 1 and combination.server == next(iter(SERVERS))))
