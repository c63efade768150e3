# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""More than one app, more than one host, and the removal of an app."""

from __future__ import annotations

from pathlib import Path

import pytest

from .harness import APPS, App, Host, Server, assert_nothing_failed

SECOND = "second.test"


def second() -> App:
    return {
        "name": "second",
        "source": {"path": str(APPS / "plain")},
        "wsgi": "plain:app",
        "domains": [SECOND],
        "tls": {"issuer": "selfsigned"},
        "workers": 1,
    }


@pytest.mark.long
def test_second_app_is_added_and_removed(server: Server) -> None:
    before, host = server.begin("site"), server.host
    with server.load() as load:
        server.others = [second()]
        server.apply("site")
        assert host.ask(host=SECOND).body == b"plain"
        assert host.sh("stat -c %a /var/lib/flask-second /srv/flask/second | xargs") == "750 751"
        refused = "runuser -u flask-probe -- ls /srv/flask/second /var/lib/flask-second /etc/flask/second 2>&1 || true"
        assert host.sh(refused).count("Permission denied") == 3, "the apps do not see each other"
        host.sh("echo kept > /var/lib/flask-second/instance/data")

        server.others = []
        server.apply("site")
        report = load.finish()
    assert_nothing_failed(report, reloaded=True)
    after = server.serving()
    assert (after.current, after.main_pid) == (before.current, before.main_pid), "nothing of the first app was touched"
    assert host.sh("ls -d /etc/nginx/flask.d/second.conf /etc/systemd/system/flask-second* /run/flask-second/*.sock 2>/dev/null || true") == ""
    assert host.sh("systemctl list-units --all --plain --no-legend 'flask-second*.service'") == ""
    with pytest.raises(OSError):
        host.ask(host=SECOND)
    assert host.sh("cat /var/lib/flask-second/instance/data") == "kept"

    # The kept data is there when the app comes back.
    server.others = [second()]
    server.apply("site")
    assert host.sh("cat /var/lib/flask-second/instance/data") == "kept"
    server.others = []
    server.apply("remove", "-e", "app=second", "-e", "purge=true")
    assert host.sh("ls -d /srv/flask/second /etc/flask/second /var/lib/flask-second /etc/sysusers.d/flask-second.conf 2>/dev/null || true") == ""
    assert host.sh("getent passwd flask-second flask-second-b || true") == ""
    server.apply_twice("site")


@pytest.mark.long
def test_deploy_of_one_app_does_not_change_the_others(server: Server) -> None:
    server.others = [second()]
    server.apply("site")
    before = server.serving()
    server.app["env"]["PROBE_MARKER"] = "later"
    server.others[0]["env"] = {"A": "b"}
    old = server.serving("second").current
    assert server.apply("deploy", "-e", "app=second").changed > 0
    assert server.serving("second").current != old
    assert (server.serving().current, server.marker()) == (before.current, "one.a"), "the declaration of the first app has to wait"
    assert server.apply("deploy", "-e", "app=second").changed == 0
    server.apply("deploy")
    assert server.marker() == "one.later"
    server.others = []
    server.apply_twice("site")


@pytest.mark.long
def test_app_that_changes_protocol_keeps_one_slot(server: Server) -> None:
    """The slots of each server are changed in a separate call, and the proxy follows only after the last call."""
    server.others = [second()]
    server.apply("site")
    server.app["server"] = "fastcgi"
    server.apply("site")
    assert server.marker() == "one.a"
    assert len(server.serving().slots) == 1, "the slot of before has gone"
    assert server.apply("site").changed == 0
    server.reset()
    server.apply_twice("site")


@pytest.mark.long
def test_bad_app_does_not_delay_the_others(server: Server) -> None:
    server.others = [second()]
    server.apply("site")
    before = server.serving("second")
    server.others[0]["env"] = {"CHANGED": "yes"}
    server.app["env"]["PROBE_HEALTH"] = "500"
    run = server.play()
    run.assert_says("probe: gate: GET /healthz gave status 500", "The other apps run what is declared.")
    assert server.serving("second").current != before.current, "the good change of the other app is made anyway"
    server.reset()
    server.apply_twice("site")


@pytest.mark.long
def test_second_host_serves_the_same_app(server: Server, tmp_path: Path) -> None:
    before = server.begin("site")
    with Host.up("other", tmp_path) as other:
        server.variables["target"] = f"{server.host.name},{other.name}"
        server.app["env"]["PROBE_MARKER"] = "both"
        server.apply("site")
        assert other.ask().body == server.host.ask().body == b"one.both\n"
        keys = {host.sh("cat /etc/flask/probe/secret_key") for host in (other, server.host)}
        assert all(len(key) >= 64 for key in keys)
        assert server.apply("site").changed == 0
    assert server.serving().current != before.current


@pytest.mark.parametrize("broken", [{"build_command": "exit 3"}, {"wsgi": "probe:nothing"}])
def test_failed_change_of_protocol_leaves_the_proxy_unchanged(server: Server, broken: App) -> None:
    before = server.begin("site")
    server.app |= {"server": "fastcgi", **broken}
    server.play("site").assert_says("probe: ", "The proxy is left as it is")
    assert server.marker() == "one.a" and server.serving() == before
    server.reset()
    server.apply_twice("site")


def test_other_apps_go_live_if_one_fails(server: Server) -> None:
    """One app fails to build, one fails its gate, one is new and one changes. The good ones go live, and the run names the bad ones."""
    broken = {**second(), "name": "broken", "domains": ["broken.test"], "build_command": "echo no compiler; exit 3"}
    dead = {**second(), "name": "dead", "domains": ["dead.test"], "wsgi": "plain:nothing"}
    server.app["env"]["PROBE_MARKER"] = "goes-on"
    server.others = [broken, second(), dead]
    run = server.play("site")
    run.assert_says("broken: ", "no compiler", "dead: gate: ")
    assert "Callback dispatch" not in run.output, "everything that was to be said was shown"
    assert server.marker() == "one.goes-on" and server.host.ask(host=SECOND).body == b"plain"
    again = server.play("site")
    again.assert_says("broken: ", "dead: ")
    server.others = [second()]
    server.apply("site")
    assert server.apply("site").changed == 0
    server.others = []
    for name in ("second", "broken", "dead"):
        server.apply("remove", "-e", f"app={name}", "-e", "purge=true")


@pytest.mark.long
def test_run_without_flask_apps_stops_no_app(server: Server) -> None:
    server.begin("site")
    for playbook in ("site", "deploy"):
        run = server.host.play(playbook)
        run.assert_says("flask_apps is not defined for", "which runs probe", "To stop all apps, write flask_apps: []")
        assert server.marker() == "one.a"
    misspelt = server.host.play("site", flask_app=[server.app], flask_apps=[])
    misspelt.assert_says("no role has the variable flask_app; did you mean flask_apps?")
    assert server.marker() == "one.a"
