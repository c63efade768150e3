# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes under load: 32 clients must not notice a good change. That they never see a bad one is in C(test_failures.py)."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from .harness import Server, assert_nothing_failed

#: Milliseconds that a request may take longer during deploys than the slowest without one.
LONGER = 300


def test_five_changes_and_no_failed_request(server: Server) -> None:
    # A slow start, and two workers that cannot keep up: at each switch, requests wait in the queue of the old slot.
    server.app["env"]["PROBE_IMPORT_SECONDS"] = "1"
    server.app |= {"workers": 2, "threads": 1}
    before = server.begin()

    def new_code() -> None:
        server.replace('MARKER = "one"', 'MARKER = "two"')

    def other_environment() -> None:
        server.app["env"]["PROBE_MARKER"] = "b"

    def other_setting() -> None:
        server.app["workers"] = 3

    def back_to_old_code() -> None:
        server.replace('MARKER = "two"', 'MARKER = "one"')

    def new_dependency() -> None:
        (server.source / "uv.lock").unlink()
        file = server.source / "pyproject.toml"
        file.write_text(file.read_text().replace('"flask>=3.1,<4"', '"flask>=3.1,<4", "tabulate==0.9.0"'))
        server.replace('MARKER = "one"', 'import tabulate\nMARKER = f"three-{len(tabulate.__name__)}"')

    with server.load(paths=["/", "/slow?seconds=0.05"]) as load:
        for change in (new_code, other_environment, other_setting, back_to_old_code, new_dependency):
            change()
            server.apply()
        report = server.finish(load)
    assert_nothing_failed(report)
    # Each marker is counted once. If an old marker answered again, its time would overlap that of the next.
    assert [version.marker for version in report.versions] == ["one.a", "two.a", "two.b", "one.b", "three-8.b"]
    for earlier, later in zip(report.versions, report.versions[1:], strict=False):
        assert earlier.last - later.first <= report.longest, "the switch is one moment, not a time of both"
    assert report.slow, "a long request was under way at each change"
    assert report.max_gap - report.paused < 10_000, "nobody waits long, even where other suites keep the machine busy"
    assert server.serving().proxy == before.proxy, "the proxy was not reloaded"
    assert server.apply().changed == 0


@pytest.mark.long
def test_ten_deploys_in_a_row(server: Server) -> None:
    """Kept connections, uploads, five-second requests and open streams: none fails, and none takes noticeably longer than without a deploy."""
    server.app["env"]["PROBE_IMPORT_SECONDS"] = "1"
    server.app |= {"workers": 2, "threads": 8}
    server.begin()
    settings = {"slow_path": "/slow?seconds=5", "paths": ["/", "/slow?seconds=0.05"]}
    with server.load(**settings) as load:
        time.sleep(60)
        usual = load.finish()
    streams: list[int] = []
    ended = threading.Event()

    def stream() -> None:
        while not ended.is_set():
            streams.append(len(server.host.arrivals("/stream?chunks=25&seconds=0.2")))

    reader = threading.Thread(target=stream)
    with server.load(**settings) as load:
        reader.start()
        for older, newer in itertools.pairwise(["one", *(f"deploy-{number}" for number in range(10))]):
            server.replace(f'MARKER = "{older}"', f'MARKER = "{newer}"')
            server.apply()
        report = server.finish(load)
        ended.set()
        reader.join()
    print(f"milliseconds without a deploy {usual.latency}, with ten {report.latency}; the slowest:", *usual.slowest, "and", *report.slowest, sep="\n")
    assert_nothing_failed(report)
    assert len(report.versions) == 11 and len(streams) > 5 and set(streams) == {25}
    assert report.latency["max"] < usual.latency["max"] + LONGER
