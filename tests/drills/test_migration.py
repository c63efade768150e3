# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves by the text of `docs/howto/migration.md`, from a set-up that serves visitors meanwhile."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.load import Load, Plan, Target
from tests.pages import ROOT, commands, declared

from .harness import Host, assert_nothing_failed

PAGE, HAND_WRITTEN = ROOT / "docs/howto/migration.md", "A hand-written set-up with supervisor or systemd"
TRIAL, DOMAIN = "new.example.com", "shop.example.com"
UPLOADS = """
    import pathlib
    from flask import Flask

    uploads = pathlib.Path(__file__).with_name("uploads")
    app = Flask(__name__)

    @app.get("/")
    def index():
        return " ".join(sorted(path.name for path in uploads.iterdir()))
"""
#: The app as people set it up by hand: gunicorn on a port under supervisor, behind a site of nginx. The other package stands for certbot.
BY_HAND = """
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update >/dev/null
    apt-get -qq install -y --no-install-recommends nginx supervisor python3-venv certbot >/dev/null
    install -d -o www-data /srv/shop/uploads
    touch /srv/shop/uploads/first.png
    python3 -m venv /srv/shop/venv
    /srv/shop/venv/bin/pip -q install flask gunicorn
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=shop.example.com -addext subjectAltName=DNS:shop.example.com \\
        -keyout /etc/ssl/private/shop.pem -out /etc/ssl/shop.pem 2>/dev/null
    cat > /etc/supervisor/conf.d/shop.conf <<'END'
    [program:shop]
    command=/srv/shop/venv/bin/gunicorn --bind 127.0.0.1:8000 shop:app
    directory=/srv/shop
    user=www-data
    END
    cat > /etc/nginx/sites-available/shop <<'END'
    server {
        listen 443 ssl;
        server_name shop.example.com;
        ssl_certificate /etc/ssl/shop.pem;
        ssl_certificate_key /etc/ssl/private/shop.pem;
        location / { proxy_pass http://127.0.0.1:8000; }
    }
    END
    ln -s ../sites-available/shop /etc/nginx/sites-enabled/shop
    supervisorctl update >/dev/null
    systemctl reload nginx
    for dummy in $(seq 50); do (: </dev/tcp/127.0.0.1/8000) 2>/dev/null && exit; sleep 0.2; done
    exit 1
"""
pytestmark = pytest.mark.long


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with Host.up("migration", tmp_path, domains=f"{DOMAIN},{TRIAL}") as host:
        yield host


def text(host: Host, domain: str) -> str:
    answer = host.ask(host=domain)
    assert answer.status == 200, answer
    return answer.body.decode()


def test_hand_written_app_moves_without_a_failed_request(host: Host, tmp_path: Path) -> None:
    code = tmp_path / "shop"
    code.mkdir()
    (code / "shop.py").write_text(textwrap.dedent(UPLOADS))
    (code / "requirements.txt").write_text("flask\n")
    host.sh(f"install -d /srv/shop; echo {shlex.quote(textwrap.dedent(UPLOADS))} > /srv/shop/shop.py\n{textwrap.dedent(BY_HAND)}")
    first, changed = (content for heading, content in declared(PAGE) if heading == HAND_WRITTEN)
    [app] = first["flask_apps"]
    app |= {"source": {"path": str(code)}, "tls": {"issuer": "selfsigned"}}
    pair = {"certificate": host.sh("cat /etc/ssl/shop.pem"), "key": host.sh("cat /etc/ssl/private/shop.pem")}
    copy, remove, reload, stop, *dummy = commands(PAGE, HAND_WRITTEN)

    def site(**keys: Any) -> str:
        run = host.play("site", flask_apps=[app | keys])
        assert run.rc == 0, run.output[-4000:]
        return run.output

    with Load(Plan(Target(f"https://{DOMAIN}", connect=host.address, verify=False), seconds=900, clients=8, rate=40, marker="(first.*)")) as load:
        site()
        assert (text(host, DOMAIN), text(host, TRIAL)) == ("first.png", "")
        host.sh(copy)
        assert text(host, TRIAL) == "first.png"
        site(**changed | {"tls": {**changed["tls"], **pair}})
        host.sh("touch /srv/shop/uploads/second.png")
        host.sh("; ".join([copy, remove, reload]))
        assert text(host, DOMAIN) == "first.png second.png"
        site(domains=[DOMAIN])
        host.sh(stop)
        assert_nothing_failed(load.finish(), reloaded=True)
    assert "changed=0 " in site(domains=[DOMAIN])
