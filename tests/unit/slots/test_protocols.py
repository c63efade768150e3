# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocols on the wire, decoded as in their specifications. The conformance suite asks real servers."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import typing as t
from collections.abc import Callable

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._slots.protocols import (
    Answer,
    Line,
    ask_fastcgi,
    ask_http,
    ask_uwsgi,
    cgi_variables,
    fastcgi_request,
    uwsgi_request,
)
from hypothesis import given
from hypothesis import strategies as st

VARIABLES = st.dictionaries(st.text(min_size=1, max_size=40), st.text(max_size=300), max_size=30)
Ask = Callable[[Line, str, dict[str, str]], Answer]


def read_uwsgi(packet: bytes) -> dict[str, str]:
    _modifier, size, _modifier2 = struct.unpack("<BHB", packet[:4])
    rest, parts = packet[4:], []
    assert len(rest) == size
    while rest:
        (length,) = struct.unpack("<H", rest[:2])
        parts.append(rest[2 : 2 + length].decode())
        rest = rest[2 + length :]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def records(stream: bytes) -> list[tuple[int, bytes]]:
    found = []
    while stream:
        version, kind, request, length, padding = struct.unpack(">BBHHBx", stream[:8])
        assert (version, request) == (1, 1)
        found.append((kind, stream[8 : 8 + length]))
        stream = stream[8 + length + padding :]
    return found


def read_pairs(content: bytes) -> dict[str, str]:
    pairs = {}
    while content:
        lengths = []
        for dummy in range(2):
            size = 4 if content[0] & 0x80 else 1
            lengths.append(int.from_bytes(content[:size], "big") & 0x7FFFFFFF)
            content = content[size:]
        name, value = content[: lengths[0]], content[lengths[0] : sum(lengths)]
        pairs[name.decode()] = value.decode()
        content = content[sum(lengths) :]
    return pairs


@given(VARIABLES)
def test_uwsgi_carries_every_variable(variables: dict[str, str]) -> None:
    assert read_uwsgi(uwsgi_request(variables)) == variables


@given(VARIABLES)
def test_fastcgi_carries_every_variable(variables: dict[str, str]) -> None:
    (begin, role), (params, pairs), *ends = records(fastcgi_request(variables))
    assert (begin, struct.unpack(">HB5x", role), params) == (1, (1, 0), 4)
    assert read_pairs(pairs) == variables
    assert ends == [(4, b""), (5, b"")] if pairs else [(5, b"")]


def test_request_is_what_the_app_expects() -> None:
    variables = cgi_variables("/healthz?deep=1", {"Host": "shop.example.com", "X-Forwarded-For": "127.0.0.1"})
    assert (variables["PATH_INFO"], variables["QUERY_STRING"], variables["HTTP_HOST"]) == ("/healthz", "deep=1", "shop.example.com")
    assert variables["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"


def answered(ask: Ask, answer: bytes) -> tuple[int, bytes]:
    """What is understood of an answer, status and body, from a peer that closes after it."""
    ours, theirs = socket.socketpair()
    with theirs, Line(ours, 5) as line:

        def serve() -> None:
            theirs.recv(65536)
            with contextlib.suppress(BrokenPipeError):
                theirs.sendall(answer)
                theirs.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            found = ask(line, "/", {"Host": "shop.example.com"})
            return found.status, b"".join(found.body)
        finally:
            ours.close()
            thread.join()


def output(*contents: bytes, padding: int = 0) -> bytes:
    """FastCGI records of a standard output, and the end of the request."""
    lines = [struct.pack(">BBHHBx", 1, 6, 1, len(content), padding) + content + bytes(padding) for content in contents]
    return b"".join(lines) + struct.pack(">BBHHBx", 1, 3, 1, 8, 0) + bytes(8)


@pytest.mark.parametrize(
    ("ask", "answer", "expected"),
    [
        (ask_http, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more", (200, b"ok")),
        (ask_http, b"HTTP/1.1 204 NO CONTENT\r\n\r\n", (204, b"")),
        (ask_uwsgi, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nok\r\n\r\n", (200, b"ok\r\n\r\n")),
        (ask_uwsgi, b"HTTP/1.1 503 Service Unavailable\r\n\r\nStatus: 200", (503, b"Status: 200")),
        (ask_fastcgi, output(b"Status: 404 NOT FOUND\r\nContent-Type: text/html\r\n\r\n", b"x" * 9000), (404, b"x" * 9000)),
        (ask_fastcgi, output(b"Status: 5", b"00 ERROR\r\n", b"\r\nbo", b"dy", padding=5), (500, b"body")),
        (ask_fastcgi, output(b"Content-Type: text/plain\r\n\r\nHTTP/1.1 500 in the body"), (200, b"HTTP/1.1 500 in the body")),
    ],
)
def test_status_and_body_are_read(ask: Ask, answer: bytes, expected: tuple[int, bytes]) -> None:
    assert answered(ask, answer) == expected


@pytest.mark.parametrize("ask", [ask_uwsgi, ask_fastcgi])
@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"endless" * 100_000])
def test_invalid_status_lines_are_refused(ask: t.Any, answer: bytes) -> None:
    with pytest.raises(ValueError, match="no status"):
        answered(ask, answer)
