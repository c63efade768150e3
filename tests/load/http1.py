# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP/1.1 connection with keep-alive. It retries nothing: every problem on the wire is an `HttpError`."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

LIMIT = 1024 * 1024


class HttpError(Exception):
    """A request without a whole answer. `kind` is short and the same for the same cause, to be counted."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


@dataclass(frozen=True)
class Response:
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether the server ends the connection after this answer."""
        return "close" in self.headers.get("connection", "").lower()


@dataclass(frozen=True)
class Target:
    """Where requests go: the origin that `url` names, at the address `connect` if given.

    :param ca_file: PEM file of the authorities trusted for https; the system's when None.
    :param verify: False accepts any certificate.
    :raises ValueError: if this is not an http(s) URL, or leads outside loopback and private networks: load is for our own hosts.
    """

    url: str
    connect: str | None = None
    ca_file: Path | None = None
    verify: bool = True

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{self.url}: expected http://HOST[:PORT] or https://HOST[:PORT]")
        for *dummy, address in socket.getaddrinfo(self.connect or parts.hostname, self.port, type=socket.SOCK_STREAM):
            if not ipaddress.ip_address(address[0]).is_private:
                raise ValueError(f"{self.url}: {address[0]} is neither loopback nor private, so no load is sent there")

    @property
    def host(self) -> str:
        """The host of the URL, for the Host header and the certificate."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port of the URL, or its scheme's."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS settings, None for plain http."""
        if urlsplit(self.url).scheme == "http":
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Connection:
    """An open connection. After an `HttpError` it is of no more use."""

    def __init__(self, authority: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._authority = authority
        self._reader = reader
        self._writer = writer
        self._used = False

    @classmethod
    async def open(cls, target: Target, tls: ssl.SSLContext | None) -> Connection:
        """Connect to `target`. `tls` is `target.tls()`, made once by the caller because it reads files."""
        try:
            reader, writer = await asyncio.open_connection(
                target.connect or target.host, target.port, ssl=tls, server_hostname=target.host if tls else None, limit=LIMIT
            )
        except ssl.SSLError as error:
            raise HttpError("tls", str(error)) from error
        except OSError as error:
            raise HttpError("connect", str(error)) from error
        return cls(urlsplit(target.url).netloc, reader, writer)

    async def request(self, method: str, path: str, body: bytes = b"") -> Response:
        """Send one request and return the answer.

        :raises HttpError: `closed on reuse` when the server had closed a kept connection before any byte of the answer (a browser
            would repeat a GET), `closed`, `malformed`.
        """
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._authority}\r\nUser-Agent: flaskyard-load\r\nAccept: */*\r\n"
        if body:
            head += f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n"
        reused, self._used = self._used, True
        answered = False
        try:
            self._writer.write(head.encode() + b"\r\n" + body)
            await self._writer.drain()
            line = await self._reader.readuntil(b"\r\n")
            answered = True
            while (status := self._status(line)) < 200:
                await self._headers()
                line = await self._reader.readuntil(b"\r\n")
            headers = await self._headers()
            return Response(status, headers, await self._body(headers))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise HttpError("closed on reuse" if reused and not answered else "closed", str(error)) from error
        except (ValueError, asyncio.LimitOverrunError) as error:
            raise HttpError("malformed", str(error)) from error

    def close(self) -> None:
        """Close the connection at once."""
        self._writer.transport.abort()

    @staticmethod
    def _status(line: bytes) -> int:
        version, code, *dummy = line.split()
        if not version.startswith(b"HTTP/1."):
            raise ValueError(f"status line {line!r}")
        return int(code)

    async def _headers(self) -> dict[str, str]:
        headers = {}
        while (line := await self._reader.readuntil(b"\r\n")) != b"\r\n":
            name, separator, value = line.decode("latin-1").partition(":")
            if not separator:
                raise ValueError(f"header line {line!r}")
            headers[name.strip().lower()] = value.strip()
        return headers

    async def _body(self, headers: dict[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            chunks = []
            while length := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
                chunks.append(await self._reader.readexactly(length))
                await self._reader.readexactly(2)
            await self._headers()
            return b"".join(chunks)
        if "content-length" in headers:
            return await self._reader.readexactly(int(headers["content-length"]))
        return b"" if headers.get("connection", "").lower() != "close" else await self._reader.read()
