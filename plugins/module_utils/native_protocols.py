# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One GET request over the protocols that proxies and WSGI servers speak beside HTTP: uwsgi and FastCGI.

Both carry the CGI variables of a request (RFC 3875) and answer with a header block. Sources: the uwsgi protocol of the uWSGI
documentation; FastCGI Specification 1.0, sections 3.3 to 5.3.
"""

from __future__ import annotations

import re
import socket
import struct
import typing as t

_BEGIN_REQUEST, _END_REQUEST, _PARAMS, _STDIN, _STDOUT = 1, 3, 4, 5, 6
_RESPONDER, _REQUEST_ID = 1, 1
#: uWSGI answers with a status line, FastCGI with a header, which may be missing when the status is 200.
_STATUS = re.compile(rb"^(?:HTTP/1\.\d|Status:) +(\d{3})", re.MULTILINE | re.IGNORECASE)


def cgi_variables(path: str, headers: dict[str, str]) -> dict[str, str]:
    """The variables of a GET request for a path, with query, and its headers."""
    path_info, _, query = path.partition("?")
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
    """A packet of the uwsgi protocol: modifiers of 0, and pairs whose lengths are 16 bits, little-endian."""
    pairs = b"".join(struct.pack("<H", len(part)) + part for pair in variables.items() for part in map(str.encode, pair))
    return struct.pack("<BHB", 0, len(pairs), 0) + pairs


def fastcgi_request(variables: dict[str, str]) -> bytes:
    """The records of a FastCGI request without a body, after which the connection is closed."""
    pairs = b"".join(_length(name) + _length(value) + name + value for name, value in ((a.encode(), b.encode()) for a, b in variables.items()))
    begin = struct.pack(">HB5x", _RESPONDER, 0)
    return _record(_BEGIN_REQUEST, begin) + _record(_PARAMS, pairs) + _record(_PARAMS, b"") + _record(_STDIN, b"")


def ask_uwsgi(connection: socket.socket, variables: dict[str, str]) -> int:
    """Send a request by the uwsgi protocol; the status.

    :raises ValueError: when the answer has none.
    """
    connection.sendall(uwsgi_request(variables))
    return _status(b"".join(iter(lambda: connection.recv(65536), b"")))


def ask_fastcgi(connection: socket.socket, variables: dict[str, str]) -> int:
    """Send a request by FastCGI; the status.

    :raises ValueError: when the answer has none.
    """
    connection.sendall(fastcgi_request(variables))
    with connection.makefile("rb") as stream:
        return _status(b"".join(_standard_output(stream)))


def _standard_output(stream: t.BinaryIO) -> t.Iterator[bytes]:
    while len(head := stream.read(8)) == 8:
        _version, kind, _request, length, padding = struct.unpack(">BBHHBx", head)
        content = stream.read(length + padding)[:length]
        if kind == _STDOUT:
            yield content
        if kind == _END_REQUEST:
            return


def _status(answer: bytes) -> int:
    head = answer.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    if found := _STATUS.search(head):
        return int(found[1])
    if not re.search(rb"^content-type:", head, re.MULTILINE | re.IGNORECASE):
        raise ValueError(f"no status in {answer[:60]!r}")
    return 200


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBHHBx", 1, kind, _REQUEST_ID, len(content), 0) + content


def _length(text: bytes) -> bytes:
    return struct.pack(">B", len(text)) if len(text) < 128 else struct.pack(">I", len(text) | 0x80000000)
