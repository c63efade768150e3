# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills in the middle of a change: the run on either side, a process of the stack, the whole host."""

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


def during_switch(server: Server) -> None:
    # Both the gate and the public check take a while.
    server.app["env"]["PROBE_MARKER"] = "switch"
    server.app["healthcheck"] = {"path": "/slow?seconds=2", "status": 200, "timeout_seconds": 15}


def during_release_command(server: Server) -> None:
    server.replace('MARKER = "one"', f'MARKER = "one"  # {time.time_ns()}')
    server.app["release_command"] = """sh -c 'sleep 5; echo ran >> "$STATE_DIRECTORY/commands"'"""
    server.host.sh("rm -f /var/lib/flask-probe/commands")


def during_work(server: Server) -> None:
    server.app["processes"] = [{"name": "worker", "command": "sleep infinity", "healthy_after_seconds": 8}]


def during_fileset(server: Server) -> None:
    server.app["max_body_mb"] = 17


#: What to change, the playbook, and the moment of the kill as a shell condition on the host; $old is the previous slot.
MOMENTS: dict[str, Kill] = {
    "build": (during_build, "deploy", BUILDING),
    "start": (during_start, "deploy", "ls /run/flask-probe/ | grep -v current | grep -qv $old"),
    "switch": (during_switch, "deploy", "! test $(readlink /run/flask-probe/current.sock) = $old.sock"),
    "command": (during_release_command, "deploy", "systemctl show --property=ActiveState flaskyard-release-command-probe | grep -q activating"),
    "work": (during_work, "deploy", "systemctl list-units --plain --no-legend 'flask-probe@*-process.worker.1.service' | grep -q running"),
    "fileset": (during_fileset, "site", "test -e /var/lib/flaskyard/filesets/nginx/journal.json"),
}
LONG = pytest.mark.long


@pytest.mark.parametrize("what", ["module", pytest.param("playbook", marks=LONG)])
@pytest.mark.parametrize("moment", ["start", "switch", "command", "work", "fileset", pytest.param("build", marks=LONG)])
def test_killed_run_is_finished_by_the_next(server: Server, moment: str, what: str) -> None:
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
    if moment == "command":
        assert server.host.sh("cat /var/lib/flask-probe/commands") == "ran", "what had begun went on, and was not done twice"
    if moment == "work":
        worker = f"flask-probe@{server.serving().current}-process.worker.1.service"
        assert server.host.sh("systemctl list-units --plain --no-legend 'flask-probe@*-process.*' | cut -d' ' -f1") == worker
    assert server.marker() == f"one.{server.app['env']['PROBE_MARKER']}"
    assert server.host.sh("ls -A /var/lib/flaskyard/filesets/*/ | grep -E 'journal|saved' || true") == ""


def test_next_run_confirms_firewall_rules_of_a_killed_one(server: Server) -> None:
    """Without confirmation, the rules would be reverted 45 seconds after they were loaded, without any message."""
    server.begin("site")
    server.variables = {"firewall_allow": [{"port": 7070, "from": ["198.51.100.0/24"]}]}
    armed = "systemctl --quiet is-active flask-firewall-revert.timer"
    # The run has a connection from its first module on. New ones do not get through, so it cannot confirm the rules before it is killed.
    deaf = "pgrep -f '^/usr/bin/python3$' >/dev/null && systemctl kill --signal=STOP --kill-whom=main ssh.service"
    server.killed("playbook", f"{deaf}; {armed}", "site")
    server.host.sh("systemctl kill --signal=CONT --kill-whom=main ssh.service")
    assert server.host.sh(f"if {armed}; then echo yes; fi") == "yes", "too late: nothing is to be taken back any more"
    again = server.apply("site", "--diff")
    assert "the rules were not proven by a new connection" in again.output
    # A command after "!" does not end a shell that has -e.
    assert server.host.sh(f"if {armed}; then echo yes; fi") == "", "nothing is to be taken back any more"
    assert server.host.sh("cmp /etc/flask-firewall/rules.nft /etc/flask-firewall/kept.nft; nft list table inet flaskyard | grep -c 7070") == "1"
    assert server.apply("site").changed == 0


def test_next_run_finishes_a_killed_retirement(server: Server) -> None:
    before = server.begin()
    server.app["env"]["PROBE_MARKER"] = "retired"
    with server.load() as load:
        server.apply()
        server.host.sh("systemctl kill --signal=KILL 'flaskyard-retire-probe:*'")
        assert server.host.sh("ls /etc/flask/probe/slots | wc -l") == "2", "a request of three seconds had kept the old slot"
        assert f"slot {before.current}" in server.apply("deploy", "--diff").output
        report = load.finish()
    assert_nothing_failed(report)
    assert server.serving().slots == (server.serving().current,) and server.apply().changed == 0


def test_killed_process_is_replaced(server: Server) -> None:
    server.begin()
    killed = {
        "worker of gunicorn": "kill -KILL $(pgrep --oldest --parent $main)",
        "master of gunicorn": "kill -KILL $main",
        "master of nginx": "kill -KILL $(cat /run/nginx.pid)",
    }
    for what, command in killed.items():
        main = server.serving().main_pid
        report = server.death(f"main={main}; {command}")
        # Requests in a killed process are lost; the others wait.
        assert report.failed <= 32 or "nginx" in what, what
        assert server.marker() == "one.a"
    assert server.apply().changed == 0, "nothing was left for a run to repair"


def test_reboot_brings_back_what_was_current(server: Server) -> None:
    server.app["env"]["PROBE_MARKER"] = "boot"
    server.apply("site")
    before = server.serving()
    server.host.reboot()
    assert server.marker() == "one.boot"
    after = server.serving()
    assert (after.slots, after.current) == (before.slots, before.current)
    assert server.apply("site").changed == 0


@pytest.mark.long
def test_reboot_in_the_middle_of_a_change(server: Server) -> None:
    """The power goes after the new slot was enabled and before the old one was disabled."""
    old = server.begin().current
    server.app["env"]["PROBE_MARKER"] = "power"
    server.killed("module", f"! test $(readlink /run/flask-probe/current.sock) = {old}.sock")
    server.host.reboot()
    assert server.marker() in ("one.a", "one.power"), "whichever is recorded as current serves"
    server.apply_twice()
    assert server.marker() == "one.power"


@pytest.mark.long
@pytest.mark.parametrize(("proxy", "unit"), [("nginx", "nginx.service"), ("apache", "apache2.service")])
def test_proxy_killed_again_and_again_comes_back(server: Server, proxy: str, unit: str) -> None:
    server.variables = {"flask_proxy": proxy}
    server.apply("site")
    # By default, systemd gives up a unit that starts six times within ten seconds.
    server.host.sh(f"""
        for i in 1 2 3 4 5 6; do
            old=$(systemctl show --value --property=MainPID {unit})
            systemctl kill --signal=SIGKILL {unit}
            for j in $(seq 40); do
                sleep 0.05; new=$(systemctl show --value --property=MainPID {unit})
                test $new = 0 || test $new = $old || break
            done
        done""")
    server.wait(f"systemctl is-active --quiet {unit}", 10)
    assert server.host.ask().status == 200


@pytest.mark.long
def test_run_after_a_power_cut_inside_dpkg(server: Server) -> None:
    server.begin("site")
    server.host.sh("""
        cd /run && apt-get -qq update && apt-get -qq download restic && apt-get -qq purge -y restic >/dev/null
        dpkg --install restic_*.deb >/dev/null 2>&1 &
        until ls /var/lib/dpkg/updates | grep -q '^[0-9]'; do :; done
        kill -KILL $! && rm restic_*.deb
        printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d""")
    assert "restic" in server.host.sh("dpkg --audit; ls /var/lib/dpkg/updates")
    server.apply("site")
    assert server.host.sh("dpkg --audit; ls /var/lib/dpkg/updates; ls /usr/sbin/policy-rc.d 2>/dev/null || true") == ""
    server.host.sh("restic version")
