# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes under load: 32 clients must not notice a good one, and must not see a bad one at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from .harness import APPS, Server, assert_nothing_failed


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
        report = load.finish()
    assert_nothing_failed(report)
    # Each marker is counted once: were a later answer to go back, its time would overlap that of the next.
    assert [version.marker for version in report.versions] == ["one.a", "two.a", "two.b", "one.b", "three-8.b"]
    for earlier, later in zip(report.versions, report.versions[1:], strict=False):
        assert earlier.last - later.first < 0.5, "the switch is one moment, not a time of both"
    assert report.slow, "a long request was under way at each change"
    assert report.max_gap < 10_000, "nobody waits long, even where other suites keep the machine busy"
    assert server.serving().nginx == before.nginx, "the proxy was not reloaded"
    assert server.apply().changed == 0


def import_error(server: Server) -> tuple[str, ...]:
    shutil.copy(APPS / "broken" / "broken.py", server.source / "probe.py")
    return "No module named 'a_module_that_is_not_there'", "journal"


def health_500(server: Server) -> tuple[str, ...]:
    server.app["env"]["PROBE_HEALTH"] = "500"
    return "GET /healthz gave status 500", "healthcheck", "journal"


def never_answers(server: Server) -> tuple[str, ...]:
    server.app["env"]["PROBE_IMPORT_SECONDS"] = "3600"
    server.app["healthcheck"]["timeout_seconds"] = 5
    return "within 5 s", "healthcheck", "journal"


def missing_dependency(server: Server) -> tuple[str, ...]:
    (server.source / "uv.lock").unlink()
    (server.source / "pyproject.toml").unlink()
    (server.source / "requirements.txt").write_text("flask\nflaskyard-has-no-such-package==1.0\n")
    return "flaskyard-has-no-such-package", "requirements.txt"


@pytest.mark.parametrize("spoil", [health_500, import_error, *(pytest.param(spoil, marks=pytest.mark.long) for spoil in (never_answers, missing_dependency))])
def test_a_bad_change_is_not_seen(server: Server, spoil: Callable[[Server], tuple[str, ...]]) -> None:
    server.app["env"]["PROBE_MARKER"] = spoil.__name__
    server.apply()  # a good change, after the bad one of the drill before
    before = server.serving()
    with server.load() as load:
        says = spoil(server)
        run = server.play()
        report = load.finish()
    run.assert_says("probe", *says)
    assert_nothing_failed(report)
    assert [version.marker for version in report.versions] == [f"one.{spoil.__name__}"]
    assert server.serving() == before, "same processes, no left-over slot"
