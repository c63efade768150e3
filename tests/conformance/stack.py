# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that changes from one combination to the next, and the measurements on it."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from pathlib import Path
from typing import Self

from tests.drills.harness import DOMAIN, Host, Server

from .combinations import Combination

#: Values with a meaning in some format.
ENV = {
    "PROBE_MARKER": "a",
    "PROBE_QUOTES": "'single' \"double\" `back`",
    "PROBE_SIGNS": "$HOME ${HOME} %n %% %(here)s # ; \\ \\n {} @",
    "PROBE_LINES": "first\nsecond\n\ttabbed",
    "PROBE_TEXT": "größer 日本 🜁",
    "PROBE_EMPTY": "",
}
#: A path that nobody may ask for.
CLOSED = "/request/closed"
UPLOAD_BYTES = 100 * 1024 * 1024
#: Shell commands that print the processes of the app without a parent among them, and the first of those with one; a server that is one process is a master.
_PROCESSES = "ps -o pid=,ppid= -u flask-probe | awk '{{ parent[$1] = $2 }} END {{ for (one in parent) if ({}(parent[one] in parent)) print one }}' | sort -n"
MASTERS = _PROCESSES.format("!")
WORKER = f"{{ {_PROCESSES.format('')}; {MASTERS}; }} | head -1"


class Stack(Server):
    """The host with `probe` on it."""

    def __init__(self, host: Host, folder: Path) -> None:
        super().__init__(host, folder)
        self.combination: Combination | None = None

    def declare(self, combination: Combination) -> None:
        """Declare `probe` in a combination, without changing the host."""
        self.reset()
        (self.source / "static").mkdir()
        (self.source / "static" / "app.css").write_text("body { color: black }\n")
        self.app |= {
            "server": combination.server,
            "env": dict(ENV),
            "healthcheck": {**self.app["healthcheck"], "body": "health"},
            "static": [{"url": "/static", "path": "static"}],
            "streaming": ["/stream"],
            "access": [{"path": CLOSED, "allow": ["192.0.2.0/24"]}],
            "max_body_mb": 128,
        }
        self.app.pop("threads")
        self.app |= combination.keys
        self.variables = combination.variables
        self.combination = combination

    @property
    def declared_marker(self) -> str:
        """What it answers when what is declared serves."""
        return f"one.{self.app['env']['PROBE_MARKER']}"

    def requests_per_second(self, path: str = "/", seconds: int = 4) -> float:
        """The rate of 32 clients with kept TLS connections on the same machine, measured by h2load."""
        said = self.host.sh(f"""
            command -v h2load >/dev/null || apt-get install --quiet --quiet --yes --no-install-recommends nghttp2-client >/dev/null 2>&1
            h2load --h1 --clients=32 --warm-up-time=1 --duration={seconds} --connect-to=127.0.0.1:443 https://{DOMAIN}{path}""")
        assert re.search(r"\b0 failed, 0 errored", said), said
        return float(re.search(r"([\d.]+) req/s", said)[1])  # type: ignore[index]


class Crowd:
    """Clients that begin a request and never finish it.

    :param address: of the host.
    :param number: how many of them.
    """

    _HEAD = f"POST /upload HTTP/1.1\r\nHost: {DOMAIN}\r\nContent-Length: 1000\r\n"

    def __init__(self, address: str, number: int) -> None:
        self._address, self._number = address, number
        self._ready, self._leave = threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._stay()), daemon=True)
        self._thread.start()
        assert self._ready.wait(120), "the slow clients did not all connect"
        return self

    def __exit__(self, *error: object) -> None:
        self._leave.set()
        self._thread.join()

    async def _stay(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        at_once = asyncio.Semaphore(50)

        async def connect(number: int) -> asyncio.StreamWriter:
            async with at_once:
                dummy, writer = await asyncio.open_connection(self._address, 443, ssl=context, server_hostname=DOMAIN)
                writer.write((self._HEAD if number % 2 else f"{self._HEAD}\r\nbegun").encode())
                return writer

        writers = await asyncio.gather(*map(connect, range(self._number)))
        self._ready.set()
        while not self._leave.is_set():
            await asyncio.sleep(0.1)
        for writer in writers:
            writer.transport.abort()
