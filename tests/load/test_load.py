# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the load client against a real server on loopback that misbehaves on request."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.load import Load, Plan, Target, run


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.log.append((self.command, self.path, self.client_address[1]))
        action = self.server.action
        if action == "drop":
            self.close_connection = True
            return
        if action == "nonsense":
            self.wfile.write(b"no HTTP at all\r\n")
            self.close_connection = True
            return
        if action == "pause":
            self.server.action = "ok"
            self.server.paused.append(time.monotonic())
            time.sleep(1)
        if self.path == "/slow":
            time.sleep(self.server.slow_seconds)
        body = self.server.body
        self.send_response(502 if action == "502" else 200)
        if action == "truncate":
            self.send_header("Content-Length", str(len(body) + 10))
            self.close_connection = True
        elif action == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.server.received += len(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.action = "ok"
        self.body = b"version one\n"
        self.log: list[tuple[str, str, int]] = []
        self.received = 0
        self.slow_seconds = 0.3
        self.paused: list[float] = []

    @property
    def target(self) -> Target:
        return Target(f"http://127.0.0.1:{self.server_address[1]}")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def test_good_server_passes(server: Server) -> None:
    with Load(Plan(server.target, clients=8, fresh=0, rate=200, paths=("/a", "/b"), post_path="/post", slow_path="/slow")) as load:
        time.sleep(1)
        report = load.finish()
    assert (report.failed, report.errors, set(report.statuses)) == (0, {}, {200})
    assert 50 <= report.requests <= 204 * report.seconds + 9, "the rate holds; nine clients begin, of which one is slow"
    assert report.requests == len(server.log)
    posts = [entry for entry in server.log if entry[0] == "POST"]
    assert len(posts) == pytest.approx(report.requests / 10, abs=8)
    assert server.received == 2048 * len(posts)
    assert {path for dummy, path, _second in server.log} == {"/a", "/b", "/post", "/slow"}
    assert len({port for *dummy, port in server.log}) == 9, "each client keeps its connection"
    assert report.slow["p50"] >= 300 > report.latency["p50"]


def test_wait_for_a_slow_client_is_not_a_gap(server: Server) -> None:
    server.slow_seconds = 2
    with Load(Plan(server.target, clients=8, fresh=0, rate=200, slow_path="/slow")) as load:
        report = load.finish()
    assert report.slow["max"] >= 2000
    assert report.seconds < 1.5 and report.max_gap < 1500


def test_fresh_clients_never_keep_a_connection(server: Server) -> None:
    with Load(Plan(server.target, clients=2, fresh=1, rate=50)) as load:
        time.sleep(0.5)
        report = load.finish()
    assert report.failed == 0
    *fresh, kept = sorted(Counter(port for *dummy, port in server.log).values())
    assert set(fresh) == {1} and kept > 1


def test_bodies_in_chunks_are_read(server: Server) -> None:
    server.action = "chunked"
    with Load(Plan(server.target, clients=2, rate=50, fresh=0, marker=r"version (\w+)\n$")) as load:
        time.sleep(0.3)
        report = load.finish()
    assert report.failed == 0
    assert report.versions[0].count == report.requests


@pytest.mark.parametrize(
    ("action", "kinds"),
    [("502", set()), ("drop", {"closed on reuse", "closed"}), ("truncate", {"closed"}), ("nonsense", {"malformed"})],
)
def test_every_failure_is_counted(server: Server, action: str, kinds: set[str]) -> None:
    with Load(Plan(server.target, clients=4, fresh=0, rate=100)) as load:
        time.sleep(0.3)
        server.action = action
        time.sleep(0.3)
        server.action = "ok"
        time.sleep(0.3)
        report = load.finish()
    assert report.failed >= 4
    assert set(report.errors) == kinds
    assert report.failed == sum(report.errors.values()) + report.statuses.get(502, 0)
    assert report.failed == len(server.log) - report.statuses[200]
    assert len(report.failures) == min(report.failed, 20)


@pytest.mark.parametrize("action", ["ok", "502", "drop", "truncate"])
def test_long_request_that_is_cut_is_counted(server: Server, action: str) -> None:
    with Load(Plan(server.target, clients=1, fresh=0, rate=20, slow_path="/slow")) as load:
        server.action = action
        time.sleep(0.5)
        report = load.finish()
    assert bool(report.cut) == (action != "ok"), report


def test_closed_port_is_a_failure_and_a_gap(server: Server) -> None:
    with Load(Plan(server.target, clients=4, fresh=4, rate=100)) as load:
        time.sleep(0.2)
        server.socket.close()
        time.sleep(0.6)
        report = load.finish()
    assert report.errors["connect"] >= 4
    assert report.max_gap >= 500
    assert report.outage >= 400


def test_pause_shows_as_latency(server: Server) -> None:
    with Load(Plan(server.target, clients=1, fresh=0, rate=50)) as load:
        server.action = "pause"
        time.sleep(1.4)
        report = load.finish()
    assert report.failed == 0
    assert 1000 <= report.latency["max"] < 10_000
    assert 1000 <= report.max_gap < 10_000
    assert report.outage == 0


def test_pause_of_the_machine_differs_from_one_of_the_server(server: Server) -> None:
    with Load(Plan(server.target, clients=1, fresh=0, rate=50)) as load:
        time.sleep(0.3)
        subprocess.run(["sh", "-c", f"kill -STOP {os.getpid()}; sleep 0.6; kill -CONT {os.getpid()}"], check=True)
        time.sleep(0.3)
        stopped = load.finish()
    assert stopped.paused >= 400 and stopped.max_gap >= 500
    with Load(Plan(server.target, clients=1, fresh=0, rate=50)) as load:
        server.action = "pause"
        time.sleep(1.4)
        assert load.finish().paused < 700


def test_versions_have_separate_time_spans(server: Server) -> None:
    with Load(Plan(server.target, clients=8, rate=200, marker=r"version (\w+)")) as load:
        time.sleep(0.4)
        server.body = b"version two\n"
        time.sleep(0.4)
        report = load.finish()
    one, two = report.versions
    assert (one.marker, two.marker) == ("one", "two")
    assert one.count + two.count == report.requests
    assert one.last - two.first <= report.longest, "what was sent before the change may be answered after it, and nothing else overlaps"
    assert one.first < two.first and one.last < two.last


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A self-signed certificate for localhost, with its key in the same file."""
    file = tmp_path / "localhost.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", str(file)]
    made = subprocess.run(["openssl", "req", "-x509", *key, *subject], check=True, capture_output=True)
    with file.open("ab") as stream:
        stream.write(made.stdout)
    return file


def test_certificates_are_verified(server: Server, authority: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = f"https://localhost:{server.server_address[1]}"
    plan = Plan(Target(url, "127.0.0.1", authority), clients=2, fresh=1, rate=50, requests=20)
    with Load(plan) as load:
        time.sleep(0.6)
        assert load.finish().failed == 0
    for target in (Target(url, "127.0.0.1"), Target(url.replace("localhost", "127.0.0.1"), None, authority)):
        assert set(asyncio.run(run(replace(plan, target=target, requests=2))).errors) == {"tls"}
    assert asyncio.run(run(replace(plan, target=Target(url, "127.0.0.1", verify=False)))).failed == 0


def test_missing_server_is_an_error_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with (
        pytest.raises(AssertionError, match="gave no good answer"),
        Load(Plan(Target(f"http://127.0.0.1:{port}"), timeout_seconds=0.5)),
    ):
        pass


def test_number_of_requests_is_bounded(server: Server) -> None:
    with Load(Plan(server.target, clients=4, rate=None, requests=100)) as load:
        time.sleep(1)
        assert load.finish().requests == 100


@pytest.mark.parametrize("bound", [{"seconds": 1801}, {"clients": 257}, {"requests": 0}, {"clients": 4, "fresh": 5}])
def test_bounds_hold(bound: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"is not within"):
        Plan(Target("http://127.0.0.1"), **bound)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["http://9.9.9.9", "https://[2620:fe::fe]", "ftp://127.0.0.1", "127.0.0.1"])
def test_load_goes_to_our_own_hosts_only(url: str) -> None:
    with pytest.raises(ValueError, match=r"no load is sent there|expected http"):
        Target(url)
