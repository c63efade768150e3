# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the process manager on a host that serves, and what supervisor does with a slot. The drills run in the order of this file."""

from __future__ import annotations

import pytest

from .harness import Server, assert_nothing_failed

#: A slot under supervisor as `supervisorctl status` shows it: the server, and what keeps its socket open.
RUNNING = "flask-probe@{0}:0 RUNNING flask-probe@{0}:1 RUNNING"


@pytest.fixture
def supervised(server: Server) -> Server:
    """The server under supervisor."""
    server.variables = {"flask_manager": "supervisor"}
    server.apply("site")
    return server


def slots(server: Server) -> tuple[str, str, str]:
    """The slots that have units, those that have programs, and what supervisord says of these."""
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
        assert slots(server) == ("", current(server), RUNNING.format(current(server)))
        again = server.apply("site")
        assert again.changed == 0, again.output[-6000:]
        server.variables = {}
        server.apply("site")
        report = load.finish()
    assert_nothing_failed(report)
    assert slots(server) == (current(server), "", "")
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


def test_systemd_runs_release_commands_and_schedules_beside_supervisor(supervised: Server) -> None:
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


def test_killed_master_comes_back_and_its_workers_are_gone(supervised: Server) -> None:
    master = supervised.host.sh(f"supervisorctl pid flask-probe@{current(supervised)}:0")
    # A worker that hangs would not notice that its master is gone.
    report = supervised.death(f"kill -STOP $(pgrep --parent {master} | head -1); kill -KILL {master}")
    assert report.failed <= 8, "more than two workers with four threads can have had at hand"
    assert supervised.host.sh(f"pgrep --pgroup {master} || true") == ""


def test_killed_supervisord_comes_back_with_its_slots(supervised: Server) -> None:
    supervised.host.sh("kill -KILL $(supervisorctl pid)")
    supervised.wait(f"supervisorctl status | grep 'flask-probe@{current(supervised)}:0 .*RUNNING'")
    assert supervised.marker() == "one.a"
    assert supervised.host.sh("pgrep -u flask-probe --parent 1 || true") == "", "the workers of before are gone"


@pytest.mark.long
def test_reboot_starts_what_was_current(supervised: Server) -> None:
    before = current(supervised)
    supervised.host.reboot()
    supervised.wait(f"supervisorctl status | grep 'flask-probe@{before}:0 .*RUNNING'")
    assert supervised.marker() == "one.a"
    assert supervised.apply("site").changed == 0


def test_backup_is_restored(supervised: Server) -> None:
    supervised.host.ask("/write?path=instance/kept", method="POST", body=b"")
    supervised.apply("backup")
    supervised.host.sh("rm /var/lib/flask-probe/instance/kept")
    supervised.apply("restore", "-e", "app=probe")
    assert supervised.host.sh("stat --format=%U /var/lib/flask-probe/instance/kept") == "flask-probe"
    assert slots(supervised)[2] == RUNNING.format(current(supervised))
