# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers trust no headers by themselves, and strangers learn neither a site's name nor the software behind the proxy."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import PROXIES, SERVERS

from .harness import DOMAIN, EACH_PROXY, Server

#: Ways to run the app on a socket that speaks HTTP, as keys of the app. Apps may bring an older gunicorn.
WAYS: dict[str, dict[str, Any]] = {
    **{server: {"server": server} for server, kind in SERVERS.items() if kind.protocol == "http"},
    **{f"gunicorn {version}": {"server_requirements": [f"gunicorn=={version}"]} for version in ("21.2.0", "22.0.0", "23.0.0", "25.0.0")},
}
#: Headers from the proxy and from its client.
Headers = list[tuple[str, str]]
HONEST: Headers = [("Host", DOMAIN), ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https")]
LIES: Headers = [("SCRIPT_NAME", "/request"), ("PATH_INFO", "/env"), ("REMOTE_USER", "lie"), ("HTTPS", "off"), ("X-Forwarded-Ssl", "off")]
#: A web server with Passenger sets variables of a request like this, between two passwords.
PASSENGER: Headers = [("!~", "guess"), ("!~REMOTE_USER", "lie"), ("!~SCRIPT_NAME", "/lie"), ("!~", "guess")]
ASK = """
python3 - <<'END'
import socket
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(10)
connection.connect("/run/flask-probe/current.sock")
connection.sendall({!r}.encode())
print(b"".join(iter(lambda: connection.recv(65536), b"")).decode())
END"""


def ask_socket(server: Server, headers: Headers) -> tuple[int, dict[str, Any]]:
    """Ask the slot's own socket, without a proxy. Returns the status, and what the app sees."""
    lines = ["GET /request HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "Connection: close", "", ""]
    answer = server.host.sh(ASK.format("\r\n".join(lines)))
    seen = answer[answer.find("{") : answer.rfind("}") + 1]
    return int(answer.split()[1]), json.loads(seen) if seen else {}


@pytest.mark.parametrize("way", WAYS)
def test_server_ignores_forged_headers_on_its_socket(server: Server, way: str) -> None:
    server.app |= WAYS[way]
    server.apply("site")
    expected = ("/request", "203.0.113.7", "https", "")
    for lie in LIES:
        status, seen = ask_socket(server, [*HONEST, lie])
        assert status == 200 and (seen["path"], seen["remote_addr"], seen["scheme"], seen["root_path"]) == expected, (lie, seen)
        assert "REMOTE_USER" not in seen["environ"]
    for headers in ([*PASSENGER, *HONEST], [*HONEST, *PASSENGER]):
        status, seen = ask_socket(server, headers)
        assert status >= 400 or (seen["root_path"], seen["environ"].get("REMOTE_USER")) == ("", None), seen


@pytest.fixture(scope="module", params=EACH_PROXY)
def proxied(request: pytest.FixtureRequest, provisioned: Server) -> Iterator[Server]:
    """The server behind each proxy."""
    provisioned.reset()
    provisioned.variables = {"flask_proxy": request.param}
    provisioned.apply("site")
    yield provisioned


def certificate(server: Server, name: str | None) -> bytes | None:
    """The certificate for a client that asks for a name or for none; None if the handshake is refused."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((server.host.address, 443)) as raw, context.wrap_socket(raw, server_hostname=name) as connection:
            return connection.getpeercert(binary_form=True)
    except ssl.SSLError:
        return None


def test_unknown_clients_learn_no_site_name(proxied: Server) -> None:
    own = certificate(proxied, DOMAIN)
    assert own and DOMAIN.encode() in own
    for name in (None, "unknown.test", "nobody.invalid", proxied.host.address):
        shown = certificate(proxied, name)
        assert shown is None or DOMAIN.encode() not in shown, name
    assert proxied.host.sh("flask-certificates-check && echo fine").endswith("fine")


@pytest.mark.parametrize("path", ["/request", "/static/app.css"])
def test_connection_is_kept_unless_its_client_wants_it_closed(proxied: Server, path: str) -> None:
    (proxied.source / "static").mkdir(exist_ok=True)
    (proxied.source / "static" / "app.css").write_text("css")
    proxied.app["static"] = [{"url": "/static", "path": "static"}]
    proxied.apply("site")
    wishes = {None: False, "keep-alive": False, "X-Forwarded-For, X-Forwarded-Proto": False, "close": True, "X-Forwarded-For, close, X-Forwarded-Proto": True}
    for wish, closed in wishes.items():
        answer = proxied.host.ask(path, {"Connection": wish} if wish else {})
        said = {word.strip().lower() for word in answer.headers.get("connection", "").split(",")}
        assert (answer.status, "close" in said) == (200, closed), (wish, answer.headers)


@pytest.mark.parametrize("way", ["gunicorn", "granian", "passenger"])
def test_answers_do_not_name_the_server_behind_the_proxy(proxied: Server, way: str) -> None:
    proxied.app["server"] = way
    proxied.apply("site")
    for path in ("/request", "/status/500", "/nothing", "/raise"):
        headers = proxied.host.ask(path).headers
        assert headers["server"].lower() in PROXIES and not {"x-powered-by", "status", "via"} & headers.keys(), headers
