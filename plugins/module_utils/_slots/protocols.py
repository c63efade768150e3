# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One GET request over each protocol that proxies and WSGI servers speak: HTTP, uwsgi and FastCGI.

The latter two carry the CGI variables of a request (RFC 3875) and answer with a header block. Sources: the uwsgi protocol of the uWSGI
documentation; FastCGI Specification 1.0, sections 3.3 to 5.3.
"""

from __future__ import annotations

import dataclasses
import http.client
import io
import itertools
import re
import socket
import struct
import time
import typing as t

_BEGIN_REQUEST, _END_REQUEST, _PARAMS, _STDIN, _STDOUT = 1, 3, 4, 5, 6
_RESPONDER, _REQUEST_ID = 1, 1
_BLOCK = 65536
_LOOK_SECONDS = 1.0
#: uWSGI answers with a status line, FastCGI with a header, which may be missing if the status is 200.
_STATUS = re.compile(rb"^(?:HTTP/1\.\d|Status:) +(\d{3})", re.MULTILINE | re.IGNORECASE)
_HEAD_END = re.compile(rb"\r?\n\r?\n")


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer.

    :param body: its blocks, each read on request.
    """

    status: int
    body: t.Iterator[bytes]

    def has(self, text: str, limit: int) -> bool:
        """Whether the body has a text in its first C(limit) bytes. It reads no more than it needs."""
        seen = b""
        for block in itertools.chain([b""], self.body):
            seen = (seen + block)[:limit]
            if text.encode() in seen:
                return True
            if len(seen) == limit:
                return False
        return False


class Line:
    """A connection with a deadline for the whole answer, however slowly it arrives.

    :param connection: is closed at the end of the context.
    :param seconds: from now to the deadline.
    :param is_hopeless: asked when nothing has come for a while, whether nothing will. A client that waits in a socket does not see that the server has died.
    """

    def __init__(self, connection: socket.socket, seconds: float, is_hopeless: t.Callable[[], object] | None = None) -> None:
        self._connection, self._end, self._is_hopeless = connection, time.monotonic() + seconds, is_hopeless

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def sendall(self, content: bytes) -> None:
        """Send all of it."""
        self._hurry()
        self._connection.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:
        """The answer as a stream."""
        return io.BufferedReader(_Raw(self))

    def receive(self, buffer: t.Any) -> int:
        """Fill a buffer with the available bytes, as soon as there are any."""
        while True:
            self._hurry(_LOOK_SECONDS if self._is_hopeless else None)
            try:
                return self._connection.recv_into(buffer)
            except TimeoutError:
                if self._is_hopeless is None or self._is_hopeless() or time.monotonic() >= self._end:
                    raise

    def _hurry(self, longest: float | None = None) -> None:
        left = self._end - time.monotonic()
        # 0 would make the socket non-blocking, and raise another error.
        self._connection.settimeout(max(left if longest is None else min(left, longest), 0.001))


class _Raw(io.RawIOBase):
    def __init__(self, line: Line) -> None:
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        return self._line.receive(buffer)


def ask_http(line: Line, path: str, headers: dict[str, str]) -> Answer:
    """Ask by HTTP.

    :raises http.client.HTTPException: if the answer is not HTTP.
    """
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "Connection: close", "", ""]
    line.sendall("\r\n".join(lines).encode())
    response = http.client.HTTPResponse(t.cast(socket.socket, line), method="GET")
    response.begin()
    return Answer(response.status, _blocks(response))


def _blocks(response: http.client.HTTPResponse) -> t.Iterator[bytes]:
    # From Python 3.12, http.client counts the length down. Before, a body would end only with the connection.
    left = response.length
    while left != 0 and (block := response.read1(_BLOCK)):
        yield block
        left = None if left is None else left - len(block)


def ask_uwsgi(line: Line, path: str, headers: dict[str, str]) -> Answer:
    """Ask by the uwsgi protocol.

    :raises ValueError: if the answer has no status.
    """
    line.sendall(uwsgi_request(cgi_variables(path, headers)))
    stream = line.makefile("rb")
    return _answer(iter(lambda: stream.read1(_BLOCK), b""))


def ask_fastcgi(line: Line, path: str, headers: dict[str, str]) -> Answer:
    """Ask by FastCGI.

    :raises ValueError: if the answer has no status.
    """
    line.sendall(fastcgi_request(cgi_variables(path, headers)))
    return _answer(_standard_output(line.makefile("rb")))


def cgi_variables(path: str, headers: dict[str, str]) -> dict[str, str]:
    """The CGI variables of a GET request with path, query and headers."""
    path_info, dummy, query = path.partition("?")
    variables = {
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": path,
        "SCRIPT_NAME": "",
        "PATH_INFO": path_info,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": headers.get("Host", "localhost"),
        "SERVER_PORT": "443",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": "",
        "CONTENT_TYPE": "",
    }
    return {**variables, **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}}


def uwsgi_request(variables: dict[str, str]) -> bytes:
    """A packet of the uwsgi protocol: modifiers 0, and pairs with 16-bit little-endian lengths."""
    pairs = b"".join(struct.pack("<H", len(part)) + part for pair in variables.items() for part in map(str.encode, pair))
    return struct.pack("<BHB", 0, len(pairs), 0) + pairs


def fastcgi_request(variables: dict[str, str]) -> bytes:
    """The records of a FastCGI request without a body, after which the connection is closed."""
    pairs = b"".join(_length(name) + _length(value) + name + value for name, value in ((a.encode(), b.encode()) for a, b in variables.items()))
    begin = struct.pack(">HB5x", _RESPONDER, 0)
    return _record(_BEGIN_REQUEST, begin) + _record(_PARAMS, pairs) + _record(_PARAMS, b"") + _record(_STDIN, b"")


def _standard_output(stream: t.BinaryIO) -> t.Iterator[bytes]:
    while len(head := stream.read(8)) == 8:
        _version, kind, _request, length, padding = struct.unpack(">BBHHBx", head)
        content = stream.read(length + padding)[:length]
        if kind == _STDOUT:
            yield content
        if kind == _END_REQUEST:
            return


def _answer(blocks: t.Iterator[bytes]) -> Answer:
    """The answer in a stream that begins with its header block."""
    head = b""
    for block in blocks:
        head += block
        if len(head) > _BLOCK or _HEAD_END.search(head):
            break
    parts = _HEAD_END.split(head, maxsplit=1)
    return Answer(_status(parts[0]), itertools.chain(parts[1:], blocks))


def _status(head: bytes) -> int:
    if found := _STATUS.search(head):
        return int(found[1])
    if not re.search(rb"^content-type:", head, re.MULTILINE | re.IGNORECASE):
        raise ValueError(f"no status in {head[:60]!r}")
    return 200


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBHHBx", 1, kind, _REQUEST_ID, len(content), 0) + content


def _length(text: bytes) -> bytes:
    return struct.pack(">B", len(text)) if len(text) < 128 else struct.pack(">I", len(text) | 0x80000000)
