# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role mod_wsgi, with no proxy in front: a private Apache for each app, which its door alone reaches."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from testinfra.host import Host


@pytest.fixture
def door(service: str) -> str:
    """The unit of the current slot's door."""
    return service.replace(".service", "-door.service")


@pytest.fixture
def address(host: Host, door: str) -> list[str]:
    """Address and port of the Apache of `probe`."""
    said = host.check_output(f"systemctl show --value --property=ExecStart {door}")
    found = re.search(r" (127\.77\.\d+\.\d+):(\d+) ;", said)
    assert found, said
    return list(found.groups())


def test_app_answers_from_its_own_virtualenv(host: Host, ask: Callable[..., Any]) -> None:
    process = ask("/process")
    assert ask("/").startswith("one.")
    assert process["prefix"].startswith("/srv/flask/probe/")
    assert process["uid"] == host.user("flask-probe").uid


def test_all_units_start_at_boot(host: Host, service: str, door: str) -> None:
    for unit in (service, door, service.replace(".service", ".socket")):
        assert host.service(unit).is_running and host.service(unit).is_enabled


def test_sandbox(host: Host, ask: Callable[..., Any], service: str, door: str, exposure: Callable[[str], float]) -> None:
    process = ask("/process")
    assert (int(process["capabilities"], 16), process["no_new_privileges"], process["seccomp"]) == (0, True, True)
    with host.sudo():
        assert exposure(service) <= 1.5
        assert exposure(door) <= 1.5


def test_no_app_reaches_an_apache_past_its_door(host: Host, ask: Callable[..., Any], address: list[str]) -> None:
    path = f"/connect?host={address[0]}&port={address[1]}"
    for app in ("neighbour", "probe"):
        assert ask("/connect?host=127.0.0.1&port=22", app=app)["connected"] is True, "it has a network"
        assert ask(path, app=app)["connected"] is False
    assert ask("/", app="neighbour").startswith("one.")


def test_nothing_else_of_apache_is_there(host: Host) -> None:
    assert not host.file("/usr/lib/systemd/system/apache2.service").exists
    with host.sudo():
        listening = host.check_output("ss --listening --tcp --numeric --no-header --processes | grep apache2").splitlines()
    assert len(listening) == 2 and all(re.search(r" 127\.77\.\d+\.\d+:\d+ ", line) for line in listening), listening


@pytest.mark.parametrize("unit", ["service", "door"])
def test_killed_unit_comes_back_and_visitors_wait(
    host: Host, ask: Callable[..., Any], request: pytest.FixtureRequest, unit: str, unit_property: Callable[[str, str], str]
) -> None:
    name = request.getfixturevalue(unit)
    with host.sudo():
        before = unit_property(name, "MainPID")
        host.check_output(f"kill -9 {before}; sleep 0.2")
        assert ask("/").startswith("one."), "the socket stays open meanwhile"
        assert unit_property(name, "MainPID") not in ("0", before)


def test_log_is_in_the_journal_with_client_and_request_id(host: Host, ask: Callable[..., Any]) -> None:
    ask("/log?text=to-be-found", "X-Forwarded-For: 192.0.2.9", "X-Request-ID: 0123456789abcdef")
    with host.sudo():
        said = host.check_output("journalctl --sync; journalctl --identifier=flask-probe --output=cat --lines=80")
    assert re.search(r'192\.0\.2\.9 0123456789abcdef "GET /log\?text=to-be-found HTTP/1\.1" 200', said), said
    assert "stderr to-be-found" in said
