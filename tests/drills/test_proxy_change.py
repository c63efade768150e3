# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One proxy replaces the other under load. The drills run in the order of this file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.load import Report

from .harness import Run, Server

#: The allowed milliseconds from a failed request to the next good answer.
OUTAGE = 1_000
#: Takes longer than a run after the change, and longer than Debian's nginx waits for requests when it stops.
LONG_REQUEST = "/slow?seconds=8"
#: A configuration that passes its check but cannot start.
UNSTARTABLE = "Listen 192.0.2.1:8080"


@pytest.fixture
def fronted(server: Server) -> Iterator[Server]:
    """The server with nginx, as the other drills expect it, before and after."""
    server.begin("site")
    yield server
    server.variables = {}
    server.apply("site")


def change(server: Server, slow_path: str | None = None, **variables: str) -> tuple[Run, Report]:
    """Run `site.yml` with other variables under load."""
    server.variables = variables
    with server.load(slow_path=slow_path) as load:
        run = server.play("site")
        return run, load.finish()


def listening(server: Server) -> set[str]:
    """The services that hold ports 80 and 443."""
    return set(server.host.sh("""ss -Hltnp 'sport = :80 or sport = :443' | grep -o '"[a-z0-9]*"' | tr -d '"' | sort -u""").split())


def wait_for_the_only(server: Server, process: str) -> None:
    """Wait until no other service holds the ports."""
    server.wait(f"[ \"$(ss -Hltnp 'sport = :443' | grep -o '\"[a-z0-9]*\"' | sort -u)\" = '\"{process}\"' ]", 15)
    assert listening(server) == {process}


def test_change_of_proxy_and_back_fails_no_request(fronted: Server) -> None:
    for proxy, process in (("apache", "apache2"), ("nginx", "nginx")):
        run, report = change(fronted, LONG_REQUEST, flask_proxy=proxy)
        assert run.rc == 0, run.output[-6000:]
        print(f"to {proxy}: {report.failed} of {report.requests} requests failed, {report.outage:.0f} ms of outage")
        assert report.outage < OUTAGE, report.failures
        assert report.cut == 0 and report.slow["max"] > 8_000, report
        wait_for_the_only(fronted, process)
        assert fronted.apply("site").changed == 0


def test_proxy_that_does_not_start_fails_no_request(fronted: Server) -> None:
    run, report = change(fronted, flask_proxy="apache", apache_extra_server=UNSTARTABLE)
    run.assert_says("apache", "could not bind to address 192.0.2.1:8080", "The old files are back, and nginx.service active.")
    assert set(report.statuses) == {200} and not report.errors, report.failures
    assert listening(fronted) == {"nginx"}
    assert fronted.host.sh("systemctl is-enabled nginx apache2 || true").split() == ["enabled", "disabled"]
    assert fronted.host.sh("ls -d /etc/apache2/flask.d/* 2>/dev/null || true") == ""


def test_service_that_does_not_share_its_ports_stops_first(fronted: Server) -> None:
    change(fronted, flask_proxy="apache")
    fronted.host.sh("sed -i /^ListenCoresBucketsRatio/d /etc/apache2/apache2.conf; systemctl restart apache2")
    run, report = change(fronted)
    assert run.rc == 0, run.output[-6000:]
    print(f"to nginx, ports not shared: {report.failed} of {report.requests} requests failed, {report.outage:.0f} ms of outage")
    assert listening(fronted) == {"nginx"}


@pytest.fixture
def somebody_elses(fronted: Server) -> Iterator[Server]:
    """The server with an Apache on port 8080 that no role manages."""
    fronted.host.sh("cp -p /etc/apache2/ports.conf /root; echo Listen 8080 > /etc/apache2/ports.conf; systemctl enable --now --quiet apache2")
    yield fronted
    fronted.host.sh("systemctl disable --now --quiet apache2; mv /root/ports.conf /etc/apache2")


def test_service_on_other_ports_stays(somebody_elses: Server) -> None:
    run, report = change(somebody_elses, nginx_extra_http="# more")
    assert run.rc == 0 and set(report.statuses) == {200}, run.output[-6000:]
    assert somebody_elses.host.sh("systemctl is-active apache2; systemctl is-enabled apache2").split() == ["active", "enabled"]


@pytest.mark.long
def test_killed_and_reverted_change_leaves_nothing(fronted: Server) -> None:
    journal = "/var/lib/flaskyard/filesets/apache/journal.json"
    fronted.variables = {"flask_proxy": "apache"}
    fronted.killed("module", f"test -e {journal} && systemctl is-active --quiet apache2", "site")
    print(fronted.host.sh(f"ls {journal}; systemctl is-active nginx apache2 || true"))
    fronted.variables = {}
    fronted.apply("site")
    wait_for_the_only(fronted, "nginx")
    assert fronted.host.sh("systemctl is-enabled nginx apache2 || true").split() == ["enabled", "disabled"]
    left = "/etc/apache2/flask.d /etc/apache2/flask-pages /etc/systemd/system/apache2.service.d /var/lib/flaskyard/filesets/apache"
    assert fronted.host.sh(f"ls -d {left} 2>/dev/null || true") == ""
    assert fronted.apply("site").changed == 0
