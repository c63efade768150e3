# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of every combination of server, proxy and process manager. The tests run in the order of this file."""

from __future__ import annotations

import hashlib
import time

import pytest

from tests.drills.harness import DOMAIN, assert_nothing_failed

from .conftest import Arrival, Figures
from .stack import ENV, MASTERS, UPLOAD_BYTES, WORKER, Crowd, Stack

#: The allowed milliseconds of outage during a change of proxy.
PROXY_OUTAGE = 1_000
#: The lowest number of requests during a change. Two single-threaded workers on a busy machine cannot serve many.
ENOUGH = 100


def test_change_to_this_stack_fails_no_request(stack: Stack, arrivals: dict[str, Arrival]) -> None:
    assert stack.combination
    arrival = arrivals[stack.combination.name]
    report = arrival.report
    if arrival.other_proxy:
        print(f"change of proxy: {report.failed} of {report.requests} requests failed, {report.outage:.0f} ms of outage")
        assert report.outage < PROXY_OUTAGE, report.failures
    else:
        assert_nothing_failed(report, reloaded=True, enough=ENOUGH)


def test_second_run_changes_nothing(stack: Stack) -> None:
    again = stack.apply("site")
    assert again.changed == 0, again.output[-4000:]


def test_app_is_served(stack: Stack) -> None:
    assert stack.marker() == "one.a"


def test_environment_arrives_exactly(stack: Stack) -> None:
    environment = stack.host.ask("/env").json
    assert {name: environment.get(name) for name in ENV} == ENV
    assert len(environment["SECRET_KEY"]) >= 64
    assert (environment["STATE_DIRECTORY"], environment["CACHE_DIRECTORY"]) == ("/var/lib/flask-probe", "/var/cache/flask-probe")


def test_long_request_lines_and_large_headers_pass(stack: Stack) -> None:
    long = "a" * (8192 - len("GET /request?x= HTTP/1.1\r\n"))
    assert stack.host.ask(f"/request?x={long}").json["query"] == f"x={long}"
    answer = stack.host.ask("/headers?count=8&size=3900")
    assert (answer.status, {len(answer.headers.get(f"x-large-{number}", "")) for number in range(1, 9)}) == (200, {3900}), "32 KiB, less what others add"


def test_app_sees_the_original_request(stack: Stack) -> None:
    client = stack.host.sh("ip route show default").split()[2]
    lies = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=192.0.2.1",
        "X-Forwarded_For": "192.0.2.1",
        "X_Forwarded-Host": "evil.test",
        "X-Forwarded_Proto": "http",
    }
    for headers in ({}, lies):
        seen = stack.host.ask("/request/a%20b?c=d%2Fe", headers).json
        assert (seen["remote_addr"], seen["scheme"], seen["host"], seen["root_path"]) == (client, "https", DOMAIN, "")
        assert (seen["path"], seen["query"], seen["url"]) == ("/request/a b", "c=d%2Fe", f"https://{DOMAIN}/request/a%20b")
        names = {name for name, value in seen["headers"] if "192.0.2.1" in value or "evil" in value}
        assert not names, names
    lied_to = stack.host.ask("/upload", {"Content_Length": "5", "Transfer_Encoding": "chunked"}, method="POST", body=bytes(100))
    assert lied_to.json["length"] == 100


def test_app_runs_as_its_own_account(stack: Stack) -> None:
    process = stack.host.ask("/process").json
    assert process["uid"] != 0 and int(process["capabilities"], 16) == 0 and process["no_new_privileges"]
    assert process["prefix"].startswith("/srv/flask/probe/"), "the interpreter of the app's own virtualenv"
    assert stack.host.ask("/write?path=probe.py", method="POST", body=b"").json["written"] is False
    assert stack.host.ask("/write?path=instance/kept", method="POST", body=b"").json["written"] is True


def test_static_files_are_served_without_python(stack: Stack) -> None:
    answer = stack.host.ask("/static/app.css")
    assert (answer.status, answer.body) == (200, b"body { color: black }\n")


def test_big_upload_arrives_whole(stack: Stack) -> None:
    body = bytes(range(256)) * (UPLOAD_BYTES // 256)
    answer = stack.host.ask("/upload", method="POST", body=body)
    assert answer.json["length"] == UPLOAD_BYTES
    assert answer.json["sha256"] == hashlib.sha256(body).hexdigest()


def test_upload_of_unknown_length_arrives_whole(stack: Stack) -> None:
    answer = stack.host.ask("/upload", method="POST", body=bytes(100_000), chunked=True)
    # Over HTTP/2, a client may send 64 KiB before it reads the refusal.
    [other] = stack.host.http_2("/upload", body=bytes(60_000))
    if stack.combination and not stack.combination.reads_chunks:
        assert (answer.status, other.status_code) == (411, 411), "and not an empty body"
    else:
        assert (answer.json["length"], other.json()["length"]) == (100_000, 60_000)


def test_stream_is_passed_on_without_delay(stack: Stack) -> None:
    begin = time.monotonic()
    arrivals = [moment - begin for moment in stack.host.arrivals("/stream?chunks=4&seconds=0.5")]
    assert len(arrivals) == 4
    assert arrivals[-1] - arrivals[0] > 1.0, f"all at once: {arrivals}"


def test_slow_clients_do_not_starve_fast_ones(stack: Stack, figures: Figures, request: pytest.FixtureRequest) -> None:
    if stack.combination and not stack.combination.waits_for_uploads:
        request.applymarker(pytest.mark.xfail(strict=True, raises=AssertionError, reason="a slow upload holds a worker"))
    with Crowd(stack.host.address, 1000), stack.load(slow_path=None, post_path=None) as load:
        time.sleep(4)
        report = load.finish()
    figures["p99 beside 1,000 slow clients, ms"] = report.latency["p99"]
    # Under high load, Apache closes idle connections. The client must then send its request again.
    apache = stack.combination and stack.combination.proxy == "apache"
    assert set(report.errors) <= ({"closed on reuse"} if apache else set()) and set(report.statuses) == {200}, report.failures
    assert report.latency["p99"] < 2_000


def test_change_fails_no_request(stack: Stack) -> None:
    stack.app["env"]["PROBE_MARKER"] = "b"
    with stack.load(paths=["/", "/slow?seconds=0.05"]) as load:
        stack.apply()
        report = stack.finish(load)
    assert_nothing_failed(report, enough=ENOUGH)
    assert [version.marker for version in report.versions] == ["one.a", "one.b"]


def test_bad_release_never_serves_a_request(stack: Stack) -> None:
    stack.replace('MARKER = "one"', "import a_module_that_is_not_there")
    with stack.load() as load:
        run = stack.play()
        report = load.finish()
    stack.replace("import a_module_that_is_not_there", 'MARKER = "one"')
    run.assert_says("probe", "a_module_that_is_not_there")
    assert_nothing_failed(report, enough=ENOUGH)
    assert stack.marker() == stack.declared_marker


@pytest.mark.parametrize("what", ["worker", "master"])
def test_killed_processes_are_replaced(stack: Stack, figures: Figures, what: str) -> None:
    report = stack.death(f"kill -KILL $({WORKER if what == 'worker' else MASTERS})")
    figures[f"gap, {what} killed, ms"] = report.max_gap
    figures[f"failed, {what} killed"] = report.failed
    assert stack.marker() == stack.declared_marker


@pytest.mark.long
def test_app_serves_after_a_reboot(stack: Stack) -> None:
    stack.host.reboot()
    assert stack.marker() == stack.declared_marker
    assert stack.apply("site").changed == 0


def test_output_of_the_app_is_logged(stack: Stack) -> None:
    text = f"said-{time.time_ns()}"
    stack.host.ask(f"/log?text={text}")
    for stream in ("logger", "stdout", "stderr"):
        stack.wait(f"journalctl --no-pager --output=cat --since=-60s | grep -F '{stream} {text}'", 15)


def test_rate_and_memory_are_recorded(stack: Stack, figures: Figures) -> None:
    figures["requests per second"] = round(stack.requests_per_second())
    figures["memory, MiB"] = round(stack.host.memory_mb("flask-probe"), 1)
    assert figures["requests per second"] > 100
