# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release command, processes and schedules of an app, over deploys, failures and a reboot."""

from __future__ import annotations

import json
import re
import shlex
import time

import pytest

from .harness import Server, assert_nothing_failed
from .jobs import STATE, WORKER, enqueue

#: A schedule that records when each run began and ended, and which code ran.
NIGHTLY = """
import os, pathlib, time
from probe import MARKER
log = pathlib.Path(os.environ["STATE_DIRECTORY"], "runs")
begin = time.time()
time.sleep(float(os.environ.get("RUN_SECONDS", "0")))
with log.open("a") as handle:
    handle.write(f"{MARKER} {begin:.2f} {time.time():.2f}\\n")
"""
#: Once a day, half a day from now, so that it never runs during a drill.
FAR = f"*-*-* {(time.gmtime().tm_hour + 12) % 24:02}:00:00 UTC"
COMMANDS = f"{STATE}/commands"
#: A release command that records its surroundings as one line of a file.
NOTE = r"""sh -c 'echo "$PROBE_MARKER|$(id -un)|$PWD|$(command -v python)|$FLASK_APP" >> "$STATE_DIRECTORY/commands"'"""


@pytest.fixture
def app(server: Server) -> Server:
    (server.source / "worker.py").write_text(WORKER)
    (server.source / "nightly.py").write_text(NIGHTLY)
    server.host.sh(f"rm -rf {STATE}/jobs {STATE}/runs {COMMANDS}; install -d -o flask-probe {STATE}/jobs")
    return server


def lines(server: Server, file: str) -> list[str]:
    return server.host.sh(f"cat {STATE}/{file} || true").splitlines()


def units(server: Server, pattern: str, state: str = "active") -> list[str]:
    return server.host.sh(f"systemctl list-units --plain --no-legend --state={state} 'flask-probe@{pattern}' | cut -d' ' -f1 || true").splitlines()


def test_release_command_runs_once_for_each_release(app: Server) -> None:
    app.app["release_command"] = NOTE
    app.apply()
    release = app.host.sh("readlink -f /srv/flask/probe/current")
    assert lines(app, "commands") == [f"a|flask-probe|{release}|{release}/.venv/bin/python|probe:app"]
    again = app.apply()
    assert again.changed == 0 and len(lines(app, "commands")) == 1
    app.apply("deploy", "-e", "repeat_release_command=true")
    assert len(lines(app, "commands")) == 2
    app.app["env"]["PROBE_MARKER"] = "b"
    app.apply()
    assert len(lines(app, "commands")) == 2, "another environment is the same release"
    app.replace('MARKER = "one"', 'MARKER = "two"')
    checked = app.apply("deploy", "--check", "--diff")
    assert "probe: run its release command" in checked.output
    assert len(lines(app, "commands")) == 2, "--check runs nothing"
    app.apply()
    assert lines(app, "commands")[2].startswith("b|")


def test_procfile_fills_in_what_the_inventory_omits(app: Server) -> None:
    (app.source / "Procfile").write_text(
        "web: gunicorn probe:app\nrelease: echo released >> $STATE_DIRECTORY/commands\nworker: python worker.py\n# earlier\nhelper: python worker.py\n"
    )
    app.app |= {"procfile": True, "processes": [{"name": "mine", "command": "python worker.py", "count": 2}]}
    run = app.apply()
    assert "probe: the Procfile's line 'web: gunicorn probe:app' is not used" in run.output
    assert lines(app, "commands") == ["released"]
    assert len(units(app, "*-process.mine.*.service")) == 2 and not units(app, "*-process.worker.*")
    del app.app["processes"]
    app.apply()
    assert [len(units(app, f"*-process.{name}.*.service")) for name in ("worker", "helper", "mine")] == [1, 1, 0]
    again = app.apply()
    assert again.changed == 0 and "is not used" not in again.output
    (app.source / "Procfile").write_text("web: gunicorn probe:app\nworker python worker.py\n")
    app.play().assert_says("probe: line 2 of the Procfile is 'worker python worker.py'; expected a name, a colon and a command")
    assert app.marker() == "one.a" and len(units(app, "*-process.worker.1.service")) == 1


def test_release_command_that_fails_keeps_the_release_from_serving(app: Server) -> None:
    before = app.begin()
    app.replace('MARKER = "one"', 'MARKER = "two"')
    app.app["release_command"] = "sh -c 'echo relation shop does not exist >&2; exit 3'"
    with app.load() as load:
        run = app.play()
        report = load.finish()
    run.assert_says("probe: release_command: relation shop does not exist")
    assert_nothing_failed(report, enough=100)
    assert app.serving() == before and app.marker() == "one.a"
    app.app["release_command"] = "true"
    app.apply()
    assert app.marker() == "two.a"


def test_workers_change_with_the_release_and_no_job_is_lost(app: Server) -> None:
    app.app["processes"] = [{"name": "worker", "command": "python worker.py", "count": 2, "memory_max_mb": 200}]
    app.apply()
    assert len(units(app, "*-process.worker.*.service")) == 2
    app.host.sh("""
        pid=$(systemctl show --property=MainPID --value 'flask-probe@*-process.worker.1.service'); ps -o user= -p "$pid" | grep flask-probe""")
    enqueue(app, 6, "long1", "long2")
    app.wait(f"ls {STATE}/jobs/*.one | wc -l | grep 2")
    app.replace('MARKER = "one"', 'MARKER = "two"')
    with app.load() as load:
        app.apply()
        enqueue(app, 0, "short1", "short2", "short3", "short4")
        app.wait(f"ls {STATE}/jobs/short*.two-done | wc -l | grep 4")
        report = app.finish(load)
    assert_nothing_failed(report, enough=100)
    done = sorted(app.host.sh(f"ls {STATE}/jobs").split())
    assert done == ["long1.one-done", "long2.one-done", *(f"short{number}.two-done" for number in range(1, 5))]
    assert len(units(app, "*-process.worker.*.service")) == 2
    assert app.apply().changed == 0


def test_worker_that_dies_undoes_the_switch(app: Server) -> None:
    app.app["processes"] = [{"name": "worker", "command": "python worker.py"}]
    app.apply()
    before, running = app.serving(), units(app, "*-process.worker.*.service")
    app.replace('MARKER = "one"', 'MARKER = "two"')
    app.app["env"]["WORKER_DIES"] = "yes"
    with app.load() as load:
        run = app.play()
        report = load.finish()
    run.assert_says("probe: work: the worker has lost its queue", "does not stay up")
    assert_nothing_failed(report, enough=100)
    assert app.serving().current == before.current and app.marker() == "one.a"
    # It may have had to finish a job first.
    app.wait(f"systemctl is-active {running[0]}")
    enqueue(app, 0, "next")
    app.wait(f"test -e {STATE}/jobs/next.one-done")


def test_stopped_workers_and_timers_start_again(app: Server) -> None:
    app.app["processes"] = [{"name": "worker", "command": "python worker.py"}]
    app.app["schedules"] = [{"name": "nightly", "command": "python nightly.py", "calendar": FAR}]
    app.apply()
    app.host.sh("systemctl disable --now --quiet $(systemctl list-units --plain --no-legend 'flask-probe@*-process.*' 'flask-probe@*.timer' | cut -d' ' -f1)")
    assert not units(app, "*-process.worker.*.service")
    run = app.apply()
    assert run.changed and "repaired: " in run.output
    assert units(app, "*-process.worker.*.service") and units(app, "*-schedule.nightly.timer")
    assert app.apply().changed == 0


def test_every_run_tells_of_a_failed_schedule(app: Server) -> None:
    app.app["schedules"] = [{"name": "broken", "command": "python -c 'exit(1)'", "calendar": FAR}]
    app.apply()
    assert "the last run of" not in app.apply().output
    app.host.sh(f"! systemctl start flask-probe@{app.serving().current}-schedule.broken.service")
    run = app.apply()
    assert run.changed == 0 and f"the last run of flask-probe@{app.serving().current}-schedule.broken.service failed" in " ".join(run.output.split())


def test_schedule_never_overlaps_and_finishes_with_its_own_code(app: Server) -> None:
    app.app["schedules"] = [{"name": "nightly", "command": "python nightly.py", "calendar": "*:*:0/1", "catch_up": True}]
    app.app["env"]["RUN_SECONDS"] = "5"
    app.apply()
    app.wait("systemctl list-units --plain --no-legend --state=activating 'flask-probe@*-schedule.nightly.service' | grep .")
    app.replace('MARKER = "one"', 'MARKER = "two"')
    app.apply()
    app.wait(f"grep -c two {STATE}/runs | grep 2", 60)
    runs = [re.split(" ", line) for line in lines(app, "runs")]
    times = sorted((float(begin), float(end)) for dummy, begin, end in runs)
    assert all(earlier[1] <= later[0] + 0.05 for earlier, later in zip(times, times[1:], strict=False)), runs
    markers = [marker for marker, dummy, dummy in runs]
    assert "one" in markers and markers == sorted(markers), "a run of the old code ended, and the new code came after it"
    app.wait("! systemctl is-active --quiet 'flaskyard-retire-probe:*'")
    assert len(units(app, "*-schedule.nightly.timer")) == 1


@pytest.mark.long
def test_missed_run_is_caught_up_once_over_deploys(app: Server) -> None:
    app.app["schedules"] = [{"name": "nightly", "command": "python nightly.py", "calendar": FAR, "catch_up": True}]
    app.apply()
    stamp = "/var/lib/systemd/timers/stamp-$(systemctl list-units --plain --no-legend 'flask-probe@*.timer' | cut -d' ' -f1)"
    # Until the switch, an earlier drill's slot had its schedule.
    app.serving()
    app.host.sh(f"rm -f {STATE}/runs")
    app.replace('MARKER = "one"', 'MARKER = "two"')
    app.apply()
    assert not lines(app, "runs"), "nothing was missed, and another slot has missed nothing either"
    app.host.sh(f"touch --date '-2 days' {stamp}")
    app.replace('MARKER = "two"', 'MARKER = "three"')
    app.apply()
    app.wait(f"grep three {STATE}/runs")
    app.replace('MARKER = "three"', 'MARKER = "four"')
    app.apply()
    time.sleep(2)
    assert len(lines(app, "runs")) == 1, "it was caught up once"


@pytest.mark.long
def test_after_a_reboot_the_work_of_the_current_slot_runs(app: Server) -> None:
    app.app["processes"] = [{"name": "worker", "command": "python worker.py"}]
    app.app["schedules"] = [{"name": "nightly", "command": "python nightly.py", "calendar": FAR}]
    app.apply()
    current = app.serving().current
    app.host.reboot()
    app.wait("curl -skf --resolve probe.test:443:127.0.0.1 https://probe.test/healthz || systemctl is-system-running | grep -E 'running|degraded'")
    assert units(app, "*-process.worker.*.service") == [f"flask-probe@{current}-process.worker.1.service"]
    assert units(app, "*-schedule.nightly.timer") == [f"flask-probe@{current}-schedule.nightly.timer"]
    app.app["processes"] = []
    app.app["schedules"] = []
    app.apply()
    assert not units(app, "*-process.*") and not units(app, "*-schedule.*")


def test_command_runs_in_the_environment_of_the_app(app: Server) -> None:
    app.begin()
    script = 'import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd(), os.environ["PROBE_MARKER"], os.environ["HOME"], os.getuid()])); sys.exit(3)'
    words = ["python", "-c", script, "a b", "$HOME", "%n", '"']
    release, number = app.host.sh("readlink -f /srv/flask/probe/current; id -u flask-probe").splitlines()
    expected = [words[3:], release, "a", STATE, int(number)]
    assert json.loads(app.host.sh(f"flaskyard run probe -- {shlex.join(words)} || test $? = 3")) == expected
    tty = "flaskyard run probe -- python -c 'import sys; sys.exit(5 if sys.stdin.isatty() else 1)'"
    app.host.sh(f"script --quiet --return --command {shlex.quote(tty)} /dev/null || test $? = 5")
    run = app.play("run", "-e", json.dumps({"app": "probe", "command": shlex.join(words)}))
    assert run.rc != 0 and json.dumps(expected) in run.output and "the command ended with 3" in run.output
    assert "no host of this run has an app of that name" in app.play("run", "-e", "app=blog", "-e", "command=true").output
    # It runs in the service's sandbox: it cannot change the release, or see other accounts' files.
    app.host.sh("! flaskyard run probe -- sh -c 'touch probe.py' 2>/dev/null; ! flaskyard run probe -- cat /etc/flask/probe/secret_key 2>/dev/null")


@pytest.mark.long
def test_app_that_holds_a_port_stops_before_the_next(app: Server) -> None:
    app.app |= {"workers": 1, "processes": [{"name": "worker", "command": "python worker.py"}]}
    app.replace('MARKER = "one"', 'import socket, sys\nHELD = "worker" in sys.argv[0] or socket.create_server(("127.0.0.1", 5999))\nMARKER = "one"')
    app.apply()
    app.replace('MARKER = "one"', 'MARKER = "two"')
    run = app.play()
    assert run.rc != 0 and "Address already in use" in run.output and app.marker() == "one.a"
    app.app["exclusive"] = True
    run = app.apply()
    assert re.search(r"nothing served for [0-9.]+ s", run.output) and app.marker() == "two.a"
    app.replace('MARKER = "two"', 'MARKER = "three"; raise SystemExit("three is broken")')
    run = app.play()
    assert run.rc != 0 and "three is broken" in run.output and app.marker() == "two.a"
    app.wait("systemctl list-units --plain --no-legend --state=active 'flask-probe@*-process.worker.1.service' | grep .")
