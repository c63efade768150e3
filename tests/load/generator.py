# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady load from many clients, and a report of all failures."""

from __future__ import annotations

import asyncio
import heapq
import re
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from threading import Event, Thread
from types import TracebackType
from typing import Self

from .http1 import Connection, HttpError, Response, Target

MAX_CLIENTS = 256
MAX_SECONDS = 1800.0
MAX_REQUESTS = 1_000_000
SAMPLES = 20
SLOWEST = 5
WATCH_SECONDS = 0.1
RETRY_SECONDS = 0.02
"""Pause of a client after a failure, so that a closed port is not hammered."""


@dataclass(frozen=True)
class Plan:
    """What the clients do until `seconds` have passed, `requests` were sent, or the run is stopped.

    :param clients: clients side by side, each on a connection it keeps.
    :param fresh: how many of the clients open a new connection for every request.
    :param rate: requests per second of all the clients together; None sends as fast as answers come.
    :param paths: what is requested with GET, in turn.
    :param post_path: every `post_every`th request of a client is a POST of `post_bytes` bytes to this; None for no POST.
    :param slow_path: requested over and over by one more client, to have a long request in flight at any moment; None for none.
    :param marker: regular expression searched for in bodies; its first group tells versions of the application apart.
    :param timeout_seconds: time for one request, connecting included.
    :raises ValueError: for a bound that is exceeded.
    """

    target: Target
    seconds: float = 30.0
    requests: int = MAX_REQUESTS
    clients: int = 32
    fresh: int = 4
    rate: float | None = 320.0
    paths: Sequence[str] = ("/",)
    post_path: str | None = None
    post_every: int = 10
    post_bytes: int = 2048
    slow_path: str | None = None
    marker: str | None = None
    timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name, value, limit in [
            ("seconds", self.seconds, MAX_SECONDS),
            ("requests", self.requests, MAX_REQUESTS),
            ("clients", self.clients, MAX_CLIENTS),
            ("fresh", self.fresh + 1, self.clients + 1),
        ]:
            if not 0 < value <= limit:
                raise ValueError(f"{name}: {value} is not within 0 and {limit}")


@dataclass
class Version:
    """Answers with one marker; times in seconds from the start, of the moment the request was sent."""

    marker: str
    count: int
    first: float
    last: float


@dataclass(frozen=True)
class Report:
    """What came back. Latencies and the gap in milliseconds, of good answers (status 200 to 399), the slow client's apart.

    `failed` counts other statuses and requests without a whole answer. `max_gap` is the longest time without a good answer,
    `cut` counts the slow client's requests that got no good answer, without those sent on a kept connection that the server had closed meanwhile.
    `outage` the longest from the sending of a request that failed to the next good answer of anybody: a busy machine makes gaps, and no outages.
    `paused` is the longest time for which the machine did not let the clients themselves run, which makes gaps, too.
    `versions` is in the order in which they appeared, `slowest` has the slowest requests of the steady clients first, in words.
    """

    seconds: float
    requests: int
    failed: int
    rate: float
    statuses: dict[int, int]
    errors: dict[str, int]
    latency: dict[str, float]
    slow: dict[str, float]
    cut: int
    max_gap: float
    outage: float
    paused: float
    versions: list[Version]
    failures: list[str]
    slowest: list[str]

    @property
    def longest(self) -> float:
        """Seconds that the longest request took, the slow client's included. Versions overlap by no more, where the change is one moment."""
        return max(self.latency.get("max", 0.0), self.slow.get("max", 0.0)) / 1000


@dataclass
class _Tally:
    begin: float = field(default_factory=time.monotonic)
    latency: array[float] = field(default_factory=lambda: array("d"))
    slow: array[float] = field(default_factory=lambda: array("d"))
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    versions: dict[str, Version] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    cut: int = 0
    last_good: float = 0.0
    max_gap: float = 0.0
    outage: float = 0.0
    paused: float = 0.0
    down_since: float | None = None
    seconds: float = 0.0

    def now(self) -> float:
        return time.monotonic() - self.begin

    def good(self, sent: float, marker: str | None, what: str, *, slow: bool) -> None:
        now = self.now()
        if not slow:
            entry = (now - sent, f"{(now - sent) * 1000:.0f} ms: {what}, sent at {sent:.2f} s, answered by {marker}")
            (heapq.heappushpop if len(self.slowest) == SLOWEST else heapq.heappush)(self.slowest, entry)
        (self.slow if slow else self.latency).append((now - sent) * 1000)
        self.gap(now)
        if marker is not None:
            version = self.versions.setdefault(marker, Version(marker, 0, sent, sent))
            version.count += 1
            version.first = min(version.first, sent)
            version.last = max(version.last, sent)

    def bad(self, sent: float, what: str) -> None:
        if self.down_since is None:
            self.down_since = sent
        if len(self.failures) < SAMPLES:
            self.failures.append(f"{sent:.3f}s {what}")

    def gap(self, now: float) -> None:
        if not self.seconds:
            self.max_gap = max(self.max_gap, (now - self.last_good) * 1000)
            self.last_good = now
            if self.down_since is not None:
                self.outage = max(self.outage, (now - self.down_since) * 1000)
                self.down_since = None

    def end(self) -> None:
        """Stop the clock: only the slow client may still wait for an answer."""
        self.gap(self.now())
        self.seconds = self.now()

    def report(self) -> Report:
        requests = sum(self.statuses.values()) + sum(self.errors.values())
        return Report(
            seconds=round(self.seconds, 3),
            requests=requests,
            failed=requests - len(self.latency) - len(self.slow),
            rate=round(requests / self.seconds, 1),
            statuses=dict(self.statuses),
            errors=dict(self.errors),
            latency=_percentiles(self.latency),
            slow=_percentiles(self.slow),
            cut=self.cut,
            max_gap=round(self.max_gap, 1),
            outage=round(self.outage, 1),
            paused=round(self.paused, 1),
            versions=[replace(version, first=round(version.first, 3), last=round(version.last, 3)) for version in self.versions.values()],
            failures=self.failures,
            slowest=[words for _seconds, words in sorted(self.slowest, reverse=True)],
        )


async def run(plan: Plan, stop: asyncio.Event | None = None) -> Report:
    """Send the load of `plan` and return the report. After `stop` is set, requests in flight are still awaited and counted."""
    return await _Run(plan, stop or asyncio.Event()).run()


class Load:
    """Load in the background: ``with Load(plan) as load: change(); report = load.finish()``.

    Entering waits for the first good answer, so that nothing is measured before the target serves.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._serves = Event()
        self._result: Report | BaseException | None = None
        self._thread = Thread(target=self._main, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._serves.wait(self._plan.timeout_seconds):
            raise AssertionError(f"{self._plan.target.url} gave no good answer: {self.finish()}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.finish()

    def finish(self) -> Report:
        """Stop the load and return the report; the same one when called again."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        if not isinstance(self._result, Report):
            raise self._result or RuntimeError("the load was never started")
        return self._result

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                self._result = runner.run(_Run(self._plan, self._stop, self._serves).run())
            except BaseException as error:  # handed to the thread that calls finish
                self._result = error


class _Run:
    def __init__(self, plan: Plan, stop: asyncio.Event, serves: Event | None = None) -> None:
        self._plan = plan
        self._stop = stop
        self._serves = serves
        self._tls = plan.target.tls()
        self._marker = re.compile(plan.marker.encode()) if plan.marker else None
        self._tally = _Tally()
        self._sent = 0

    async def run(self) -> Report:
        async with asyncio.TaskGroup() as group:
            deadline = group.create_task(self._deadline())
            watch = group.create_task(self._watch())
            if self._plan.slow_path:
                group.create_task(self._slow_client(self._plan.slow_path))
            await asyncio.wait([group.create_task(self._client(number)) for number in range(self._plan.clients)])
            self._tally.end()
            deadline.cancel()
            watch.cancel()
        return self._tally.report()

    async def _watch(self) -> None:
        """See how late this process wakes up."""
        while True:
            due = self._tally.now() + WATCH_SECONDS
            await asyncio.sleep(WATCH_SECONDS)
            self._tally.paused = max(self._tally.paused, (self._tally.now() - due) * 1000)

    async def _deadline(self) -> None:
        await asyncio.sleep(self._plan.seconds)
        self._stop.set()

    async def _client(self, number: int) -> None:
        plan = self._plan
        pause = plan.clients / plan.rate if plan.rate else 0.0
        due = self._tally.now() + pause * number / plan.clients
        paths = islice(cycle(plan.paths), number % len(plan.paths), None)
        connection: Connection | None = None
        sent = number
        while await self._go_on(due):
            due += pause
            sent += 1
            if plan.post_path and sent % plan.post_every == 0:
                connection = await self._request(connection, "POST", plan.post_path, b"x" * plan.post_bytes)
            else:
                connection = await self._request(connection, "GET", next(paths))
            if number < plan.fresh and connection:
                connection.close()
                connection = None
        if connection:
            connection.close()

    async def _slow_client(self, path: str) -> None:
        connection: Connection | None = None
        while await self._go_on(0.0):
            connection = await self._request(connection, "GET", path, slow=True)
        if connection:
            connection.close()

    async def _go_on(self, due: float) -> bool:
        """Wait until `due`; False when the run is over."""
        delay = due - self._tally.now()
        if delay > 0 and not self._stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), delay)
        if self._sent >= self._plan.requests:
            self._stop.set()
        self._sent += 1
        return not self._stop.is_set()

    async def _request(self, connection: Connection | None, method: str, path: str, body: bytes = b"", *, slow: bool = False) -> Connection | None:
        """Send one request, count what comes back, and return the connection if it can be used again."""
        tally, sent = self._tally, self._tally.now()
        what = f"{method} {path} on a {'kept' if connection else 'new'} connection"
        try:
            async with asyncio.timeout(self._plan.timeout_seconds):
                connection = connection or await Connection.open(self._plan.target, self._tls)
                response = await connection.request(method, path, body)
        except (HttpError, TimeoutError) as error:
            tally.errors[error.kind if isinstance(error, HttpError) else "timeout"] += 1
            tally.bad(sent, f"{method} {path}: {error or 'timeout'}")
            tally.cut += slow and not (isinstance(error, HttpError) and error.kind == "closed on reuse")
            if connection:
                connection.close()
            await asyncio.sleep(RETRY_SECONDS)
            return None
        tally.statuses[response.status] += 1
        if 200 <= response.status < 400:
            tally.good(sent, self._marker_of(response), what, slow=slow)
            if self._serves:
                self._serves.set()
        else:
            tally.bad(sent, f"{method} {path}: {response.status} {response.body[:80]!r}")
            tally.cut += slow
        if response.closes:
            connection.close()
            return None
        return connection

    def _marker_of(self, response: Response) -> str | None:
        match = self._marker.search(response.body) if self._marker else None
        return match[1].decode("utf-8", "replace") if match else None


def _percentiles(values: array[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {name: round(ordered[int(share * (len(ordered) - 1))], 1) for name, share in _SHARES.items()} if ordered else {}


_SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
