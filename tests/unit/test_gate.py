# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate, against a real server on a unix socket."""

from __future__ import annotations

import http.server
import socketserver
import threading
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils.gate import Gate, GateError


class _Server(socketserver.ThreadingUnixStreamServer):
    def __init__(self, path: str) -> None:
        self.answers: list[int] = []
        self.seen: list[dict[str, str]] = []
        super().__init__(path, _Handler)

    def get_request(self) -> tuple[t.Any, t.Any]:
        request, _address = super().get_request()
        return request, ("local", 0)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = t.cast(_Server, self.server)
        server.seen.append({"path": self.path, **dict(self.headers)})
        self.send_response(server.answers.pop(0) if len(server.answers) > 1 else server.answers[0])
        self.end_headers()

    def log_message(self, format: str, *args: t.Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[_Server]:
    with _Server(str(tmp_path / "s.sock")) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def gate(**check: t.Any) -> Gate:
    healthcheck = {"path": "/healthz", "status": 200, "timeout_seconds": 2, "successes": 2, **check}
    return Gate({"healthcheck": healthcheck, "canonical": "shop.example.com", "mount": "", "protocol": "http"})


def alive() -> str:
    return ""


def test_it_asks_as_the_proxy_would(server: _Server) -> None:
    server.answers = [200]
    gate().wait(str(server.server_address), alive)
    assert len(server.seen) == 2
    assert {key: server.seen[0][key] for key in ("path", "Host", "X-Forwarded-Proto")} == {
        "path": "/healthz",
        "Host": "shop.example.com",
        "X-Forwarded-Proto": "https",
    }


def test_good_answers_must_come_in_a_row(server: _Server) -> None:
    server.answers = [503, 200, 500, 200, 200]
    gate().wait(str(server.server_address), alive)
    assert len(server.seen) == 5


def test_another_status_does_not_pass_and_is_told(server: _Server) -> None:
    server.answers = [500]
    with pytest.raises(GateError, match=r"GET /healthz gave status 500; expected 200, 2 times in a row within 1 s"):
        gate(timeout_seconds=1).wait(str(server.server_address), alive)


@pytest.mark.parametrize(("status", "passes"), [(404, True), (302, True), (499, True), (500, False)])
def test_without_a_status_anything_below_500_will_do(server: _Server, status: int, passes: bool) -> None:
    server.answers = [status]
    healthy, answer = True, ""
    try:
        gate(status=None, timeout_seconds=1).wait(str(server.server_address), alive)
    except GateError as error:
        healthy, answer = False, str(error)
    assert healthy is passes, answer


def test_a_dead_service_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(GateError, match="no answer .*the service does not stay up"):
        gate(timeout_seconds=60).wait(str(tmp_path / "none.sock"), lambda: "the service does not stay up")
    assert time.monotonic() - began < 5
