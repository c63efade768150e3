# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is killed in the middle: the run on either side, a process of the stack, the whole host."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from .harness import BUILDING, Server, assert_nothing_failed

Kill = tuple[Callable[[Server], None], str, str]


def during_build(server: Server) -> None:
    server.app["build_command"] = f"sleep 4 # {time.time_ns()}"


def during_start(server: Server) -> None:
    server.app["env"] |= {"PROBE_MARKER": "start", "PROBE_IMPORT_SECONDS": "3"}


def before_drain(server: Server) -> None:
    server.app["env"]["PROBE_MARKER"] = "drain"


def during_fileset(server: Server) -> None:
    server.app["max_body_mb"] = 17


#: What to change, in which playbook, and the moment to kill at, as a shell condition on the host; $old is the slot that was current.
MOMENTS: dict[str, Kill] = {
    "build": (during_build, "deploy", BUILDING),
    "start": (during_start, "deploy", "ls /run/flask-probe/ | grep -v current | grep -qv $old"),
    "drain": (before_drain, "deploy", "! test $(readlink /run/flask-probe/current.sock) = $old.sock"),
    "fileset": (during_fileset, "site", "test -e /var/lib/flaskyard/filesets/nginx/journal.json"),
}
LONG = pytest.mark.long


@pytest.mark.parametrize("what", ["module", pytest.param("playbook", marks=LONG)])
@pytest.mark.parametrize("moment", ["drain", "fileset", pytest.param("build", marks=LONG), pytest.param("start", marks=LONG)])
def test_a_killed_run_is_finished_by_the_next(server: Server, moment: str, what: str) -> None:
    change, playbook, when = MOMENTS[moment]
    server.begin(playbook)
    with server.load() as load:
        change(server)
        server.app["env"]["DRILL"] = str(time.time_ns())  # another slot each time, whatever the change
        server.killed(what, f"old={server.serving().current}; {when}", playbook)
        server.apply(playbook)
        report = load.finish()
    assert_nothing_failed(report, reloaded=moment == "fileset")
    again = server.apply(playbook)
    assert again.changed == 0, again.output[-4000:]
    assert server.serving().slots == (server.serving().current,), "no slot is left over"
    assert server.marker() == f"one.{server.app['env']['PROBE_MARKER']}"
    assert server.host.sh("ls -A /var/lib/flaskyard/filesets/*/ | grep -E 'journal|saved' || true") == ""


def test_a_killed_process_is_replaced(server: Server) -> None:
    server.begin()
    killed = {
        "worker of gunicorn": "kill -KILL $(pgrep --oldest --parent $main)",
        "master of gunicorn": "kill -KILL $main",
        "master of nginx": "kill -KILL $(cat /run/nginx.pid)",
    }
    for what, command in killed.items():
        main = server.serving().main_pid
        report = server.death(f"main={main}; {command}")
        # Requests in the hands of what was killed are lost with it; the others wait.
        assert report.failed <= 32 or "nginx" in what, what
        assert server.marker() == "one.a"
    assert server.apply().changed == 0, "nothing was left for a run to put right"


def test_a_reboot_brings_back_what_was_current(server: Server) -> None:
    server.app["env"]["PROBE_MARKER"] = "boot"
    server.apply("site")
    before = server.serving()
    server.host.reboot()
    assert server.marker() == "one.boot"
    after = server.serving()
    assert (after.slots, after.current) == (before.slots, before.current)
    assert server.apply("site").changed == 0


@pytest.mark.long
def test_a_reboot_in_the_middle_of_a_change(server: Server) -> None:
    """The power goes after the new slot was enabled and before the old one was disabled."""
    old = server.begin().current
    server.app["env"]["PROBE_MARKER"] = "power"
    server.killed("module", f"! test $(readlink /run/flask-probe/current.sock) = {old}.sock")
    server.host.reboot()
    assert server.marker() in ("one.a", "one.power"), "whichever is recorded as current serves"
    server.settle()
    assert server.marker() == "one.power"
