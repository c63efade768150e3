# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the process manager on a serving host, and slots under supervisor. The drills run in the order of this file."""

from __future__ import annotations

import json
import shlex

import pytest

from .harness import Server, assert_nothing_failed
from .jobs import STATE, WORKER, enqueue

#: A slot as `supervisorctl status` shows it: the server, and the process that keeps its socket open.
RUNNING = "flask-probe@{0}:0 RUNNING flask-probe@{0}:1 RUNNING"
#: A process that prints its surroundings as a line in the journal.
SAID = """
import json, os, sys, time
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
found = {name: status[name].strip() for name in ("CapBnd", "NoNewPrivs", "Umask")}
here = [sys.argv[1:], os.environ["PROBE_MARKER"], os.getcwd(), os.environ["PYTHONPATH"], sys.stdin.read()]
print("said:", json.dumps({"here": here, "status": found}))
time.sleep(9999)
"""
RETIRED = "! systemctl is-active --quiet 'flaskyard-retire-probe:*'"
#: Whether two processes have stayed up long enough.
RUN = "test $(supervisorctl status | grep -c -- '-process[.].* RUNNING') = 2"


@pytest.fixture
def supervised(server: Server) -> Server:
    """The server under supervisor."""
    server.variables = {"flask_manager": "supervisor"}
    server.apply("site")
    return server


@pytest.fixture
def working(supervised: Server) -> Server:
    """The server under supervisor, with two workers."""
    (supervised.source / "worker.py").write_text(WORKER)
    supervised.host.sh(f"rm -rf {STATE}/jobs; install -d -o flask-probe {STATE}/jobs")
    supervised.app["processes"] = [{"name": "worker", "command": "python worker.py", "count": 2, "stop_timeout_seconds": 600}]
    supervised.apply()
    supervised.wait(RETIRED)
    return supervised


def workers(server: Server, state: str = "RUNNING") -> list[str]:
    """The programs whose processes are in this state."""
    return server.host.sh(f"(supervisorctl status || true) | awk '/-process[.]/ && $2 == \"{state}\" {{print $1}}'").splitlines()


def workers_of(slot: str) -> list[str]:
    return [f"flask-probe@{slot}-process.worker.{number}" for number in (1, 2)]


def slots(server: Server) -> tuple[str, str, str]:
    """The slots that have units, those that have programs, and the states of the programs."""
    units = server.host.sh("ls /etc/systemd/system | sed -n 's/^flask-probe@\\(.*\\)[.]service$/\\1/p' | xargs")
    programs = server.host.sh("(ls /etc/supervisor/conf.d /run/flask-supervisor 2>/dev/null || true) | sed -n 's/^flask-probe@\\(.*\\)[.]conf$/\\1/p' | xargs")
    return units, programs, server.host.sh("(supervisorctl status 2>/dev/null || true) | awk '/^flask-/ {print $1, $2}' | xargs")


def current(server: Server) -> str:
    """The slot that the proxy reaches."""
    return server.host.sh("readlink /run/flask-probe/current.sock").removesuffix(".sock")


def test_to_supervisor_and_back_fails_no_request(server: Server) -> None:
    server.begin("site")
    with server.load() as load:
        server.variables = {"flask_manager": "supervisor"}
        server.apply("site")
        server.wait(RETIRED)
        assert slots(server) == ("", current(server), RUNNING.format(current(server)))
        again = server.apply("site")
        assert again.changed == 0, again.output[-6000:]
        server.variables = {}
        server.apply("site")
        report = load.finish()
    assert_nothing_failed(report)
    server.wait(RETIRED)
    assert slots(server) == (current(server), "", "")
    # If the last slot retired after that run, the next run removes supervisor.
    server.apply("site")
    assert server.host.sh("systemctl is-active supervisor || true; systemctl is-enabled supervisor || true").split() == ["inactive", "disabled"]
    assert server.host.sh("find /etc/systemd/system/supervisor* /usr/local/lib/flask-slot* /run/flask-supervisor* -type f || true") == ""
    assert sorted(server.host.sh("ls /run/flask-probe").split()) == sorted([f"{current(server)}.sock", "current.sock"])
    again = server.apply("site")
    assert again.changed == 0, again.output[-6000:]


def test_change_of_code_fails_no_request(supervised: Server) -> None:
    with supervised.load() as load:
        supervised.replace('MARKER = "one"', 'MARKER = "two"')
        supervised.apply()
        report = load.finish()
    assert_nothing_failed(report)
    assert supervised.marker() == "two.a"
    supervised.wait(RETIRED)
    assert slots(supervised) == ("", current(supervised), RUNNING.format(current(supervised)))


def test_bad_release_says_why_and_leaves_nothing(supervised: Server) -> None:
    before = current(supervised)
    supervised.replace('MARKER = "one"', "import a_module_that_is_not_there")
    with supervised.load() as load:
        run = supervised.play()
        report = load.finish()
    run.assert_says("probe", "ModuleNotFoundError: No module named 'a_module_that_is_not_there'", f"slot {before} serves as before")
    assert_nothing_failed(report)
    assert slots(supervised) == ("", before, RUNNING.format(before))
    assert supervised.host.sh("ls /run/flask-supervisor; ls /etc/flask/probe/slots").split() == [f"flask-probe@{before}", before]


@pytest.mark.long
def test_systemd_runs_commands_and_schedules_beside_supervisor(supervised: Server) -> None:
    state = "/var/lib/flask-probe"
    supervised.host.sh(f"rm -f {state}/commands {state}/runs")
    supervised.app["release_command"] = """sh -c 'echo "$PROBE_MARKER $(id -un)" >> "$STATE_DIRECTORY/commands"'"""
    supervised.app["schedules"] = [{"name": "often", "command": """sh -c 'echo "$PROBE_MARKER" >> "$STATE_DIRECTORY/runs"'""", "calendar": "*:*:*"}]
    supervised.apply()
    assert supervised.host.sh(f"cat {state}/commands") == "a flask-probe"
    supervised.wait(f"grep a {state}/runs")
    supervised.app["env"]["PROBE_MARKER"] = "b"
    supervised.apply()
    supervised.wait(f"grep b {state}/runs")
    timer = f"flask-probe@{current(supervised)}-schedule.often.timer"
    supervised.wait(f"test $(ls /etc/systemd/system | grep -c 'flask-probe@.*timer$') = 1 && systemctl is-active {timer}")
    assert supervised.host.sh("flaskyard run probe -- sh -c 'echo $PROBE_MARKER'") == "b"
    assert supervised.apply().changed == 0
    supervised.host.sh(f"systemctl disable --now --quiet {timer}")
    assert supervised.apply().changed and supervised.host.sh(f"systemctl is-active {timer}") == "active"


def test_workers_change_with_the_release_and_no_job_is_lost(working: Server) -> None:
    assert workers(working) == workers_of(current(working))
    assert working.host.sh(f"ps -o user:20= -p $(supervisorctl pid {workers(working)[0]})") == "flask-probe"
    enqueue(working, 40, "long1", "long2")
    working.wait(f"ls {STATE}/jobs/*.one | wc -l | grep 2")
    working.replace('MARKER = "one"', 'MARKER = "two"')
    with working.load() as load:
        working.apply()
        enqueue(working, 0, "short1", "short2", "short3", "short4")
        working.wait(f"ls {STATE}/jobs/short*.two-done | wc -l | grep 4")
        assert len(workers(working, "STOPPING")) == 2, "the old workers still do their jobs"
        report = working.finish(load)
    assert_nothing_failed(report, enough=100)
    done = sorted(working.host.sh(f"ls {STATE}/jobs").split())
    assert done == ["long1.one-done", "long2.one-done", *(f"short{number}.two-done" for number in range(1, 5))]
    assert working.apply().changed == 0
    assert workers(working) == workers_of(current(working)) and workers(working, "STOPPED") == []
    programs = {f"flask-probe@{name}" for name in slots(working)[1].split()}
    assert programs == {f"flask-probe@{current(working)}", *workers_of(current(working))}


@pytest.mark.long
def test_dying_worker_undoes_the_switch_after_the_old_job(working: Server) -> None:
    before = current(working)
    enqueue(working, 90, "long")
    working.wait(f"ls {STATE}/jobs/long.one")
    working.replace('MARKER = "one"', 'MARKER = "two"')
    working.app["env"]["WORKER_DIES"] = "yes"
    with working.load() as load:
        run = working.play()
        report = load.finish()
    run.assert_says("probe: work: the worker has lost its queue", "does not stay up", f"slot {before} serves as before")
    assert_nothing_failed(report, enough=100)
    assert current(working) == before and working.marker() == "one.a"
    working.wait("(supervisorctl status || true) | awk '{print $2}' | sort | uniq -c | xargs | grep '3 RUNNING 1 STOPPING'")
    working.wait(f"test -e {STATE}/jobs/long.one-done", 120)
    working.wait(RUN)
    assert workers(working) == workers_of(before)
    assert working.host.sh("ls /run/flask-supervisor/*.waits 2>/dev/null || true") == ""
    enqueue(working, 0, "next")
    working.wait(f"test -e {STATE}/jobs/next.one-done")


@pytest.mark.long
def test_workers_that_somebody_stopped_or_removed_run_again(working: Server) -> None:
    first, second = workers_of(current(working))
    working.host.sh(f"kill -KILL $(supervisorctl pid {first})")
    working.wait(f"supervisorctl status {first} | grep RUNNING")
    found = json.loads(working.host.sh("flaskyard status --json"))["apps"]["probe"]["parts"]
    assert (found[first], found[second]) == ({"state": "running", "runs": True, "restarts": 1}, {"state": "running", "runs": True, "restarts": 0})
    assert working.apply().changed == 0
    working.host.sh(f"supervisorctl stop {first}; rm /etc/supervisor/conf.d/{second}.conf; supervisorctl update")
    assert "NOT EVERYTHING RUNS" in working.host.sh("flaskyard status || true")
    run = working.apply()
    assert run.changed and "repaired: " in run.output
    assert workers(working) == [first, second] and working.apply().changed == 0


@pytest.mark.long
def test_exclusive_app_gets_its_workers_back_after_a_failure(working: Server) -> None:
    before, working.app["exclusive"] = current(working), True
    working.replace('MARKER = "one"', 'MARKER = "two"; raise SystemExit("two is broken")')
    run = working.play()
    assert run.rc != 0 and "two is broken" in run.output and current(working) == before
    working.wait(RUN)
    assert workers(working) == workers_of(before)


@pytest.mark.long
def test_restart_rollback_and_removal_take_the_workers_along(working: Server) -> None:
    before = current(working)
    working.host.sh("flaskyard restart probe")
    working.wait(RETIRED)
    assert current(working) != before and workers(working) == workers_of(current(working))
    working.replace('MARKER = "one"', 'MARKER = "two"')
    working.apply()
    working.host.sh("flaskyard rollback probe")
    working.wait(RETIRED)
    assert working.marker() == "one.a" and workers(working) == workers_of(current(working))
    enqueue(working, 0, "after")
    working.wait(f"test -e {STATE}/jobs/after.one-done")
    working.others = [{**working.app, "name": "blog", "domains": ["blog.test"], "processes": [{"name": "idle", "command": "sleep infinity"}]}]
    working.apply("site")
    working.host.sh("supervisorctl status | grep 'flask-blog@.*-process.idle.1 .*RUNNING'")
    working.others = []
    working.apply("site")
    assert "flask-blog@" not in working.host.sh("(supervisorctl status || true); ls /etc/supervisor/conf.d /run/flask-supervisor")


def test_procfile_process_has_arguments_no_privileges_and_the_journal(supervised: Server) -> None:
    words = ["100%", "%n", "$HOME", "it ; is", " #1", "a'b", ""]
    (supervised.source / "said.py").write_text(SAID)
    (supervised.source / "Procfile").write_text(f"web: none\nsaid: python said.py {shlex.join(words)}\n")
    supervised.app["procfile"] = True
    supervised.apply()
    said = json.loads(supervised.host.sh("flaskyard logs probe | grep -o 'said: .*' | tail -1").removeprefix("said: "))
    release = supervised.host.sh("readlink -f /srv/flask/probe/current")
    assert said["here"] == [words, "a", release, f"{release}:{release}/src", ""]
    assert said["status"] == {"CapBnd": "0" * 16, "NoNewPrivs": "1", "Umask": "0027"}


@pytest.mark.long
def test_workers_change_with_the_manager_and_end_their_jobs(working: Server) -> None:
    enqueue(working, 120, "there")
    working.wait(f"test -e {STATE}/jobs/there.one")
    working.variables = {}
    working.apply("site")
    assert working.host.sh("systemctl list-units --plain --no-legend --state=active 'flask-probe@*-process.*' | wc -l") == "2"
    assert working.host.sh(f"ls {STATE}/jobs; systemctl is-active supervisor").split() == ["there.one", "active"]
    working.wait(f"test -e {STATE}/jobs/there.one-done", 180)
    working.wait(RETIRED)
    working.apply("site")
    assert working.host.sh("systemctl is-active supervisor || true") == "inactive"
    assert working.apply("site").changed == 0
    enqueue(working, 60, "back")
    working.wait(f"test -e {STATE}/jobs/back.one")
    working.variables = {"flask_manager": "supervisor"}
    working.apply("site")
    assert workers(working) == workers_of(current(working))
    working.wait(f"test -e {STATE}/jobs/back.one-done", 120)
    working.wait(RETIRED)
    assert slots(working)[0] == "" and working.apply("site").changed == 0


def test_killed_master_comes_back_and_its_workers_are_gone(supervised: Server) -> None:
    master = supervised.host.sh(f"supervisorctl pid flask-probe@{current(supervised)}:0")
    # A worker that hangs would not notice that its master is gone.
    report = supervised.death(f"kill -STOP $(pgrep --parent {master} | head -1); kill -KILL {master}")
    assert report.failed <= 8, "more than two workers with four threads can have had at hand"
    assert supervised.host.sh(f"pgrep --pgroup {master} || true") == ""


@pytest.mark.long
def test_killed_supervisord_comes_back_with_its_slots(working: Server) -> None:
    working.host.sh("kill -KILL $(supervisorctl pid)")
    working.wait(f"supervisorctl status | grep 'flask-probe@{current(working)}:0 .*RUNNING'")
    assert working.marker() == "one.a"
    working.wait(RUN)
    assert working.host.sh("pgrep -u flask-probe --parent 1 || true") == "", "the workers of before are gone"


@pytest.mark.long
def test_reboot_starts_what_was_current(working: Server) -> None:
    before = current(working)
    working.host.reboot()
    working.wait(f"supervisorctl status | grep 'flask-probe@{before}:0 .*RUNNING'")
    working.wait(RUN)
    assert workers(working) == workers_of(before)
    assert working.marker() == "one.a"
    again = working.apply("site")
    assert again.changed == 0, again.output


@pytest.mark.long
def test_backup_is_restored(working: Server) -> None:
    working.host.ask("/write?path=instance/kept", method="POST", body=b"")
    working.apply("backup")
    working.host.sh("rm /var/lib/flask-probe/instance/kept")
    working.apply("restore", "-e", "app=probe")
    assert working.host.sh("stat --format=%U /var/lib/flask-probe/instance/kept") == "flask-probe"
    working.wait(RUN)
    assert slots(working)[2].startswith(RUNNING.format(current(working))) and workers(working) == workers_of(current(working))
