# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes under load: 32 clients must not notice a good one. That they do not see a bad one at all is in C(test_failures.py)."""

from __future__ import annotations

from .harness import Server, assert_nothing_failed


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
    # Each marker is counted once: were a later answer to go back, its time would overlap that of the next.
    assert [version.marker for version in report.versions] == ["one.a", "two.a", "two.b", "one.b", "three-8.b"]
    for earlier, later in zip(report.versions, report.versions[1:], strict=False):
        assert earlier.last - later.first < 0.5, "the switch is one moment, not a time of both"
    assert report.slow, "a long request was under way at each change"
    assert report.max_gap < 10_000, "nobody waits long, even where other suites keep the machine busy"
    assert server.serving().nginx == before.nginx, "the proxy was not reloaded"
    assert server.apply().changed == 0
