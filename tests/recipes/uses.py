# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typical use of each application: sign in, write something. Each function returns one that reads it back, which runs again after a redeploy."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.drills.harness import Host

from .browser import Browser

Secrets = dict[str, str]
Use = Callable[[Browser, Host, Secrets], Callable[[], None]]
PASSWORD = "correct-horse-4711"


def httpbin(web: Browser, host: Host, secrets: Secrets) -> Callable[[], None]:
    assert web.get("/basic-auth/ada/secret").status_code == 401

    def read() -> None:
        assert web.get("/basic-auth/ada/secret", auth=("ada", "secret")).json()["authenticated"]
        assert web.post("/post", json={"a": "ü"}).json()["json"] == {"a": "ü"}
        assert web.get("/get?b=c").json()["url"] == f"{web.site}/get?b=c"
        assert web.get("/cookies/set?flavour=plain").json()["cookies"] == {"flavour": "plain"}

    return read


def ihatemoney(web: Browser, host: Host, secrets: Secrets) -> Callable[[], None]:
    made = {"name": "Trip", "id": "trip", "password": PASSWORD, "contact_email": "ada@example.com", "default_currency": "XXX"}
    assert web.post("/api/projects", data=made).status_code == 201
    login = ("trip", PASSWORD)
    assert web.get("/api/projects/trip", auth=("trip", "wrong")).status_code == 401
    assert web.post("/api/projects/trip/members", data={"name": "Ada"}, auth=login).status_code == 201

    def read() -> None:
        assert [member["name"] for member in web.get("/api/projects/trip/members", auth=login).json()] == ["Ada"]
        web.submit("/authenticate", id="trip", password=PASSWORD)
        assert "Ada" in web.get("/trip/").text

    return read


def isso(web: Browser, host: Host, secrets: Secrets) -> Callable[[], None]:
    page = {"uri": "/post"}
    origin = {"Origin": "https://blog.example.com"}
    written = web.post("/new", params=page, json={"text": "Well said.", "author": "Ada", "title": "A post"}, headers=origin)
    assert (written.status_code, written.headers["access-control-allow-origin"]) == (201, origin["Origin"]), written.text

    def read() -> None:
        assert [reply["text"] for reply in web.get("/", params=page).json()["replies"]] == ["<p>Well said.</p>"]
        web.post("/login/", data={"password": secrets["vault_isso_admin_password"]}).raise_for_status()
        assert "Well said." in web.get("/admin/?mode=1").text
        assert "javascript" in web.get("/js/embed.min.js").headers["content-type"]

    return read


def bepasty(web: Browser, host: Host, secrets: Secrets) -> Callable[[], None]:
    text = "print('hello')\n"
    assert web.post("/+upload", data={"text": text, "contenttype": "text/plain"}).status_code == 403
    web.post("/+login", data={"token": secrets["vault_bepasty_login"]}).raise_for_status()
    pasted = web.post("/+upload", data={"text": text, "contenttype": "text/plain", "filename": "a.py", "maxlife-unit": "forever", "maxlife-value": "1"})
    pasted.raise_for_status()

    def read() -> None:
        assert web.get(f"{pasted.url.copy_with(fragment=None)}/+download").text == text

    return read


def flaskbb(web: Browser, host: Host, secrets: Secrets) -> Callable[[], None]:
    web.submit("/auth/login", login="admin", password=secrets["vault_flaskbb_admin_password"])
    web.submit("/1/topic/new", title="A question", content="Is this **bold**?", submit="Post Topic")

    def read() -> None:
        assert "<strong>bold</strong>" in web.get("/topic/2").text
        assert "Log out" in web.get("/").text or "Logout" in web.get("/").text

    return read


def alerta(web: Browser, host: Host, secrets: Secrets) -> Callable[[], None]:
    assert web.get("/alerts").status_code == 401
    account = {"name": "Ada", "email": "admin@example.com", "password": PASSWORD, "text": ""}
    token = web.post("/auth/signup", json=account).json()["token"]
    signed = {"Authorization": f"Bearer {token}"}
    alert = {"resource": "web1", "event": "HttpError", "environment": "Production", "service": ["shop"], "severity": "major"}
    assert web.post("/alert", json=alert, headers=signed).status_code == 201

    def read() -> None:
        assert [found["resource"] for found in web.get("/alerts", headers=signed).json()["alerts"]] == ["web1"]
        assert web.post("/auth/login", json={"username": "admin@example.com", "password": PASSWORD}).status_code == 200

    return read


def mlflow(web: Browser, host: Host, secrets: Secrets) -> Callable[[], None]:
    api = "/api/2.0/mlflow/experiments"
    assert web.get("/").status_code == 401
    web.auth = ("ada", PASSWORD)
    made = web.post(f"{api}/create", json={"name": "trial"}).json()["experiment_id"]
    web.put(f"/api/2.0/mlflow-artifacts/artifacts/{made}/notes.txt", content=b"notes").raise_for_status()

    def read() -> None:
        assert web.get(f"{api}/get", params={"experiment_id": made}).json()["experiment"]["name"] == "trial"
        assert web.get(f"/api/2.0/mlflow-artifacts/artifacts/{made}/notes.txt").content == b"notes"
        assert "MLflow" in web.get("/").text

    return read


def calibre_web(web: Browser, host: Host, secrets: Secrets) -> Callable[[], None]:
    web.submit("/login", username="admin", password="admin123")
    web.submit("/admin/dbconfig", config_calibre_dir="/var/lib/flask-calibre-web/library")
    web.submit("/shelf/create", title="To read")

    def read() -> None:
        assert "To read" in web.get("/").text

    return read


def pgadmin(web: Browser, host: Host, secrets: Secrets) -> Callable[[], None]:
    def sign_in() -> dict[str, str]:
        web.cookies.clear()
        form = re.search('"csrfToken": "([^"]+)"', web.get("/login").text)
        assert form, "the page of the login has a token"
        login = {"csrf_token": form[1], "email": "admin@example.com", "password": secrets["vault_pgadmin_password"], "internal_button": "Login"}
        web.post("/authenticate/login", data=login, headers={"Referer": f"{web.site}/login"}).raise_for_status()
        token = web.get("/browser/js/utils.js").text.partition("pgAdmin['csrf_token'] = '")[2].partition("'")[0]
        return {"X-pgA-CSRFToken": token, "Referer": f"{web.site}/browser/"}

    made = web.post("/browser/server_group/obj/", json={"name": "Production"}, headers=sign_in())
    made.raise_for_status()

    def read() -> None:
        # pgAdmin writes its sessions late, so a redeploy may end them.
        assert web.get(f"/browser/server_group/obj/{made.json()['node']['_id']}", headers=sign_in()).json()["name"] == "Production"

    return read


def superset(web: Browser, host: Host, secrets: Secrets) -> Callable[[], None]:
    admin = f"--username admin --firstname Ada --lastname Admin --email admin@example.com --password {PASSWORD}"
    host.sh(f"flaskyard run superset -- superset fab create-admin {admin} </dev/null")
    assert web.get("/api/v1/dashboard/").status_code in (401, 200)
    login = web.post("/api/v1/security/login", json={"username": "admin", "password": PASSWORD, "provider": "db", "refresh": True})
    signed = {"Authorization": f"Bearer {login.json()['access_token']}"}
    token = web.get("/api/v1/security/csrf_token/", headers=signed).json()["result"]
    headers = {**signed, "X-CSRFToken": token, "Referer": web.site}
    made = web.post("/api/v1/dashboard/", json={"dashboard_title": "Sales"}, headers=headers)
    assert made.status_code == 201, made.text

    def read() -> None:
        assert "Sales" in web.get("/api/v1/dashboard/", headers=signed).text
        assert "Superset" in web.get("/login/").text

    return read


USES: dict[str, Use] = {
    "alerta": alerta,
    "bepasty": bepasty,
    "calibre-web": calibre_web,
    "flaskbb": flaskbb,
    "httpbin": httpbin,
    "ihatemoney": ihatemoney,
    "isso": isso,
    "mlflow": mlflow,
    "pgadmin": pgadmin,
    "superset": superset,
}
