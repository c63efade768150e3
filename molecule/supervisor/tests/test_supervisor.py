# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role supervisor, with an app under gunicorn and no proxy in front."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from testinfra.host import Host

from tests.hosts.exposure import bound

RUN = "/run/flask-probe"


@pytest.fixture
def program(host: Host) -> str:
    """The program of the current slot of `probe`."""
    slot = host.check_output(f"readlink {RUN}/current.sock").removesuffix(".sock")
    return f"flask-probe@{slot}"


def test_current_slot_is_a_program_that_starts_at_boot(host: Host, program: str) -> None:
    assert host.service("supervisor").is_running
    assert host.service("supervisor").is_enabled
    assert host.file(f"/etc/supervisor/conf.d/{program}.conf").exists
    assert not host.file(f"/run/flask-supervisor/{program}.conf").exists
    assert host.check_output("ls /etc/systemd/system").count("flask-probe@") == 0
    with host.sudo():
        assert re.match(rf"{program}:0 +RUNNING", host.check_output("supervisorctl status"))


def test_only_root_controls_supervisord(host: Host) -> None:
    control = host.file("/run/supervisor.sock")
    assert (control.user, oct(control.mode)) == ("root", "0o700")
    with host.sudo():
        assert "supervisord" not in host.check_output("ss --listening --tcp --udp --processes --no-header")


def test_only_the_proxy_reaches_the_socket(host: Host) -> None:
    socket = host.file(host.check_output(f"readlink -f {RUN}/current.sock"))
    assert (socket.user, socket.group, oct(socket.mode)) == ("root", "www-data", "0o660")


def test_app_answers(ask: Callable[..., Any]) -> None:
    assert ask("/").startswith("one.")


def test_app_has_no_way_to_privileges(ask: Callable[..., Any], host: Host) -> None:
    process = ask("/process")
    assert process["uid"] == host.user("flask-probe").uid
    assert process["groups"] == [host.user("flask-probe").gid]
    assert (int(process["capabilities"], 16), process["no_new_privileges"], process["seccomp"], process["umask"]) == (0, True, True, "0027")


def test_programs_share_a_sandbox(host: Host, exposure: Callable[[str], float]) -> None:
    with host.sudo():
        assert exposure("supervisor.service") <= bound("supervisor.service")


@pytest.mark.parametrize("path", ["probe.py", "/srv/flask/probe/x", "/etc/x", "/usr/x", "/home/x", "/root/x", "/var/lib/x", "/run/flask-probe/x"])
def test_app_cannot_write(ask: Callable[..., Any], path: str) -> None:
    assert ask(f"/write?path={path}", method="POST")["written"] is False


@pytest.mark.parametrize("path", ["instance/x", "/var/lib/flask-probe/x", "/var/cache/flask-probe/x", "/tmp/x"])
def test_app_can_write_its_own(ask: Callable[..., Any], path: str) -> None:
    assert ask(f"/write?path={path}", method="POST")["written"] is True


@pytest.mark.parametrize("path", ["/etc/flask/probe/secret_key", "/etc/shadow", "/etc/ssh/ssh_host_ed25519_key", "/home/admin/.ssh/authorized_keys"])
def test_app_cannot_read(ask: Callable[..., Any], path: str) -> None:
    assert ask(f"/read?path={path}")["text"] is None


def test_secrets_are_in_no_process_list_and_no_section(host: Host) -> None:
    with host.sudo():
        secret = host.file("/etc/flask/probe/secret_key").content_string.strip()
        assert secret not in host.check_output("ps axww -o args")
        assert secret not in host.check_output("cat /etc/supervisor/conf.d/*.conf")


def test_killed_master_comes_back(host: Host, ask: Callable[..., Any], program: str) -> None:
    with host.sudo():
        killed = host.check_output(f"supervisorctl pid {program}:0")
        host.check_output(f"kill -9 {killed}")
        time.sleep(2)
        assert ask("/").startswith("one.")
        assert host.check_output(f"supervisorctl pid {program}:0") != killed


def test_access_log_has_client_and_request_id(host: Host, ask: Callable[..., Any]) -> None:
    ask("/request", "X-Forwarded-For: 192.0.2.9", "X-Request-ID: 0123456789abcdef")
    with host.sudo():
        said = host.check_output("journalctl --sync; journalctl --identifier=flask-probe --output=cat --lines=50")
    assert re.search(r'192\.0\.2\.9 0123456789abcdef "GET /request HTTP/1\.1" 200', said), said
