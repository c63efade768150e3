# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role fastcgi, behind nginx: an app gets the same request by FastCGI as by HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable

from testinfra.host import Host

from tests.hosts.client import Site


def test_only_the_proxy_reaches_the_socket(host: Host) -> None:
    socket = host.file(host.check_output("readlink -f /run/flask-probe/fastcgi.sock"))
    assert (socket.user, socket.group, oct(socket.mode)) == ("root", "www-data", "0o660")
    assert not host.file("/run/flask-probe/current.sock").exists


def test_app_is_told_the_public_name_and_scheme(site: Site) -> None:
    seen = json.loads(site.ask("/request/a%20b?c=d").body)
    assert (seen["url"], seen["path"], seen["query"]) == (f"https://{site.domain}/request/a%20b", "/request/a b", "c=d")


def test_server_is_sandboxed(site: Site, host: Host, exposure: Callable[[str], float]) -> None:
    process = json.loads(site.ask("/process").body)
    assert (int(process["capabilities"], 16), process["no_new_privileges"], process["seccomp"]) == (0, True, True)
    slot = host.check_output("readlink /run/flask-probe/fastcgi.sock").removesuffix(".sock")
    with host.sudo():
        assert exposure(f"flask-probe@{slot}.service") <= 1.1


def test_error_output_of_the_app_is_in_its_journal(site: Site, host: Host) -> None:
    site.ask("/raise?text=said-over-fastcgi")
    with host.sudo():
        said = host.check_output("journalctl --sync; journalctl --identifier=flask-probe --output=cat --lines=50")
    assert "said-over-fastcgi" in said
