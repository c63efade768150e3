# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app's state is restored from a backup, under every server and manager, and nothing that runs meanwhile spoils it."""

from __future__ import annotations

import getpass
import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from .harness import Host, Server


def saved(server: Server, *apps: str) -> None:
    """Save a marked state of `apps`, and change it afterwards."""
    for app in apps:
        write(server, app, "saved")
    server.host.sh("systemctl start flask-backup.service")
    for app in apps:
        write(server, app, "changed since")


def write(server: Server, app: str, text: str) -> None:
    server.host.sh(f"runuser -u flask-{app} -- sh -c 'echo {text} > /var/lib/flask-{app}/state'")


def environment(server: Server) -> str:
    return server.host.sh(f"tr '\\0' '\\n' < /proc/{server.serving().main_pid}/environ")


def state(server: Server, app: str) -> str:
    return server.host.sh(f"cat /var/lib/flask-{app}/state")


def test_restore_has_the_release_command_run_again(server: Server) -> None:
    server.app["release_command"] = """sh -c 'echo ran >> "$STATE_DIRECTORY/commands"'"""
    server.apply("site")
    saved(server, "probe")
    run = server.apply("restore", "-e", "app=probe")
    assert "release_command" in run.output and state(server, "probe") == "saved"
    assert server.apply("site").changed
    assert server.host.sh("cat /var/lib/flask-probe/commands").split() == ["ran", "ran"]
    assert server.apply("site").changed == 0


def test_restore_says_what_it_did_and_is_logged(server: Server) -> None:
    server.begin("site")
    saved(server, "probe")
    run = server.apply("restore", "-e", "app=probe")
    assert re.search(r"started slot \S+; it did not serve for \d+\.\d s", run.output), run.output
    last = server.host.sh("flaskyard history probe").splitlines()[-1]
    assert "probe  restore of snapshot " in last and f"by {getpass.getuser()}@" in last and last.endswith("  ok")


def test_restore_takes_the_snapshot_of_the_named_host(server: Server) -> None:
    server.begin("site")
    saved(server, "probe")
    run = server.play("restore", "-e", "app=probe", "-e", "backup_host=web9")
    run.assert_says("no snapshot of the host 'web9'")
    assert state(server, "probe") == "changed since"


def test_failed_backup_says_why_and_nothing_of_earlier_runs(server: Server) -> None:
    server.begin("site")
    saved(server, "probe")
    server.host.sh("mv /etc/flask-backup/password /run/password")
    try:
        run, said = server.play("backup"), server.host.sh("flaskyard backup 2>&1 || true")
    finally:
        server.host.sh("mv /run/password /etc/flask-backup/password; flaskyard backup")
    for output in (run.failure, said):
        assert "No such file or directory: '/etc/flask-backup/password'" in output and "MB new" not in output, output


@pytest.mark.long
def test_restore_speaks_the_protocol_of_each_server(server: Server) -> None:
    servers = {"on-fastcgi": "fastcgi", "on-uwsgi": "uwsgi", "on-mod-wsgi": "mod_wsgi"}
    server.others = [{**server.app, "name": name, "server": kind, "domains": [f"{name}.test"]} for name, kind in servers.items()]
    server.others[1]["uwsgi"] = {"protocol": "uwsgi"}
    server.apply("site")
    saved(server, *servers)
    for name in servers:
        print(server.host.sh(f"flask-backup restore {name} 2>&1 || true"))
    assert {name: state(server, name) for name in servers} == dict.fromkeys(servers, "saved")
    assert {name: server.host.ask(host=f"{name}.test").status for name in servers} == dict.fromkeys(servers, 200)
    assert server.apply("site").changed == 0


@pytest.mark.long
def test_sparse_files_stay_sparse(server: Server) -> None:
    host = server.host
    server.begin("site")
    host.sh("runuser -u flask-probe -- truncate --size=1G /var/lib/flask-probe/sparse")
    try:
        saved(server, "probe")
        host.sh("flask-backup restore probe")
        assert host.sh("stat --format='%s %U' /var/lib/flask-probe/sparse; du --block-size=1M /var/lib/flask-probe/sparse").split()[:3] == [
            str(2**30),
            "flask-probe",
            "0",
        ]
        # The snapshot is verified with enough room for its data, but not for its holes.
        host.sh("mount -t tmpfs -o size=200m tmpfs /var/lib/flask-backup")
        host.sh("systemctl start flask-backup-verify.service")
    finally:
        host.sh("rm -f /var/lib/flask-probe/sparse; ! mountpoint --quiet /var/lib/flask-backup || umount /var/lib/flask-backup")


#: Processes of an app's account that cannot be started again, and how a restore names them.
STRANGERS = {
    "systemd-run --quiet --unit=import --uid=flask-probe sleep 600": "import.service, which systemd could not start again (a transient unit)",
    "runuser -u flask-probe -- sleep 601 >/dev/null 2>&1 </dev/null &": "(sleep 601), of ",
    """
    printf '[Service]\nType=oneshot\nUser=flask-probe\nExecStart=/usr/bin/sleep 602\n' > /run/systemd/system/tidy.service
    systemctl daemon-reload; systemctl start --no-block tidy.service""": "tidy.service, a job that is not finished",
}


@pytest.mark.long
def test_restore_refuses_while_unknown_processes_run(server: Server) -> None:
    host, before = server.host, server.begin("site")
    saved(server, "probe")
    for start, words in STRANGERS.items():
        host.sh(start)
        server.wait("pgrep -U flask-probe -x sleep")
        try:
            said = host.sh("flask-backup restore probe 2>&1 || true")
        finally:
            host.sh(
                "systemctl stop import.service tidy.service || true; pkill -U flask-probe -x sleep || true; rm -f /run/systemd/system/tidy.service; sleep 1"
            )
        assert words in said and "Nothing has changed" in said
        assert (server.serving(), state(server, "probe")) == (before, "changed since")
    host.sh("flask-backup restore probe")
    assert state(server, "probe") == "saved"


@pytest.mark.long
def test_restore_is_refused_during_a_deploy(server: Server) -> None:
    host, before = server.host, server.begin("site")
    saved(server, "probe")
    lock = "/var/lib/flaskyard/apps/probe/slot.lock"
    said = host.sh(f"flock {lock} flask-backup restore probe 2>&1 || true")
    assert "another run is at work here" in said and "Nothing has changed" in said
    assert (server.serving(), state(server, "probe"), host.sh("ls /var/lib/flask-backup | grep restore- || true")) == (before, "changed since", "")
    # A restore waits for a deploy that ends soon.
    host.sh(f"flock {lock} sleep 5 & sleep 1; flask-backup restore probe")
    assert state(server, "probe") == "saved"


@pytest.mark.long
def test_restore_stops_programs_of_supervisor(server: Server) -> None:
    host = server.host
    server.variables = {"flask_manager": "supervisor"}
    server.apply("site")
    saved(server, "probe")
    host.sh("""
        printf '[program:import]\ncommand=sleep 600\nuser=flask-probe\nautorestart=false\n' > /etc/supervisor/conf.d/import.conf
        supervisorctl update""")
    said = host.sh("flask-backup restore probe 2>&1 || true; rm /etc/supervisor/conf.d/import.conf; supervisorctl update")
    assert "(sleep 600), of supervisor.service, runs as flask-probe" in said
    assert (host.ask().status, state(server, "probe")) == (200, "changed since")
    host.sh("flask-backup restore probe")
    assert (host.ask().status, state(server, "probe")) == (200, "saved")
    assert server.apply("site").changed == 0


@pytest.mark.long
def test_changed_settings_neither_cut_nor_wait_for_a_backup(server: Server) -> None:
    host = server.host
    server.variables = {"backup_commands": [{"name": "slow", "user": "nobody", "command": "sh -c 'sleep 240; echo done'"}]}
    server.apply("site")
    host.sh("systemctl start --no-block flask-backup.service")
    server.wait("pgrep -U nobody -x sleep")
    invocation = host.sh("systemctl show --value --property=InvocationID flask-backup.service")
    begin = time.monotonic()
    # With another repository and password, the backup goes on with those with which it began.
    server.variables |= {"backup_repository": "/var/backups/other", "backup_password": "another", "backup_keep_daily": 9}
    server.apply("site")
    assert "wait for its end, or stop it" in host.sh("flask-backup restore probe 2>&1 || true")
    assert time.monotonic() - begin < 120
    assert host.sh("systemctl show --value --property=ActiveState,InvocationID flask-backup.service").split() == ["activating", invocation]
    host.sh("pkill -U nobody -x sleep")
    server.wait("test $(systemctl show --value --property=ActiveState flask-backup.service) != activating", 120)
    assert json.loads(host.sh("flask-backup status"))["run"]["ok"], host.sh("flask-backup status")
    server.variables = {}
    server.apply("site")
    assert " app-probe" in host.sh("flask-backup snapshots").splitlines()[-1]


@pytest.mark.long
def test_recovery_on_an_empty_host_brings_the_secret_key_back(server: Server, tmp_path: Path) -> None:
    lost = server.host
    server.begin("site")
    saved(server, "probe")
    key, password = lost.sh("cat /etc/flask/probe/secret_key"), lost.sh("cat /etc/flask-backup/password")
    # On the machine that made the snapshot, a key stays if it was changed since.
    lost.sh("echo -n changed-since > /etc/flask/probe/secret_key")
    assert "that of the host stays" in lost.sh("flask-backup restore probe")
    assert lost.sh("cat /etc/flask/probe/secret_key") == "changed-since"
    lost.sh(f"echo -n {key} > /etc/flask/probe/secret_key")
    with Host.up("empty", tmp_path) as empty:
        lost.sh("tar -C /var/backups -cf /run/repository.tar flask")
        subprocess.run(f"podman cp {lost.container}:/run/repository.tar - | podman cp - {empty.container}:/run/", shell=True, check=True)
        empty.sh("mkdir -p /var/backups; tar -C /var/backups -xf /run/repository.tar")
        other = Server(empty, tmp_path)
        other.variables = {"backup_password": password}
        empty.play("restore", app="probe").assert_says("No backups are set up on empty", "Run the playbook site first")
        other.apply("site")
        assert empty.sh("cat /etc/flask/probe/secret_key") != key
        run = empty.play("restore", app="probe")
        assert run.rc == 0 and "SECRET_KEY is that of the snapshot" in run.output, run.output
        assert (state(other, "probe"), empty.sh("cat /etc/flask/probe/secret_key")) == ("saved", key)
        assert key in environment(other), "the app runs with it"
        other.apply("site")
        assert other.apply("site").changed == 0
        assert (state(other, "probe"), empty.sh("cat /etc/flask/probe/secret_key")) == ("saved", key)
        assert key in environment(other)
