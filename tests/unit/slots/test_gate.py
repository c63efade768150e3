# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate, against a real server on a unix socket."""

from __future__ import annotations

import contextlib
import http.server
import itertools
import socket
import socketserver
import threading
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._slots.gate import Gate, GateError


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str) -> None:
        self.answers: list[int] = []
        self.body: t.Iterable[bytes] = ()
        self.chunked = False
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
        if server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            for block in server.body:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if server.chunked else block)
            self.wfile.write(b"0\r\n\r\n" if server.chunked else b"")

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


def test_gate_sends_the_headers_of_the_proxy(server: _Server) -> None:
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


def test_other_status_fails_and_is_reported(server: _Server) -> None:
    server.answers = [500]
    with pytest.raises(GateError, match=r"GET /healthz gave status 500; expected status 200, 2 times in a row within 1 s"):
        gate(timeout_seconds=1).wait(str(server.server_address), alive)


@pytest.mark.parametrize(("status", "passes"), [(404, True), (302, True), (499, True), (500, False)])
def test_any_status_below_500_passes_by_default(server: _Server, status: int, passes: bool) -> None:
    server.answers = [status]
    healthy, answer = True, ""
    try:
        gate(status=None, timeout_seconds=1).wait(str(server.server_address), alive)
    except GateError as error:
        healthy, answer = False, str(error)
    assert healthy is passes, answer


def test_gate_does_not_wait_for_a_dead_service(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(GateError, match="no answer .*the service does not stay up"):
        gate(timeout_seconds=60).wait(str(tmp_path / "none.sock"), lambda: "the service does not stay up")
    assert time.monotonic() - began < 30


def test_wait_ends_when_the_service_dies(tmp_path: Path) -> None:
    """As in the socket of a slot, which outlives its service."""
    path, looks = str(tmp_path / "s.sock"), iter(["", "the service does not stay up", "the service does not stay up"])
    began = time.monotonic()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        with pytest.raises(GateError, match=r"no answer \(timed out\); the service does not stay up"):
            gate(timeout_seconds=60).wait(path, lambda: next(looks))
    assert time.monotonic() - began < 30


def slowly(*blocks: bytes, seconds: float) -> Iterator[bytes]:
    """Blocks of a body, then one byte after the other for ever."""
    yield from blocks
    while True:
        time.sleep(seconds)
        yield b"."


@pytest.mark.parametrize("chunked", [False, True])
def test_body_must_have_the_text(server: _Server, chunked: bool) -> None:
    server.answers, server.chunked = [200], chunked
    server.body = [b"all sys", "tems gö".encode()]
    assert gate(body="systems gö").answer(str(server.server_address)) == (True, "status 200")
    assert gate(body="Systems").answer(str(server.server_address)) == (False, "status 200 without 'Systems' in its body")


def test_no_more_of_a_body_is_read_than_it_takes(server: _Server) -> None:
    server.answers = [200]
    server.body = itertools.chain([b"ready"], itertools.repeat(b"x" * 1000))
    assert gate(body="ready").answer(str(server.server_address))[0]
    assert not gate(body="never").answer(str(server.server_address))[0]
    assert gate().answer(str(server.server_address))[0]


@pytest.mark.parametrize("pause", [0.05, 60])
def test_hanging_answer_times_out(server: _Server, pause: float) -> None:
    server.answers, server.body = [200], slowly(seconds=pause)
    began = time.monotonic()
    with pytest.raises(GateError, match=r"status 200 and then no body \(timed out\); expected status 200 and 'ready' in the body, 2 times"):
        gate(body="ready", timeout_seconds=1).wait(str(server.server_address), alive)
    assert time.monotonic() - began < 30


def test_record_of_an_earlier_version_has_no_body_check(server: _Server) -> None:
    server.answers = [200]
    check = {"path": "/", "status": None, "timeout_seconds": 2, "successes": 1}
    Gate({"healthcheck": check, "canonical": None, "mount": "", "protocol": "http"}).wait(str(server.server_address), alive)
