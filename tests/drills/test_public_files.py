# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy's account can read only public files, whatever links an app makes while the proxy looks at them."""

from __future__ import annotations

import collections
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import DOMAIN, EACH_PROXY, Server

#: The attacker's account swaps its own file with a link thousands of times a second. The kernel exchanges the two names in one step.
FLIP = """
cat > /run/flip.py <<'END'
import ctypes, os, sys
os.chdir("/var/lib/flask-probe/uploads")
libc = ctypes.CDLL(None, use_errno=True)
while True:
    libc.renameat2(-100, b"file", -100, b"link", 2)
END
cd /var/lib/flask-probe/uploads; rm -f file link
runuser -u flask-probe -- sh -c 'umask 027; echo mine > file; ln -s "$1" link' - """
START = "systemd-run --quiet --collect --unit=flip --property=User=flask-probe python3 /run/flip.py"
SECONDS, CONNECTIONS = 6, 8
SECRET = "what-shop-keeps"


@pytest.fixture(scope="module", params=EACH_PROXY)
def neighbours(request: pytest.FixtureRequest, provisioned: Server) -> Iterator[Server]:
    """The attacker `probe` and its neighbour `shop`. Both serve uploads, so the proxy must read the state of both."""
    provisioned.reset()
    provisioned.variables = {"flask_proxy": request.param}
    hashed = provisioned.host.sh("openssl passwd -6 'open sesame'")
    (provisioned.source / "static").mkdir(exist_ok=True)
    (provisioned.source / "static" / "app.css").write_text("css")
    (provisioned.source / "static" / "pics").mkdir(exist_ok=True)
    (provisioned.source / "static" / "pics" / "default").write_text("from the source")
    shared = {"static": [{"url": "/uploads", "path": "uploads"}, {"url": "/static", "path": "static"}], "persist": ["uploads", "static/pics"]}
    provisioned.others = [{**provisioned.app, **shared, "name": "shop", "path": "/shop", "access": [{"path": "/process", "users": {"ada": hashed}}]}]
    provisioned.app |= shared
    provisioned.apply("site")
    provisioned.host.sh(f"""
        cd /var/lib/flask-shop
        runuser -u flask-shop -- sh -c 'umask 027; echo {SECRET} | tee instance/database top.db > /dev/null; echo public > uploads/public'
        cat /etc/*/flask-users/* > /run/hashes""")
    yield provisioned
    provisioned.reset()
    provisioned.apply("site")
    closed = "! runuser -u www-data -- ls /var/lib/flask-probe/uploads && ! runuser -u www-data -- ls /var/lib/flask-probe/uploads/file"
    provisioned.host.sh(f'{closed}; test -z "$(getfacl --omit-header --skip-base -R /var/lib/flask-probe)"')


def test_uploads_and_static_files_are_served(neighbours: Server) -> None:
    host = neighbours.host
    host.sh("runuser -u flask-probe -- sh -c 'umask 027; cd /var/lib/flask-probe/uploads; mkdir -p new/er; echo later | tee later new/er/later > /dev/null'")
    host.sh("runuser -u flask-probe -- sh -c 'umask 027; echo mine > /var/lib/flask-probe/static/pics/mine'")
    served = {
        **{
            "/uploads/later": "later",
            "/uploads/new/er/later": "later",
            "/static/app.css": "css",
            "/shop/static/app.css": "css",
            "/shop/uploads/public": "public",
        },
        **{"/static/pics/default": "from the source", "/static/pics/mine": "mine", "/shop/static/pics/default": "from the source"},
    }
    answers = {path: host.ask(path) for path in served}
    assert {path: answer.body.decode().strip() if answer.status == 200 else answer.status for path, answer in answers.items()} == served


def test_proxy_account_reads_only_public_files(neighbours: Server) -> None:
    read = neighbours.host.sh("""
        runuser -u www-data -- sh -c 'find -L /srv/flask /var/lib/flask-probe/uploads /var/lib/flask-shop /etc/flask -type f -readable 2>/dev/null || true
        cd /srv/flask/shop/current/ && find -L static probe.py .venv uv.lock -type f -readable 2>/dev/null; ls /var/lib/flask-shop/top.db
        cat /var/lib/flask-shop/top.db /var/lib/flask-shop/instance/database; ls /etc/*/flask-users' 2>/dev/null || true""").split()
    assert {path for path in read if not path.startswith("/var/lib/flask-probe/uploads/")} == {
        "static/app.css",
        "static/pics/default",
        "/var/lib/flask-shop/top.db",
    }, read
    assert neighbours.host.sh("id -nG www-data") == "www-data"


def test_no_app_knows_the_names_of_apache_s_password_files(neighbours: Server) -> None:
    if neighbours.variables["flask_proxy"] == "apache":
        look = "runuser -u flask-probe -- sh -c 'ls /etc/apache2/flask-users/ 2>&1 || true; cat /etc/apache2/flask-users.conf 2>&1 || true'"
        assert neighbours.host.sh(look).count("Permission denied") == 2
    else:
        assert neighbours.host.sh("ls /etc/nginx/flask-users") == "shop-0", "nginx opens no link, so an app may know the name"


#: What an attacker wants to read: a neighbour's database, its code, and its users' password hashes.
TARGETS = ["/var/lib/flask-shop/instance/database", "/var/lib/flask-shop/top.db", "/srv/flask/shop/current/probe.py", "flask-users/shop-0"]


@pytest.mark.parametrize("target", TARGETS)
def test_swapped_links_never_lead_the_proxy_to_other_apps(neighbours: Server, target: str) -> None:
    host = neighbours.host
    folder = {"nginx": "/etc/nginx", "apache": "/etc/apache2"}[neighbours.variables["flask_proxy"]]
    host.sh(f"{FLIP} {Path(folder, target)}")
    host.sh(START)
    try:
        seen = _answers(host.address, "/uploads/file")
    finally:
        host.sh("systemctl stop flip")
    print(target, {(status, body[:20]): number for (status, body), number in seen.most_common(6)})
    assert seen[(200, b"mine\n")] > 100, "the race was not on"
    # Apache may announce the size of one file and send another.
    assert {body for status, body in seen if status == 200} <= {b"mine\n", b""}


#: A single-page app with its files, and what must stay closed.
PAGES = {
    "dist/index.html": "the page",
    "dist/assets/index.0123abcd.js": "js",
    "dist/.env": "hidden",
    "dist/.git/config": "hidden",
    "static/favicon.ico": "icon",
    "static/security.txt": "contact",
    "secret.txt": "closed",
}
FRONT = {"url": "/", "path": "dist", "fallback": "index.html"}
SINGLE = [{"url": "/favicon.ico", "path": "static/favicon.ico"}, {"url": "/.well-known/security.txt", "path": "static/security.txt"}]


@pytest.fixture(scope="module")
def pages(neighbours: Server) -> Iterator[Server]:
    """A single-page app at the root of the domain; the app at some paths of it, and another app below `/shop`."""
    for path, text in PAGES.items():
        file = neighbours.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    before = neighbours.app["static"]
    own = {"app_paths": ["/request", "/process", "/pid"]}
    neighbours.app |= {"static": [{**FRONT, **own}, *SINGLE, {**FRONT, "url": "/desk"}, *before], "healthcheck": {"path": "/pid"}}
    hashed = neighbours.host.sh("openssl passwd -6 'open sesame'")
    neighbours.app["access"] = [{"path": "/admin", "users": {"ada": hashed}}]
    neighbours.apply("site")
    yield neighbours
    # The check goes through the proxy with its old configuration.
    neighbours.app["static"] = before
    neighbours.apply("site")


def test_routes_of_a_single_page_app_get_its_page(pages: Server) -> None:
    ask = pages.host.ask
    for path in ("/", "/orders/7", "/orders/7?x=1", "/index.html", "/assets", "/assets/", "/requests", "/favicon.icon", "/desk/", "/desk/a/b"):
        answer = ask(path)
        assert (answer.status, answer.body, answer.headers["cache-control"]) == (200, b"the page", "no-cache"), (path, answer)
        assert answer.headers["content-type"].startswith("text/html") and "strict-transport-security" in answer.headers
    script = ask("/assets/index.0123abcd.js")
    assert (script.status, script.body) == (200, b"js") and "immutable" in script.headers["cache-control"]
    moved = ask("/desk?x=1")
    assert (moved.status, moved.headers["location"]) == (308, f"https://{DOMAIN}/desk/?x=1")
    assert ask("/orders/7", method="POST", body=b"x").status == 405
    assert ask("/admin/users").status == 401, "rules hold for routes too"


def test_app_keeps_its_paths_beside_a_single_page_app(pages: Server) -> None:
    ask = pages.host.ask
    assert ask("/request/a").json["path"] == "/request/a" and ask("/request").json["path"] == "/request"
    assert ask("/shop/pid").status == 200 and ask("/shop/nothing").status == 404
    assert ask("/static/app.css").body == b"css" and ask("/static/nothing.css").status == 404


def test_single_file_is_served(pages: Server) -> None:
    icon, contact = pages.host.ask("/favicon.ico"), pages.host.ask("/.well-known/security.txt")
    assert (icon.status, icon.body, contact.status, contact.body) == (200, b"icon", 200, b"contact")
    assert icon.headers["cache-control"] == "max-age=3600" and icon.headers["x-content-type-options"] == "nosniff"
    assert pages.host.ask("/favicon.ico/more").status == 404


def test_hidden_and_outside_files_are_refused(pages: Server) -> None:
    pages.host.sh("cd /srv/flask/probe/current/dist && ln -s /etc/passwd leak.txt && ln -s .. up && ln -s /etc etc")
    try:
        outside = ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/../../secret.txt", "/up/secret.txt", "/etc/passwd", "/leak.txt"]
        for path in ["/.env", "/.git/config", "/%2egit/config", "/assets/..%2f.env", "/desk/.env", "/desk../secret.txt", *outside]:
            body = pages.host.ask(path).body
            assert not any(word in body for word in (b"hidden", b"closed", b"root:")), path
        assert [pages.host.ask(path).status for path in ("/.env", "/.git/config", "/desk/.env")] == [404, 404, 404]
    finally:
        pages.host.sh("cd /srv/flask/probe/current/dist && rm leak.txt up etc")


def test_mounted_app_has_its_path_and_the_page_the_root(pages: Server) -> None:
    kept = pages.app, pages.others
    pages.app, pages.others = {**pages.app, "path": "/api", "access": [], "static": [FRONT, *SINGLE]}, []
    try:
        pages.apply("site")
        seen = pages.host.ask("/api/request/a").json
        assert (seen["root_path"], seen["path"]) == ("/api", "/request/a")
        assert [pages.host.ask(path).body for path in ("/", "/orders/7", "/api/favicon.ico")] == [b"the page", b"the page", b"icon"]
        assert pages.host.ask("/api/nothing").status == 404
    finally:
        pages.app, pages.others = kept
        pages.apply("site")


def _answers(address: str, path: str) -> collections.Counter[tuple[int, bytes]]:
    """The answers to many clients that repeat the same request."""
    seen: collections.Counter[tuple[int, bytes]] = collections.Counter()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def connect() -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(address, 443)
        connection.sock = context.wrap_socket(socket.create_connection((address, 443), timeout=0.5), server_hostname=DOMAIN)
        return connection

    def ask() -> None:
        connection = connect()
        while time.monotonic() < end:
            connection.request("GET", path, headers={"Host": DOMAIN})
            answer = connection.getresponse()
            body = bytearray()
            try:
                while byte := answer.read(1):
                    body += byte
            except (http.client.IncompleteRead, TimeoutError):
                connection = connect()
            seen[(answer.status, bytes(body))] += 1

    end = time.monotonic() + SECONDS
    clients = [threading.Thread(target=ask) for dummy in range(CONNECTIONS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return seen
