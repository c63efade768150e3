# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of every slot without a proxy: the app answers on its socket, from a sandbox, with its own environment."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from testinfra.host import Host

RUN = "/run/flask-probe"
Ask = Callable[..., Any]


class SlotContract:
    """Tests for the app `probe`; the fixtures `ask` and `service` are of molecule/conftest.py."""

    noticed_seconds: ClassVar[float] = 0.2
    """After which the death of a process costs no request any more."""
    highest_exposure: ClassVar[float] = 1.1
    """Of the slot, as systemd counts."""

    def test_only_the_proxy_reaches_the_socket(self, host: Host) -> None:
        socket = host.file(host.check_output(f"readlink -f {RUN}/current.sock"))
        assert (socket.user, socket.group, oct(socket.mode)) == ("root", "www-data", "0o660")

    def test_current_slot_starts_at_boot(self, host: Host, service: str) -> None:
        assert host.service(service).is_running
        assert host.service(service).is_enabled
        assert host.service(service.replace(".service", ".socket")).is_enabled

    def test_app_answers(self, ask: Ask) -> None:
        assert ask("/").startswith("one.")

    def test_app_is_told_the_public_name_and_scheme(self, ask: Ask) -> None:
        seen = ask("/request", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example.com")
        assert (seen["remote_addr"], seen["url"]) == ("192.0.2.7", "https://shop.example.com/request")

    def test_secret_key_is_long_and_stable(self, host: Host, ask: Ask) -> None:
        with host.sudo():
            kept = host.file("/etc/flask/probe/secret_key")
            assert (kept.user, oct(kept.mode)) == ("root", "0o600")
            assert ask("/env")["SECRET_KEY"] == kept.content_string.strip()
            assert re.fullmatch("[0-9a-f]{64,}", kept.content_string.strip())

    def test_slot_is_sandboxed(self, ask: Ask, service: str, exposure: Callable[[str], float], host: Host) -> None:
        process = ask("/process")
        assert (int(process["capabilities"], 16), process["no_new_privileges"], process["seccomp"]) == (0, True, True)
        assert process["uid"] == host.user("flask-probe").uid
        with host.sudo():
            assert exposure(service) <= self.highest_exposure

    @pytest.mark.parametrize("path", ["probe.py", "/srv/flask/probe/x", "/etc/x", "/usr/x", "/home/x", "/root/x", "/var/lib/x", "/run/flask-probe/x"])
    def test_app_cannot_write(self, ask: Ask, path: str) -> None:
        assert ask(f"/write?path={path}", method="POST")["written"] is False

    @pytest.mark.parametrize("path", ["instance/x", "/var/lib/flask-probe/x", "/var/cache/flask-probe/x", "/tmp/x"])
    def test_app_can_write_its_own(self, ask: Ask, path: str) -> None:
        assert ask(f"/write?path={path}", method="POST")["written"] is True

    @pytest.mark.parametrize("path", ["/etc/flask/probe/secret_key", "/etc/shadow", "/etc/ssh/ssh_host_ed25519_key", "/home/admin/.ssh/authorized_keys"])
    def test_app_cannot_read(self, ask: Ask, path: str) -> None:
        assert ask(f"/read?path={path}")["text"] is None

    def test_killed_master_comes_back(self, host: Host, ask: Ask, service: str, unit_property: Callable[[str, str], str]) -> None:
        with host.sudo():
            host.check_output(f"kill -9 {unit_property(service, 'MainPID')}")
            time.sleep(self.noticed_seconds)
            assert ask("/").startswith("one."), "the socket stays open meanwhile"
            assert host.service(service).is_running
