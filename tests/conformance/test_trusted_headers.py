# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client sends every header that a proxy, a server or an app may trust. The app sees the same request as without them."""

from __future__ import annotations

import json
from itertools import product

import pytest

from .stack import CLOSED, Stack

LIE = "192.0.2.66"
#: A false value for each header.
LIES = {
    "Content_Length": "5",
    "Content_Type": "text/lie",
    "Forwarded": f"for={LIE};host=lie.test;proto=http",
    "Front-End-Https": "off",
    "HTTPS": "off",
    "Path-Info": CLOSED,
    "Proxy": "http://lie.test",
    "Remote-Addr": LIE,
    "Remote-User": "lie",
    "Request-URI": CLOSED,
    "Script-Name": "/lie",
    "Server-Name": "lie.test",
    "Server-Port": "81",
    "Transfer_Encoding": "chunked",
    "True-Client-IP": LIE,
    "UWSGI-File": "/lie.py",
    "WSGI-Url-Scheme": "http",
    "X-Accel-Buffering": "lie",
    "X-Accel-Mapping": "/=/lie",
    "X-Accel-Redirect": CLOSED,
    "X-Client-IP": LIE,
    "X-Cluster-Client-IP": LIE,
    "X-Forwarded": f"for={LIE}",
    "X-Forwarded-By": "lie.test",
    "X-Forwarded-Email": "lie@lie.test",
    "X-Forwarded-For": LIE,
    "X-Forwarded-Groups": "lie",
    "X-Forwarded-Host": "lie.test",
    "X-Forwarded-Path": CLOSED,
    "X-Forwarded-Port": "81",
    "X-Forwarded-Preferred-Username": "lie",
    "X-Forwarded-Prefix": "/lie",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Protocol": "http",
    "X-Forwarded-Scheme": "http",
    "X-Forwarded-Server": "lie.test",
    "X-Forwarded-Ssl": "off",
    "X-Forwarded-Uri": CLOSED,
    "X-Forwarded-User": "lie",
    "X-Original-Host": "lie.test",
    "X-Original-URI": CLOSED,
    "X-Original-URL": CLOSED,
    "X-Real-IP": LIE,
    "X-Remote-Addr": LIE,
    "X-Remote-User": "lie",
    "X-Request-ID": "lie",
    "X-Rewrite-URL": CLOSED,
    "X-Scheme": "http",
    "X-Script-Name": "/lie",
    "X-Sendfile": "/etc/passwd",
    "X-Sendfile-Type": "X-Accel-Redirect",
    "X-Url-Scheme": "http",
    # Passenger's own headers, and other names that only a careless program accepts.
    "!~": "lie",
    "!~FLAGS": "lie",
    "!~HTTPS": "off",
    "!~PASSENGER_APP_ROOT": "/lie",
    "!~PASSENGER_STARTUP_FILE": "/lie.py",
    "!~REMOTE_ADDR": LIE,
    "!~REMOTE_USER": "lie",
    "!~SCRIPT_NAME": "/lie",
    "X.Forwarded.For": LIE,
    "X-Forwarded-For~": LIE,
}
#: Variables that differ from one request to the next.
VOLATILE = {"HTTP_X_REQUEST_ID", "REMOTE_PORT", "UNIQUE_ID", "H2_STREAM_TAG", "CONTENT_LENGTH", "HTTP_CONTENT_LENGTH", "HTTP_CONNECTION", "HTTP_UPGRADE"}
#: What HTTP/1.1 says of a connection, and what HTTP/2 has no word for.
OF_CONNECTIONS = "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade"
OURS = "X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, X-Real-IP, X-Request-ID, Host"
Headers = list[tuple[str, str]]
Environ = dict[str, str]


def spellings(name: str) -> list[str]:
    """A name with each of its dashes as it is, or as an underscore: CGI writes them all alike."""
    parts = name.split("-")
    return ["".join(part + sign for part, sign in zip(parts, (*signs, ""), strict=True)) for signs in product("-_", repeat=len(parts) - 1)]


SPELLED: Headers = [(spelling, lie) for name, lie in LIES.items() for spelling in spellings(name)]
BATCHES = [SPELLED[start : start + 24] for start in range(0, len(SPELLED), 24)]


def environ(body: bytes) -> Environ:
    """What the app knows of a request, but for what differs every time."""
    seen: Environ = json.loads(body)["environ"]
    assert len(seen["HTTP_X_REQUEST_ID"]) >= 20, seen["HTTP_X_REQUEST_ID"]
    return {name: value for name, value in seen.items() if name not in VOLATILE and "." not in name}


@pytest.fixture(scope="module")
def honest(stack: Stack) -> Environ:
    """What the app sees of a client that does not lie."""
    return environ(stack.host.ask("/request").body)


def assert_unmoved(stack: Stack, headers: Headers, honest: Environ) -> Environ:
    """Ask with these headers. All that the app sees of an honest client is there; what else it sees is returned."""
    answer = stack.host.ask("/request", headers)
    assert answer.status == 200, (answer, headers)
    seen = environ(answer.body)
    assert honest.items() <= seen.items(), (headers, honest.items() - seen.items())
    return dict(seen.items() - honest.items())


def test_forged_headers_do_not_reach_the_app(stack: Stack, honest: Environ) -> None:
    for batch in BATCHES:
        assert assert_unmoved(stack, batch, honest) == {}, batch
        assert assert_unmoved(stack, [pair for pair in batch for dummy in range(2)], honest) == {}, batch


def test_forged_headers_over_http_2_do_not_reach_the_app(stack: Stack) -> None:
    honest, *lied_to = (environ(stack.host.http_2("/request", headers=headers)[0].content) for headers in ([], *BATCHES))
    for batch, seen in zip(BATCHES, lied_to, strict=True):
        assert seen == honest, (batch, seen.items() ^ honest.items())


def test_client_cannot_remove_headers_of_the_proxy(stack: Stack, honest: Environ) -> None:
    for name in OF_CONNECTIONS:
        assert_unmoved(stack, [(name, OURS)], honest)
    for value in (f"close, {OURS}", f"keep-alive, {OURS}", f"upgrade, {OURS}", OURS.lower(), OURS.replace(" ", "\t")):
        assert_unmoved(stack, [("Connection", value)], honest)
        assert_unmoved(stack, [("Connection", value), ("Upgrade", "websocket")], honest)
        assert_unmoved(stack, [("Connection", "close"), ("Connection", value)], honest)


def test_trailers_do_not_become_headers(stack: Stack, honest: Environ) -> None:
    trailers = "".join(f"{name}: {lie}\r\n" for name, lie in LIES.items() if not name.startswith("!"))
    framing = [("Transfer-Encoding", "chunked"), ("Trailer", OURS), ("TE", "trailers")]
    answer = stack.host.ask("/request", framing, body=f"4\r\nbody\r\n0\r\n{trailers}\r\n".encode())
    if stack.combination and not stack.combination.reads_chunks:
        assert answer.status == 411
        return
    seen = environ(answer.body)
    assert honest.items() <= seen.items() and "lie" not in answer.body.decode() and LIE not in seen.values(), seen


def test_headers_do_not_open_a_closed_path(stack: Stack) -> None:
    assert stack.host.ask(CLOSED).status == 403
    for value, path, expected in (("/lie", f"/lie{CLOSED}", 404), (CLOSED, "/", 200), ("/request", "/closed", 404)):
        for batch in BATCHES:
            answer = stack.host.ask(path, [(spelling, value) for spelling, dummy in batch])
            assert answer.status == expected, (batch, path, answer)
            assert path != "/" or answer.body.decode().strip() == stack.declared_marker, batch
