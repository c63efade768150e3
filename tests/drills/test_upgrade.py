# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The upgrade of a host from an earlier version of the collection, while visitors are served."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import ROOT, Host, Server, assert_nothing_failed

pytestmark = pytest.mark.long

#: The commit of the earlier version: the last before the survey.
EARLIER = "f5941b4"


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the earlier version."""
    tree = tmp_path_factory.mktemp("earlier")
    archive = subprocess.run(
        ["git", "archive", EARLIER, "playbooks", "plugins", "roles", "meta", "galaxy.yml", "ansible.cfg"], cwd=ROOT, check=True, capture_output=True
    )
    subprocess.run(["tar", "-x"], cwd=tree, input=archive.stdout, check=True)
    namespace = tree / ".cache/collections/ansible_collections/flaskyard"
    namespace.mkdir(parents=True)
    (namespace / "server").symlink_to(tree)
    return tree


@pytest.fixture(params=["nginx", "apache"])
def server(request: pytest.FixtureRequest, earlier: Path, tmp_path: Path) -> Iterator[Server]:
    """A host of the earlier version."""
    with Host.up("upgrade", tmp_path) as host:
        server = Server(host, tmp_path)
        server.variables = {"flask_proxy": request.param}
        host.tree = earlier
        server.apply("site")
        host.tree = ROOT
        yield server


def test_host_of_the_previous_version_is_upgraded_without_downtime(server: Server) -> None:
    before = server.host.sh("cat /etc/flask/probe/secret_key")
    with server.load() as load:
        server.apply("site")
        report = load.finish()
    assert_nothing_failed(report, reloaded=True)
    again = server.apply("site", "--diff")
    assert again.changed == 0, again.output[-6000:]
    server.wait("test $(ls /etc/flask/probe/slots | wc -l) = 1", 60)
    assert server.host.sh("cat /etc/flask/probe/secret_key") == before
    server.app["env"]["PROBE_MARKER"] = "b"
    server.apply()
    assert server.marker() == "one.b"
    server.host.reboot()
    assert server.marker() == "one.b"
