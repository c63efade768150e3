# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes under load, on a fresh host: 32 clients must not notice them, and a change that fails must not be seen at all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.load import Load, Plan, Report, Target

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "changes"
DOMAIN = "probe.test"
HOSTS = [sys.executable, str(ROOT / "tests" / "hosts" / "hosts.py")]
INVENTORY = ROOT / ".cache" / "hosts" / PREFIX / "inventory.json"


class Server:
    """A host with the application `probe`, whose code and settings a test changes."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._variables = source.parent / "variables.json"
        shutil.copytree(ROOT / "tests" / "apps" / "probe", source)
        self.env: dict[str, str] = {"PROBE_MARKER": "a"}
        self.settings: dict[str, Any] = {"workers": 2}

    def replace(self, old: str, new: str) -> None:
        """Change the code of the application."""
        file = self._source / "probe.py"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def play(self, playbook: str) -> subprocess.CompletedProcess[str]:
        """Run one of the playbooks."""
        app = {
            "name": "probe",
            "source": {"path": str(self._source)},
            "wsgi": "probe:app",
            "domains": [DOMAIN],
            "tls": {"issuer": "selfsigned"},
            "healthcheck": {"path": "/healthz", "status": 200, "timeout_seconds": 20},
            "env": self.env,
        } | self.settings
        self._variables.write_text(json.dumps({"flask_apps": [app]}))
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(INVENTORY), "-e", f"@{self._variables}"]
        return subprocess.run([*command, str(ROOT / "playbooks" / playbook)], cwd=ROOT, capture_output=True, text=True, check=False)

    def apply(self, playbook: str = "deploy.yml") -> None:
        """Run a playbook that must succeed."""
        run = self.play(playbook)
        assert run.returncode == 0, run.stdout[-6000:] + run.stderr

    def shell(self, command: str) -> str:
        """Run a command on the host and return its output."""
        return subprocess.run([*HOSTS, "ssh", "--prefix", PREFIX, "web", command], check=True, capture_output=True, text=True).stdout

    def load(self) -> Load:
        """Return steady load: 32 clients, reads, writes, and one long request after the other."""
        address = json.loads(INVENTORY.read_text())["all"]["children"]["flask"]["hosts"]["web"]["ansible_host"]
        return Load(
            Plan(
                Target(f"https://{DOMAIN}", connect=address, verify=False),
                seconds=900,
                post_path="/upload",
                slow_path="/slow?seconds=5",
                marker=r"(?:\"marker\":\"|^)([\w-]+\.\w+)",
            )
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a host that serves `probe`, set up by `site.yml`."""
    subprocess.run([*HOSTS, "up", "--prefix", PREFIX, f"web={DOMAIN}"], check=True)
    server = Server(tmp_path_factory.mktemp("changes") / "probe")
    server.apply("site.yml")
    yield server
    subprocess.run([*HOSTS, "down", "--prefix", PREFIX], check=True)


def assert_nothing_failed(report: Report) -> None:
    assert (report.failed, report.errors, report.failures) == (0, {}, [])
    assert report.requests > 1000


def test_five_changes_and_no_failed_request(server: Server) -> None:
    nginx = server.shell("pgrep nginx")
    with server.load() as load:
        server.replace('MARKER = "one"', 'MARKER = "two"')
        server.apply()
        server.env["PROBE_MARKER"] = "b"
        server.apply()
        server.settings |= {"workers": 3, "threads": 4}
        server.apply()
        server.env["PROBE_IMPORT_SECONDS"] = "2"
        server.replace('MARKER = "two"', 'MARKER = "three"')
        server.apply()
        server.settings["gunicorn"] = {"worker_class": "sync", "preload": False}
        server.env["PROBE_MARKER"] = "c"
        server.apply()
        report = load.finish()
    assert_nothing_failed(report)
    assert [version.marker for version in report.versions] == ["one.a", "two.a", "two.b", "three.b", "three.c"]
    for earlier, later in zip(report.versions, report.versions[1:], strict=False):
        assert earlier.last - later.first < 0.5, "the switch is one moment, not a time of both"
    assert report.max_gap < 5000, "nobody waits long, even where other suites keep the machine busy"
    assert server.shell("pgrep nginx") == nginx, "the proxy was not reloaded"


@pytest.mark.parametrize(
    ("old", "new", "env", "says"),
    [
        ('MARKER = "', 'raise RuntimeError("this release is broken")\nMARKER = "', {}, "this release is broken"),
        ('MARKER = "', 'MARKER = "red-', {"PROBE_HEALTH": "500"}, "500"),
    ],
)
def test_a_red_gate_leaves_the_old_slot_serving(server: Server, old: str, new: str, env: dict[str, str], says: str) -> None:
    units = "systemctl list-units --no-legend --plain 'flask-probe@*.service'"
    before, wanted = server.shell(units), server.env
    with server.load() as load:
        server.replace(old, new)
        server.env = wanted | env
        run = server.play("deploy.yml")
        server.replace(new, old)
        server.env = wanted
        report = load.finish()
    assert run.returncode != 0
    assert says in run.stdout, "the failure says why"
    assert_nothing_failed(report)
    assert len(report.versions) == 1
    assert server.shell(units) == before
    server.apply()
