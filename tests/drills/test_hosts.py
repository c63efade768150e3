# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One app on two hosts: each phase of a deploy ends on both before the next begins on either."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .harness import Run, Server

COMMANDS = "/var/lib/flask-probe/commands"
NOTE = """sh -c 'echo "$PROBE_MARKER" >> "$STATE_DIRECTORY/commands"'"""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    with (
        Server.provisioned("hosts-one", tmp_path_factory.mktemp("one")) as one,
        Server.provisioned("hosts-two", tmp_path_factory.mktemp("two")) as two,
    ):
        yield one, two


def deploy(hosts: tuple[Server, Server], *options: str) -> Run:
    """Deploy the first host's declaration to both."""
    return hosts[0].play("deploy", "-e", f"target={':'.join(host.host.name for host in hosts)}", *options)


def deployed(hosts: tuple[Server, Server], *options: str) -> None:
    """Deploy, which must succeed."""
    run = deploy(hosts, *options)
    assert run.rc == 0, run.output[-6000:]


def commands(hosts: tuple[Server, Server]) -> list[int]:
    """How often the release command ran on each host."""
    return [int(server.host.sh(f"{{ cat {COMMANDS} || true; }} 2>/dev/null | wc -l")) for server in hosts]


def test_release_command_runs_on_one_of_two_hosts(hosts: tuple[Server, Server]) -> None:
    one, two = hosts
    one.reset()
    one.app["release_command"] = NOTE
    deployed(hosts)
    assert commands(hosts) == [1, 0]
    again = deploy(hosts)
    assert again.changed == 0 and commands(hosts) == [1, 0]
    assert one.play("deploy", "-e", f"target={two.host.name}").changed == 0, "the other host knows that it ran"
    assert commands(hosts) == [1, 0]
    one.replace('MARKER = "one"', 'MARKER = "two"')
    deployed(hosts, "-e", "deploy_serial=1")
    assert commands(hosts) == [2, 0] and (one.marker(), two.marker()) == ("two.a", "two.a")
    one.app["release_command_once"] = False
    deployed(hosts)
    assert commands(hosts) == [2, 0], "it has run for this release, as both hosts know"
    one.replace('MARKER = "two"', 'MARKER = "three"')
    deployed(hosts)
    assert commands(hosts) == [3, 1]


def test_batch_that_fails_keeps_the_next_from_switching(hosts: tuple[Server, Server]) -> None:
    """The app fails only through the public address. So both hosts pass their gates, and the first batch notices the failure."""
    one, two = hosts
    one.reset()
    one.app["env"]["PROBE_MARKER"] = "batch"
    deployed(hosts)
    before = [server.serving() for server in hosts]
    one.replace('MARKER = "one"', 'MARKER = "two"')
    one.replace('int(os.environ.get("PROBE_HEALTH", "200"))', '500 if "X-Request-ID" in request.headers else 200')
    run = deploy(hosts, "-e", "deploy_serial=1")
    said = " ".join(run.output.split())
    assert run.rc != 0 and "the switch was undone" in said and f"it failed on the host {one.host.name}" in said, run.output
    assert [server.serving() for server in hosts] == before
    assert (one.marker(), two.marker()) == ("one.batch",) * 2


@pytest.mark.parametrize("sick", [0, 1])
def test_failure_on_one_host_switches_no_host(hosts: tuple[Server, Server], sick: int) -> None:
    one, two = hosts
    one.reset()
    one.app["env"]["PROBE_MARKER"] = f"before-{sick}"
    deployed(hosts)
    before = [server.serving() for server in hosts]
    hosts[sick].host.sh("touch /var/lib/flask-probe/sick")
    one.replace('MARKER = "one"', 'import os\nassert not os.path.exists("/var/lib/flask-probe/sick"), "this host is sick"\nMARKER = "two"')
    run = deploy(hosts)
    said = " ".join(run.output.split())
    assert run.rc != 0 and "this host is sick" in said and f"it failed on the host {hosts[sick].host.name}" in said, run.output
    assert [server.serving() for server in hosts] == before
    assert (one.marker(), two.marker()) == (f"one.before-{sick}",) * 2
    hosts[sick].host.sh("rm /var/lib/flask-probe/sick")
    deployed(hosts)
    assert (one.marker(), two.marker()) == (f"two.before-{sick}",) * 2
