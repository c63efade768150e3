# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks to the previous release: under load, lasting, and never to a release that does not work."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .harness import APPS, BUILDING, DOMAIN, ROOT, App, Run, Server, assert_nothing_failed


class Calls:
    """Counts the modules that playbooks run on their hosts."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, server: Server, playbook: str, *options: str) -> tuple[Run, list[str]]:
        """Run a playbook that must succeed. Returns the run, and the modules that it ran on the host."""
        self._file.write_text("")
        run = server.apply(playbook, *options)
        lines = [line.split("\t") for line in self._file.read_text().splitlines()]
        return run, [what for kind, what, *dummy in lines if kind == "module"]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    monkeypatch.setenv("ANSIBLE_CALLBACK_PLUGINS", str(ROOT / "tests" / "bench" / "callbacks"))
    monkeypatch.setenv("ANSIBLE_CALLBACKS_ENABLED", "remote_calls")
    monkeypatch.setenv("REMOTE_CALLS", str(tmp_path / "calls"))
    return Calls(tmp_path / "calls")


def two_releases(server: Server, marker: str = "two") -> None:
    """Let one release serve after another, whatever an earlier drill left."""
    server.apply("deploy", "-e", "redeploy=true")
    newer(server, marker)


def newer(server: Server, marker: str) -> None:
    """Deploy another source."""
    server.replace('MARKER = "one"', f'MARKER = "{marker}"')
    server.apply("deploy", "-e", "redeploy=true")
    assert server.marker() == f"{marker}.a"


def log(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.host.sh("cat /var/log/flaskyard/deploys.jsonl").splitlines()]


def test_rollback_fails_no_request(server: Server, calls: Calls) -> None:
    server.apply("deploy", "-e", "redeploy=true")
    server.app["release_command"] = "touch instance/upgraded"
    newer(server, "two")
    seen = server.apply("rollback", "--check", "--diff")
    assert "would serve in place of" in seen.output and server.marker() == "two.a"
    with server.load() as load:
        time.sleep(2)
        begin = time.monotonic()
        run, modules = calls.of(server, "rollback")
        seconds = time.monotonic() - begin
        assert server.marker() == "one.a"
        report = server.finish(load)
    assert_nothing_failed(report)
    assert [version.marker for version in report.versions] == ["two.a", "one.a"]
    assert (run.changed, modules) == (1, ["flaskyard.server.rollback"])
    assert "these release commands are not undone: probe: touch instance/upgraded ran for release" in " ".join(run.output.split())
    print(f"the rollback took {seconds:.1f} s, under load")

    for playbook in ("site", "deploy"):
        run, modules = calls.of(server, playbook)
        assert run.changed == 0 and modules == ["flaskyard.server.survey"], run.output[-6000:]
        assert "app probe keeps release" in run.output and "run again with -e redeploy=true" in " ".join(run.output.split())
        assert server.marker() == "one.a"
    last = log(server)[-1]
    assert (last["action"], last["app"], last["outcome"]) == ("rollback", "probe", "ok") and "@" in last["by"]

    run = server.apply("deploy", "-e", "redeploy=true")
    assert run.changed == 2 and server.marker() == "two.a" and "keeps release" not in run.output
    assert server.apply("site").changed == 0


@pytest.mark.long
def test_shared_and_multiple_domains_are_kept(server: Server) -> None:
    """Two apps below different paths of two domains, neither of which redirects, while one app changes and goes back."""
    domains: App = {"domains": [DOMAIN, "also.test"], "redirect": False}
    server.app |= domains
    server.others = [{**server.app, "name": "shop", "path": "/shop", "env": {"PROBE_MARKER": "shop"}}]
    server.apply("site", "-e", "redeploy=true")

    def answers() -> list[str]:
        return [server.host.ask(path, host=host).body.decode().strip() for host in domains["domains"] for path in ("/", "/shop/")]

    assert answers() == ["one.a", "one.shop"] * 2
    server.others[0]["source"] = {"path": str(APPS / "probe")}
    server.apply("site")
    with server.load(paths=["/", "/shop/"]) as load:
        newer(server, "beside")
        assert answers() == ["beside.a", "one.shop"] * 2
        server.variables = {"app": "probe"}
        server.apply("rollback")
        assert answers() == ["one.a", "one.shop"] * 2
        report = server.finish(load)
    assert_nothing_failed(report)
    assert {version.marker for version in report.versions} == {"one.a", "one.shop", "beside.a"}
    server.reset()
    server.apply("site", "-e", "redeploy=true")


def test_new_source_goes_live_after_a_rollback(server: Server) -> None:
    two_releases(server)
    server.apply("rollback")
    server.host.reboot()
    assert server.marker() == "one.a"
    # A kept host may have withdrawn every source of earlier drills.
    marker = f"at-{time.time_ns()}"
    server.replace('MARKER = "two"', f'MARKER = "{marker}"')
    run = server.apply("deploy")
    assert server.marker() == f"{marker}.a" and "keeps release" not in run.output
    server.apply("rollback")
    assert server.marker() == "one.a", "what was withdrawn is passed over"


def test_slot_that_fails_its_gate_leaves_the_old_one_serving(server: Server) -> None:
    server.apply("deploy", "-e", "redeploy=true")
    server.replace('"PROBE_HEALTH", "200"', '"PROBE_HEALTH", "500"')
    server.app["env"]["PROBE_HEALTH"] = "200"
    server.apply("deploy")
    server.replace('MARKER = "one"', 'MARKER = "needs-nothing"')
    server.replace('"PROBE_HEALTH", "500"', '"PROBE_HEALTHY", "200"')
    del server.app["env"]["PROBE_HEALTH"]
    server.apply("deploy")
    before = server.serving()
    run = server.play("rollback")
    run.assert_says("probe: gate: GET /healthz gave status 500", f"slot {before.current} serves as before")
    assert server.serving() == before and server.marker() == "needs-nothing.a"
    assert server.apply("deploy").changed == 0 and log(server)[-1]["outcome"] == "failed"


def test_unknown_release_is_refused_with_the_known_ones(server: Server) -> None:
    before = server.serving()
    server.variables = {"app": "shop"}
    server.play("rollback").assert_says("there is no app 'shop' on this host; it has probe")
    server.variables = {"app": "probe", "release": "0123456789ab"}
    server.play("rollback").assert_says("there is no release '0123456789ab' of probe here; these are here")
    current = server.host.sh("basename $(readlink /srv/flask/probe/current)")
    server.variables = {"release": current}
    server.play("rollback", "--check").assert_says(f"release {current} of probe is the one that serves")
    assert server.serving() == before


@pytest.mark.long
def test_next_run_finishes_a_killed_rollback(server: Server) -> None:
    server.app["env"]["PROBE_IMPORT_SECONDS"] = "2"
    two_releases(server)
    server.serving()
    server.killed("module", "test $(ls /etc/flask/probe/slots | wc -l) = 2", "rollback")
    assert server.marker() == "two.a"
    run = server.apply("site")
    assert "keeps release" in run.output and server.marker() == "one.a"
    assert server.apply("site").changed == 0


@pytest.mark.long
def test_rollback_during_a_build_is_refused_with_its_owner(server: Server) -> None:
    two_releases(server)
    server.app["build_command"] = f"sleep 35 # {time.time_ns()}"
    deploy = server.start("deploy")
    server.wait(BUILDING)
    server.play("rollback").assert_says("probe: another run is at work here, for", "the deploy of", "wait until it ends, then run again")
    output, dummy = deploy.communicate()
    assert deploy.returncode == 0, output[-3000:]
    assert server.marker() == "two.a"


def test_command_on_the_host_does_what_the_playbooks_do(server: Server) -> None:
    server.app["processes"] = [{"name": "worker", "command": "sleep 600", "healthy_after_seconds": 1}]
    two_releases(server)
    sh = server.host.sh
    status = json.loads(sh("flaskyard status --json"))["apps"]["probe"]
    assert status["runs"] and status["release"]["by"].count("@") == 1 and status["certificate_days_left"] > 1
    assert [part["state"] for part in status["parts"].values()] == ["running"] * 3
    asked = [server.host.ask("/healthz").status for dummy in range(7)]
    server.wait("sleep 1.5; flaskyard status | grep -q ' requests in the last minute'", 10)
    assert json.loads(sh("flaskyard status --json"))["apps"]["probe"]["requests_last_minute"] >= len(asked)
    assert len(sh("flaskyard logs probe -n 5").splitlines()) == 5 and "serves since" in sh("flaskyard releases probe")
    sh("! flaskyard restart shop 2>/tmp/said && grep -q \"there is no app 'shop' on this host; it has probe\" /tmp/said")
    sh("! runuser -u nobody flaskyard status 2>/tmp/said && grep -q sudo /tmp/said && bash -n /usr/local/share/bash-completion/completions/flaskyard")

    with server.load(slow_path=None) as load:
        time.sleep(1)
        before = server.serving()
        assert sh("flaskyard restart probe").endswith("serves")
        assert "serves in place of" in sh("flaskyard rollback probe")
        report = server.finish(load)
    assert_nothing_failed(report, enough=100)
    assert [version.marker for version in report.versions] == ["two.a", "one.a"]
    after = server.serving()
    assert after.main_pid != before.main_pid and after.slots == (after.current,)

    run = server.apply("site")
    assert run.changed == 0 and "root@" in run.output and "keeps release" in run.output
    assert [line["action"] for line in log(server)[-2:]] == ["restart", "rollback"]
    shown = server.apply("status").output
    assert "is declared, and was withdrawn" in shown and "certificate good for" in shown
    server.host.sh("/etc/ansible/facts.d/flaskyard.fact | python3 -m json.tool")
