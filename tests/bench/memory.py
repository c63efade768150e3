# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of five workers of the guestbook after requests, with and without gunicorn's preloading."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.drills.harness import Host, Server

from .figures import Figure

WORKERS = 5
#: Enough for each worker to have had its share, and few enough that none has been renewed.
REQUESTS = 200


class Memory:
    """A separate host with the app on it.

    :param app: the sample application, as users declare it.
    """

    def __init__(self, prefix: str, app: dict[str, Any]) -> None:
        self._name = f"{prefix}-memory"
        self._app = {**app, "workers": WORKERS, "tls": {"issuer": "selfsigned"}}

    def measure(self, rounds: int) -> list[Figure]:
        """Take the figures; each ratio is of two slots one after the other."""
        with tempfile.TemporaryDirectory() as folder, Host.up(self._name, Path(folder), domains=self._app["domains"][0]) as host:
            server = Server(host, Path(folder))
            both = [(self._megabytes(server, preload=False), self._megabytes(server, preload=True)) for dummy in range(rounds)]
        print("five workers of the guestbook, MiB without and with preloading:", ", ".join(f"{without:.0f} and {preloaded:.0f}" for without, preloaded in both))
        return [
            Figure(f"gunicorn, {WORKERS} workers of the guestbook: MiB", [without for without, dummy in both]),
            Figure("the same with preloading: MiB", [preloaded for dummy, preloaded in both]),
            Figure("memory with preloading / without", [preloaded / without for without, preloaded in both]),
        ]

    def _megabytes(self, server: Server, *, preload: bool) -> float:
        server.app = {**self._app, "gunicorn": {"preload": preload}}
        server.apply("site")
        for dummy in range(REQUESTS):
            assert server.host.ask(host=self._app["domains"][0]).status == 200
        return server.host.memory_mb(f"flask-{self._app['name']}")
