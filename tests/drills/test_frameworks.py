# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other frameworks than Flask. WSGI apps are served, with the oldest accepted version of each server. Other apps are refused with a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.module_utils._apps.providers import lowest

from .harness import App, Server

BOTTLE = """
import bottle

app = bottle.Bottle()


@app.get("/where")
def where():
    return bottle.request.url
"""
FALCON = """
import falcon


class Where:
    def on_get(self, request, response):
        response.text = request.uri


app = falcon.App()
app.add_route("/where", Where())
"""
PYRAMID = """
from pyramid.config import Configurator
from pyramid.response import Response

with Configurator() as config:
    config.add_route("where", "/where")
    config.add_view(lambda request: Response(request.url), route_name="where")
    app = config.make_wsgi_app()
"""
DJANGO = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["django.test"], SECRET_KEY="not used")
urlpatterns = [path("where", lambda request: HttpResponse(request.build_absolute_uri()))]
app = get_wsgi_application()
"""
PLAIN = """
from wsgiref.util import request_uri


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [request_uri(environ).encode()]
"""
#: By name: the requirement, the code, and the server that runs it.
WSGI = {
    "bottle": ("bottle==0.13.4", BOTTLE, "waitress"),
    "falcon": ("falcon==4.2.0", FALCON, "granian"),
    "pyramid": ("pyramid==2.0.2\nsetuptools<81", PYRAMID, "uwsgi"),
    "django": ("django==5.2.8", DJANGO, "gunicorn"),
    "wsgi": ("", PLAIN, "fastcgi"),
}
ASGI = {
    "fastapi": ("fastapi==0.121.3", "import fastapi\n\napp = fastapi.FastAPI()\n", "gunicorn"),
    "quart": ("quart==0.20.0", "import quart\n\napp = quart.Quart(__name__)\n", "waitress"),
}


def apps(folder: Path, frameworks: dict[str, tuple[str, str, str]]) -> list[App]:
    for name, (requirements, code, dummy) in frameworks.items():
        (folder / name).mkdir()
        (folder / name / "requirements.txt").write_text(f"{requirements}\n")
        (folder / name / "web.py").write_text(code)
    common: App = {"wsgi": "web:app", "tls": {"issuer": "selfsigned"}, "workers": 1}
    made = []
    for name, (dummy, dummy, server) in frameworks.items():
        oldest = [f"{package}=={version}" for package, version in lowest(server, {}).items()]
        place = {"name": name, "source": {"path": str(folder / name)}, "domains": [f"{name}.test"], "server": server}
        made.append({**common, **place, **({"server_requirements": oldest} if oldest else {})})
    return made


@pytest.mark.long
def test_wsgi_is_served_and_asgi_refused(server: Server, tmp_path: Path) -> None:
    server.others = apps(tmp_path, WSGI)
    server.apply("site")
    answers = {name: server.host.ask("/where", host=f"{name}.test").body.decode() for name in WSGI}
    assert answers == {name: f"https://{name}.test/where" for name in WSGI}
    server.others = apps(tmp_path, ASGI)
    failed = server.play("site")
    failed.assert_says(*(f"{name}: gate: TypeError: this is an ASGI app; what serves here speaks WSGI: wrap it in a2wsgi.ASGIMiddleware" for name in ASGI))
    server.reset()
    server.apply_twice("site")
