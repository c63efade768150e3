# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flask-SocketIO through the proxy: many clients that poll, and that upgrade to WebSockets."""

from __future__ import annotations

from pathlib import Path

import pytest

from .harness import DOMAIN, Server

SOCKETS = "sockets.test"
#: Names that the host resolves to itself.
DOMAINS = f"{DOMAIN},{SOCKETS}"
REQUIREMENTS = "flask==3.1.2\nflask-socketio==5.5.1\nsimple-websocket==1.1.0\npython-socketio[client]==5.14.3\n"
APP = """
from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app, async_mode="threading")


@app.get("/")
def index():
    return "ok"


@socketio.on("add")
def add(numbers):
    return sum(numbers)
"""
CLIENT = f"""
import sys

import requests
import socketio

session = requests.Session()
session.verify = False
right = 0
for _ in range(20):
    with socketio.SimpleClient(http_session=session) as client:
        client.connect("https://{SOCKETS}", transports=[sys.argv[1]] if sys.argv[1] == "polling" else ["polling", "websocket"])
        right += sum(client.call("add", [number, 1], timeout=10) == number + 1 for number in range(5))
print(right)
"""


@pytest.mark.long
def test_no_client_loses_its_session(server: Server, tmp_path: Path) -> None:
    for name, text in (("requirements.txt", REQUIREMENTS), ("web.py", APP), ("client.py", CLIENT)):
        (tmp_path / name).write_text(text)
    place = {"source": {"path": str(tmp_path)}, "domains": [SOCKETS], "tls": {"issuer": "selfsigned"}}
    server.others = [{**place, "name": "sockets", "wsgi": "web:app", "workload": "sessions", "streaming": ["/socket.io"]}]
    server.apply("site")
    for transport in ("polling", "websocket"):
        ran = server.host.sh(f"flaskyard run sockets -- python -W ignore client.py {transport}")
        assert ran.split()[-1] == "100", ran
    server.reset()
    server.apply_twice("site")
