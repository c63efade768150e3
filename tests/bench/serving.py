# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a host serves: what the proxy and TLS cost beside the app's bare socket, and beside a minimal nginx.

The client is h2load on the host itself, so it shares the processor with what it measures, on both sides of each ratio.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tests.drills.harness import DOMAIN, Host, Server

from .figures import BenchError, Figure

CLIENTS, SECONDS = 32, 4
#: Where a request goes: the argument of h2load, and the scheme.
BARE = ("--base-uri=unix:/run/flask-probe/current.sock", "http")
SITE = ("--connect-to=127.0.0.1:443", "https")
TUNED = ("--connect-to=127.0.0.1:8443", "https")
KILOBYTE = "/bytes?count=1024"
STATIC = "/static/app.css"
#: nginx for one app and its folder and nothing else: no header to rewrite, no rule, no other site, no sandbox.
#: Connections are spread over the workers as ours are: else a single worker takes all 32, which spares the others' wakes.
TUNED_NGINX = """
user www-data; worker_processes auto; pid /run/tuned.pid; error_log /var/log/nginx/tuned.log;
events { worker_connections 4096; multi_accept on; }
http {
    include /etc/nginx/mime.types;
    sendfile on; tcp_nopush on; server_tokens off; keepalive_requests 100000;
    open_file_cache max=1000;
    access_log /var/log/nginx/tuned-access.log combined buffer=64k flush=1s;
    ssl_session_cache shared:TLS:10m;
    server {
        listen 8443 ssl reuseport;
        ssl_certificate /etc/flask-tls/live/probe/fullchain.pem;
        ssl_certificate_key /etc/flask-tls/live/probe/privkey.pem;
        location /static/ { root /srv/tuned; }
        location / {
            proxy_pass http://unix:/run/flask-probe/current.sock;
            proxy_set_header Host $host;
        }
    }
}
"""


class Serving:
    """A separate host with `probe` on it, as it comes but for the workers, which are the role's default."""

    def __init__(self, prefix: str) -> None:
        self._name = f"{prefix}-serving"

    def measure(self, rounds: int) -> list[Figure]:
        """Take the figures; each ratio is of two measurements one after the other."""
        with tempfile.TemporaryDirectory() as folder, Host.up(self._name, Path(folder)) as host:
            self._prepare(Server(host, Path(folder)))
            throughput, minimal, static, added = [], [], [], []
            for dummy in range(rounds):
                bare, site, tuned = (self._rate(host, where, KILOBYTE) for where in (BARE, SITE, TUNED))
                throughput.append(site / bare)
                minimal.append(site / tuned)
                static.append(self._rate(host, SITE, STATIC) / self._rate(host, TUNED, STATIC))
                added.append(self._p99(host, SITE, bare / 2) - self._p99(host, BARE, bare / 2))
                print(f"bare socket {bare:.0f}/s, over nginx and TLS {site:.0f}/s, over a minimal nginx {tuned:.0f}/s;", end=" ")
                print(f"at half load p99 + {added[-1]:.1f} ms; static {static[-1]:.2f}")
        return [
            Figure("1 kB over nginx and TLS / the server's bare socket", throughput, least=0.85),
            Figure("1 kB over nginx and TLS / over a minimal nginx and TLS", minimal, least=0.95),
            Figure("static file / minimal nginx", static, least=0.95),
            Figure("p99 added by nginx and TLS at half load, milliseconds", added, most=3),
        ]

    @staticmethod
    def _prepare(server: Server) -> None:
        del server.app["workers"], server.app["threads"]
        server.app["static"] = [{"url": "/static", "path": "static"}]
        (server.source / "static").mkdir()
        (server.source / "static" / "app.css").write_text("body { color: black }\n" * 400)
        server.apply("site")
        server.host.sh(f"""
            apt-get install --quiet --quiet --yes --no-install-recommends nghttp2-client >/dev/null 2>&1
            mkdir -p /srv/tuned/static
            cp /srv/flask/probe/current/static/app.css /srv/tuned/static/
            cat > /srv/tuned/nginx.conf <<'END'{TUNED_NGINX}END
            nginx -c /srv/tuned/nginx.conf""")

    @staticmethod
    def _load(host: Host, where: tuple[str, str], path: str, *options: str) -> str:
        said = host.sh(f"h2load --h1 --clients={CLIENTS} --warm-up-time=1 --duration={SECONDS} {' '.join(options)} {where[0]} '{where[1]}://{DOMAIN}{path}'")
        if not re.search(r"\b0 failed, 0 errored, 0 timeout", said):
            raise BenchError(f"requests failed, so there is nothing to measure:\n{said}")
        return said

    def _rate(self, host: Host, where: tuple[str, str], path: str) -> float:
        """Requests per second."""
        [rate] = re.findall(r"finished in .*, ([\d.]+) req/s", self._load(host, where, path))
        return float(rate)

    def _p99(self, host: Host, where: tuple[str, str], rate: float) -> float:
        """99th percentile of the time of a request, in milliseconds, at so many requests per second."""
        self._load(host, where, KILOBYTE, f"--rps={rate / CLIENTS:.1f}", "--log-file=/srv/tuned/times")
        times = sorted(int(line.split()[2]) for line in host.sh("cat /srv/tuned/times; rm /srv/tuned/times").splitlines())
        return times[int(0.99 * (len(times) - 1))] / 1000
