# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe against real servers, and next steps for the messages of certbot."""

from __future__ import annotations

import contextlib
import http.server
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._certificates import acme


@contextlib.contextmanager
def serving(handler: t.Callable[..., http.server.BaseHTTPRequestHandler], monkeypatch: pytest.MonkeyPatch) -> t.Iterator[int]:
    """A web server in place of port 80."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setattr(acme, "HTTP_PORT", server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: t.Any) -> None:
        pass


class Redirecting(Quiet):
    """To another path, as proxies redirect to HTTPS."""

    def do_GET(self) -> None:
        if self.path.startswith("/moved"):
            self.path = self.path.removeprefix("/moved")
            return super().do_GET()
        self.send_response(301)
        self.send_header("Location", f"http://{self.headers['Host']}:{acme.HTTP_PORT}/moved{self.path}")
        self.end_headers()
        return None


class Elsewhere(Quiet):
    """Somebody else's site, which answers everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<h1>Parked</h1>")


@pytest.fixture
def in_webroot(tmp_path: Path) -> t.Callable[[type[Quiet]], t.Callable[..., Quiet]]:
    return lambda handler: lambda *words: handler(*words, directory=str(tmp_path))


@pytest.mark.parametrize("handler", [Quiet, Redirecting])
def test_probe_that_gets_through(tmp_path: Path, in_webroot: t.Any, monkeypatch: pytest.MonkeyPatch, handler: type[Quiet]) -> None:
    with serving(in_webroot(handler), monkeypatch):
        assert acme.probe(["localhost", "127.0.0.1"], str(tmp_path)) == {}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [], "the file of the probe is still there"


def test_probe_of_another_host(tmp_path: Path, in_webroot: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(in_webroot(Elsewhere), monkeypatch):
        assert "answered 200" in acme.probe(["127.0.0.1"], str(tmp_path))["127.0.0.1"]


def test_probe_of_a_proxy_without_the_webroot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Quiet, monkeypatch):
        reason = acme.probe(["127.0.0.1"], str(tmp_path))["127.0.0.1"]
    assert "answered 404 (SimpleHTTP" in reason and "/.well-known/acme-challenge/" in reason


def test_probe_without_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Quiet, monkeypatch):
        pass
    failures = acme.probe(["127.0.0.1", "no-such-name.invalid"], str(tmp_path))
    assert "Connection refused" in failures["127.0.0.1"] and "firewall" in failures["127.0.0.1"]
    assert "has no address" in failures["no-such-name.invalid"]


def certbot(folder: Path, *runs: str) -> list[str]:
    """A program that says, and logs, one thing after the other; the last one for good. ``ok`` is success.

    An error that did not end the run stands before it in the log.
    """
    program, count = folder / "certbot", folder / "count"
    log = folder / "letsencrypt.log"
    cases = "".join(f"{number}) text='{said}';;\n" for number, said in enumerate(runs[:-1], 1))
    program.write_text(
        f"#!/bin/sh\necho >> {count}\ncase $(wc -l < {count}) in\n{cases}*) text='{runs[-1]}';;\nesac\n"
        f'echo "Saving debug log to {log}"\n[ "$text" = ok ] && exit 0\n'
        f'echo "urn:ietf:params:acme:error:unauthorized" > {log}\necho "urn:ietf:params:acme:error:$text :: description" >> {log}\n'
        f'echo "It said no" >&2\nexit 1\n'
    )
    program.chmod(0o755)
    return [str(program)]


def issue(program: list[str]) -> None:
    acme.issue(program, "shop", ["shop.test"], ["--authenticator", "webroot"], "https://ca.test/dir")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def test_temporary_failures_are_retried(tmp_path: Path) -> None:
    issue(certbot(tmp_path, "badNonce", "badNonce", "ok"))


@pytest.mark.parametrize(
    ("error", "way_out", "tries"),
    [("rateLimited", "wait until", 1), ("caa", "CAA record", 1), ("badNonce", "", 5), ("newKind", "", 1)],
)
def test_permanent_failures_name_the_next_step(tmp_path: Path, error: str, way_out: str, tries: int) -> None:
    with pytest.raises(acme.AcmeError, match=f"^It said no\n.*{way_out}[^\n]*\ncertbot's log has more: {tmp_path}/letsencrypt.log$"):
        issue(certbot(tmp_path, error))
    assert (tmp_path / "count").read_text().count("\n") == tries


def test_lost_account_is_recognised(tmp_path: Path) -> None:
    with pytest.raises(acme.AccountGone):
        issue(certbot(tmp_path, "accountDoesNotExist"))
