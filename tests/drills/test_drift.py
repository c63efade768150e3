# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual changes on a host: the next run reports and repairs them, and the run after that has nothing to do."""

from __future__ import annotations

import dataclasses

import pytest

from .harness import Server, assert_nothing_failed


@dataclasses.dataclass(frozen=True)
class Drift:
    """A manual change, with a run's message about it."""

    damage: str
    says: str


#: All of these at once: none hides another.
OF_THE_HOST = [
    Drift("nft flush ruleset", "the rules in the kernel were not those of the firewall"),
    Drift("userdel flask-probe-b", "account flask-probe-b was missing"),
    Drift("rm -rf /srv/flask/probe/cache", "/srv/flask/probe/cache was missing"),
    Drift("chmod 0777 /etc/flask/probe", "/etc/flask/probe was root:flask-probe 0777, not root:flask-probe 0750"),
    Drift("chmod 0777 /srv/flask/probe/releases", "/srv/flask/probe/releases was root:flask-probe 0777, not root:flask-probe 0751"),
    Drift("chown root:root /var/lib/flask-probe", "/var/lib/flask-probe was root:root 0750, not flask-probe:flask-probe 0750"),
    Drift("echo '# mine' >>/etc/nginx/nginx.conf", "/etc/nginx/nginx.conf was changed"),
    Drift("chmod 0666 /etc/nginx/flask.d/probe.conf", "/etc/nginx/flask.d/probe.conf was root:root 0666, not root:root 0644"),
    Drift("systemctl disable --quiet nginx.service", "nginx.service was disabled at boot"),
    Drift("systemctl stop flask-backup.timer", "flask-backup.timer was dead"),
]


def test_drift_is_reported_and_repaired(server: Server) -> None:
    before = server.begin("site")
    server.host.sh("\n".join(drift.damage for drift in OF_THE_HOST))
    run = server.apply("site")
    missing = [drift for drift in OF_THE_HOST if drift.says not in run.output]
    assert not missing, f"{missing} is not in\n{run.output[-6000:]}"
    assert server.apply("site").changed == 0
    assert server.serving().main_pid == before.main_pid, "nothing of it was the app's"
    assert "dport" in server.host.sh("nft list table inet flaskyard")


#: Damage to the serving slot. The app keeps running meanwhile.
OF_THE_SLOT = [
    Drift("chmod 0644 /etc/flask/probe/secret_key", "/etc/flask/probe/secret_key was open to others, with mode 0644"),
    Drift("rm /srv/flask/probe/current", "/srv/flask/probe/current was missing"),
    Drift("rm /etc/flask/probe/slots/$slot/env", "/env was missing"),
    Drift("echo 'workers = 9' >>/etc/flask/probe/slots/$slot/gunicorn.conf.py", "gunicorn.conf.py was changed"),
    Drift("rm /etc/systemd/system/flask-probe@$slot.service", ".service was missing"),
]


def test_drift_of_a_slot_is_reported_and_repaired_while_serving(server: Server) -> None:
    before = server.begin("site")
    with server.load() as load:
        server.host.sh("slot=$(basename $(readlink /run/flask-probe/current.sock) .sock)\n" + "\n".join(drift.damage for drift in OF_THE_SLOT))
        run = server.apply("site")
        report = load.finish()
    missing = [drift for drift in OF_THE_SLOT if drift.says not in run.output]
    assert not missing, f"{missing} is not in\n{run.output[-6000:]}"
    assert_nothing_failed(report)
    assert server.serving().main_pid == before.main_pid
    assert server.apply("site").changed == 0
    server.host.sh(f"systemctl restart flask-probe@{before.current}.service")
    assert server.marker(), "everything that it starts from is back"


@pytest.mark.long
def test_damaged_release_is_rebuilt_beside_the_old_one(server: Server) -> None:
    before = server.begin("site")
    damages = (
        "rm $(readlink -f /srv/flask/probe/current/.venv)/bin/gunicorn",
        "rm /srv/flask/probe/current/pyproject.toml",
        "echo '# hotfix' >>/srv/flask/probe/current/probe.py",
        "rm $(readlink -f /srv/flask/probe/current/.venv)/lib/python3*/site-packages/flask/py.typed",
    )
    for damage in damages:
        with server.load() as load:
            server.host.sh(damage)
            server.apply("site")
            report = load.finish()
        assert_nothing_failed(report)
        after = server.serving()
        assert after.current != before.current, "nothing is built where a server runs"
        before = after
    assert server.apply("site").changed == 0


def test_damaged_records_do_not_stop_a_run(server: Server) -> None:
    server.begin("site")
    with server.load() as load:
        server.host.sh("""
            cd /var/lib/flaskyard
            echo '["half' > apps/probe/shared.json
            for path in certificates/*.json apps/probe/wish.json filesets/nginx/manifest.json /etc/flask/probe/slots/*/record.json; do
                test -s $path; truncate --size=9 $path
            done""")
        server.apply("site")
        report = load.finish()
    assert_nothing_failed(report, reloaded=True)
    assert server.apply("site").changed == 0


def test_slot_in_a_crash_loop_fails_the_run(server: Server) -> None:
    slot = server.begin("site").current
    unit = f"flask-probe@{slot}.service"
    server.host.sh(f"""
        mkdir /etc/systemd/system/{unit}.d
        printf '[Service]\nExecStartPre=/bin/sh -c "echo the disk is gone; exit 3"\n' >/etc/systemd/system/{unit}.d/ill.conf
        systemctl daemon-reload
        systemctl restart {unit} || true""")
    server.wait(f"systemctl show --property=SubState --value {unit} | grep -q auto-restart")
    server.play("site").assert_says("probe: ", slot, "does not pass this check", "the disk is gone")
    server.host.sh(f"rm -r /etc/systemd/system/{unit}.d; systemctl daemon-reload")
    server.apply("site")
    assert server.apply("site").changed == 0


def test_slot_that_was_stopped_starts_again(server: Server) -> None:
    slot = server.begin("site").current
    server.host.sh(f"systemctl stop flask-probe@{slot}.socket flask-probe@{slot}.service")
    assert f"flask-probe@{slot}.service was dead" in server.apply("site").output
    assert server.serving().current == slot and server.apply("site").changed == 0
