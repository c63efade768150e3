# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox of services and workers: closed at first, then open only for what the key `sandbox` names."""

from __future__ import annotations

from pathlib import Path

import pytest

from .harness import Server

REACHING = """
import os
import socket

from flask import Flask

app = Flask(__name__)


def ask():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("/run/flaskyard-media.sock")
        return client.recv(10).decode()


def write():
    with open("/mnt/media/new", "w") as file:
        file.write("x")
    return "written"


def look():
    with open("/dev/net/tun", "rb"):
        return "open"


def interfaces():
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()
    return "asked"


def cache():
    return os.environ.get("XDG_CACHE_HOME", "")


@app.get("/<what>")
def reach(what):
    try:
        return {"group": ask, "folder": write, "device": look, "netlink": interfaces, "cache": cache}[what]()
    except OSError as error:
        return str(error.errno)


@app.cli.command("reach")
def command():
    print(reach("group"), reach("folder"), reach("device"), reach("netlink"), reach("cache"))
"""
#: A socket and a device that only a group of the host may open, and a world-writable folder.
THINGS = """
groupadd --system media
mkdir -p /mnt/media && mount -t tmpfs -o mode=1777 media /mnt/media
mkdir -p /dev/net && { test -e /dev/net/tun || mknod /dev/net/tun c 10 200; } && chgrp media /dev/net/tun && chmod 660 /dev/net/tun
systemd-run --quiet --unit=media --property=Group=media --property=UMask=0007 socat UNIX-LISTEN:/run/flaskyard-media.sock,fork SYSTEM:"'echo hello'"
"""
SANDBOX = {"groups": ["media"], "writable_paths": ["/mnt/media"], "devices": ["/dev/net/tun"], "netlink": True, "home_cache": True}
REACHED = {"group": "hello\n", "folder": "written", "device": "open", "netlink": "asked", "cache": "/var/cache/flask-probe"}


@pytest.fixture
def reaching(server: Server) -> Server:
    Path(server.source, "probe.py").write_text(REACHING)
    server.app |= {"healthcheck": {"path": "/cache"}, "source": {"path": str(server.source)}}
    return server


def reached(server: Server) -> dict[str, str]:
    return {what: server.host.ask(f"/{what}").body.decode() for what in REACHED}


def test_app_reaches_only_declared_resources(reaching: Server) -> None:
    server, host = reaching, reaching.host
    server.app["sandbox"] = SANDBOX
    missing = server.play("deploy")
    missing.assert_says("sandbox.groups: this host has no group 'media'; install the package that makes it (packages), or make it")
    host.sh("apt-get -qq install -y socat >/dev/null")
    host.sh(THINGS)
    server.app["sandbox"] = {}
    server.apply()
    assert reached(server) == {"group": "13", "folder": "30", "device": "2", "netlink": "97", "cache": ""}
    server.app["sandbox"] = SANDBOX
    server.apply()
    assert reached(server) == REACHED
    assert host.sh("flaskyard run probe -- flask --app probe reach").split() == "".join(f"{word} " for word in REACHED.values()).split()
    assert server.apply().changed == 0
    server.variables = {"host_locales": ["de_DE.UTF-8"], "host_timezone": "Europe/Berlin"}
    server.app["env"] |= {"LC_ALL": "de_DE.UTF-8"}
    server.apply("site")
    assert host.sh("flaskyard run probe -- python -c 'import locale; print(locale.setlocale(locale.LC_ALL, \"\"))'").strip() == "de_DE.UTF-8"
    assert host.sh("date +%Z").strip() in ("CET", "CEST") and server.apply("site").changed == 0
    host.sh("umount /mnt/media; rmdir /mnt/media")
    server.app["env"]["DRILL"] = "again"
    server.play("deploy").assert_says("sandbox.writable_paths: this host has no folder '/mnt/media'; make it, or mount what belongs there")
    host.sh("systemctl stop media; groupdel media; rm -f /run/flaskyard-media.sock")
    server.reset()
    server.apply_twice("site")
