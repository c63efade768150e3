# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Behind the proxy: trusted headers, static files, and refused requests."""

from __future__ import annotations

import gzip
import ssl

import pytest

from .harness import DOMAIN, Server

STYLE = "body { color: black }\n" * 200


@pytest.fixture(scope="module")
def proxied(provisioned: Server) -> Server:
    """The server, with static files."""
    provisioned.reset()
    static = provisioned.source / "static"
    static.mkdir()
    for name in ("app.css", "app.0123abcd.css"):
        (static / name).write_text(STYLE)
    provisioned.app["static"] = [{"url": "/static", "path": "static"}]
    provisioned.apply("site")
    return provisioned


def test_app_sees_the_request_unchanged(proxied: Server) -> None:
    client = proxied.host.sh("ip route show default").split()[2]
    seen = proxied.host.ask("/request/a?b=c").json
    assert (seen["remote_addr"], seen["scheme"], seen["host"]) == (client, "https", DOMAIN)
    assert seen["url"] == f"https://{DOMAIN}/request/a"

    lies = {
        "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.test", "X-Forwarded-Port": "81",
        "X-Forwarded-Prefix": "/evil", "X-Real-IP": "192.0.2.1", "Forwarded": "for=192.0.2.1;host=evil.test", "Proxy": "http://evil.test",
        "X-Request-ID": "chosen", "X_Forwarded_For": "192.0.2.1", "X_Forwarded_Host": "evil.test",
        "X-Forwarded_For": "192.0.2.1", "X_Forwarded-Host": "evil.test", "X-Real_IP": "192.0.2.1",
    }  # fmt: skip
    lied_to = proxied.host.ask("/request/a?b=c", lies).json
    same = ("remote_addr", "scheme", "host", "root_path", "path", "url")
    assert {key: lied_to[key] for key in same} == {key: seen[key] for key in same}
    assert not any(lie in value for dummy, value in lied_to["headers"] for lie in ("192.0.2.1", "evil.test", "/evil", "chosen"))


def test_request_can_be_followed_through_the_logs(proxied: Server) -> None:
    headers = dict(proxied.host.ask("/request/follow").json["headers"])
    identity = headers["X-Request-Id"]
    client = headers["X-Forwarded-For"]
    proxied.wait(f"grep -F {identity} /var/log/nginx/access.log", 5)
    proxied.wait(f"journalctl --no-pager -o cat -t flask-probe | grep -F '{client} {identity}'", 10)


def test_static_files_are_served_and_cached(proxied: Server) -> None:
    ask = proxied.host.ask
    plain, hashed = ask("/static/app.css"), ask("/static/app.0123abcd.css")
    assert plain.body.decode() == hashed.body.decode() == STYLE
    assert plain.headers["content-type"].startswith("text/css")
    assert "immutable" in hashed.headers["cache-control"] and "max-age=31536000" in hashed.headers["cache-control"]
    assert plain.headers["cache-control"] == "max-age=3600"
    for answer in (plain, hashed):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" in answer.headers
    for path, inside in (("/static/app.css", STYLE), (f"/request?{'x' * 2000}", "x" * 2000)):
        packed = ask(path, {"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert inside in gzip.decompress(packed.body).decode()
    log = proxied.host.sh("journalctl --no-pager -o cat -t flask-probe")
    assert "GET /request" in log and "GET /static" not in log, "no Python for a static file"


def test_static_files_outside_the_folder_are_refused(proxied: Server) -> None:
    proxied.host.sh("""
        cd /srv/flask/probe/current/static
        ln -s /etc/passwd leak.css; ln -s ../probe.py code.css; ln -s .. up; ln -s /etc etc""")
    paths = ["leak.css", "code.css", "up/probe.py", "etc/passwd", "../probe.py", "%2e%2e/probe.py", "..%2fprobe.py", "%2e%2e%2fprobe.py"]
    try:
        for path in [f"/static/{path}" for path in paths] + ["/static../probe.py", "/static/.%00./probe.py", "/static//etc/passwd"]:
            answer = proxied.host.ask(path)
            assert answer.status in (400, 403, 404), path
            assert b"MARKER" not in answer.body and b"root:" not in answer.body, path
    finally:
        proxied.host.sh("cd /srv/flask/probe/current/static && rm leak.css code.css up etc")


def test_other_names_get_no_answer(proxied: Server) -> None:
    ask = proxied.host.ask
    moved = ask("/a?b=c", port=80)
    assert (moved.status, moved.headers["location"]) == (308, f"https://{DOMAIN}/a?b=c")
    for name in ("unknown.test", proxied.host.address):
        with pytest.raises(ConnectionResetError):
            ask(host=name, port=80)
        with pytest.raises(ssl.SSLError):
            ask(host=name)
    # The certificate of one site and the name of another.
    assert ask(headers={"Host": "unknown.test"}).status == 421
    assert ask("/upload", method="POST", body=bytes(17 * 1024 * 1024)).status == 413
    assert ask("/upload", method="POST", body=bytes(15 * 1024 * 1024)).json["length"] == 15 * 1024 * 1024


def test_service_can_write_its_state_and_nothing_else(proxied: Server) -> None:
    def written(path: str) -> bool:
        return bool(proxied.host.ask(f"/write?path={path}", method="POST", body=b"").json["written"])

    release = proxied.host.sh("readlink -f /srv/flask/probe/current")
    slot = proxied.serving().current
    for path in (
        f"{release}/probe.py", f"{release}/new", f"{release}/.venv/new", "/srv/flask/probe/current/new", "/srv/flask/probe/cache/new",
        "/srv/flask/probe/new", f"/etc/flask/probe/slots/{slot}/gunicorn.conf.py", f"/etc/flask/probe/slots/{slot}/new", "/run/flask-probe/new",
        "/etc/new", "/usr/local/bin/new", "/var/lib/new", "/var/lib/flaskyard/new", "/var/log/nginx/new", "/root/new", "/home/admin/new",
    ):  # fmt: skip
        assert not written(path), path
    for path in (f"{release}/instance/new", "/var/lib/flask-probe/instance/new", "/var/cache/flask-probe/new", "/tmp/new"):
        assert written(path), path
    assert proxied.host.sh("ls /tmp | grep -x new || true") == "", "its /tmp is its own"
    for path in ("/etc/flask/probe/secret_key", f"/etc/flask/probe/slots/{slot}/env", "/etc/shadow", "/etc/flask-tls/live/probe/privkey.pem"):
        assert proxied.host.ask(f"/read?path={path}").json["text"] is None, path


def test_service_is_sandboxed(proxied: Server) -> None:
    answer = proxied.host.ask("/process").json
    assert answer["uid"] != 0 and int(answer["capabilities"], 16) == 0
    assert answer["no_new_privileges"] and answer["seccomp"]
    report = proxied.host.sh(f"systemd-analyze security --no-pager flask-probe@{proxied.serving().current}.service")
    exposure = float(report.rsplit("exposure level for", 1)[1].split()[1])
    assert exposure <= 1.5, report
