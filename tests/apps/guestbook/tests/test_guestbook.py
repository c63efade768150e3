"""Tests of the guestbook. Run in its folder: `python -m pytest tests`."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import flask_migrate
import pytest
import redis
import rq
from flask import Flask
from flask.testing import FlaskClient
from guestbook import create_app, pictures
from guestbook.models import db
from PIL import Image
from sqlalchemy import text
from werkzeug.test import TestResponse

ROOT = Path(__file__).parents[1]
SITE = "https://guestbook.test"


def png(width: int = 1000) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, 10)).save(content, "PNG")
    return content.getvalue()


PNG = png()


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    settings = {"SECRET_KEY": "of a test", "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/db", "REDIS_URL": None, "UPLOADS": str(tmp_path / "uploads")}
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def token(client: FlaskClient) -> str:
    match = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/", base_url=SITE).text)
    assert match
    return match[1]


def sign(client: FlaskClient, name: str = "Ada", message: str = "Hello", picture: tuple[bytes, str] | None = None) -> TestResponse:
    data: dict[str, object] = {"csrf_token": token(client), "name": name, "message": message}
    if picture:
        data["picture"] = (io.BytesIO(picture[0]), picture[1])
    return client.post("/", base_url=SITE, data=data, headers={"Referer": SITE})


def test_entry_is_shown_and_escaped(client: FlaskClient) -> None:
    assert sign(client, message="<script>alert(1)</script> ünïcode").status_code == 303
    page = client.get("/", base_url=SITE).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; ünïcode" in page
    assert "<script>" not in page


@pytest.mark.parametrize(("name", "message"), [("", "x"), ("x", " "), ("x" * 81, "x"), ("x", "x" * 2001)])
def test_entry_that_is_too_long_is_refused(client: FlaskClient, name: str, message: str) -> None:
    assert sign(client, name, message).status_code == 400


@pytest.mark.parametrize("given", [None, "", "guessed", "größer"])
def test_form_from_elsewhere_is_refused(client: FlaskClient, given: str | None) -> None:
    token(client)
    data = {"name": "Eve", "message": "Hi"} | ({} if given is None else {"csrf_token": given})
    assert client.post("/", base_url=SITE, data=data).status_code == 400
    assert "Eve" not in client.get("/", base_url=SITE).text


def test_form_without_a_session_is_refused(client: FlaskClient) -> None:
    assert client.post("/", base_url=SITE, data={"name": "Eve", "message": "Hi", "csrf_token": ""}).status_code == 400


def test_picture_comes_back_as_it_was(client: FlaskClient, app: Flask) -> None:
    assert sign(client, picture=(PNG, "../../evil.html")).status_code == 303
    (file,) = Path(app.config["UPLOADS"]).glob("*.png")
    answer = client.get(f"/pictures/{file.name}", base_url=SITE)
    assert (answer.data, answer.mimetype, answer.headers["X-Content-Type-Options"]) == (PNG, "image/png", "nosniff")


def test_page_shows_the_small_copy_once_it_is_there(client: FlaskClient, app: Flask) -> None:
    sign(client, picture=(PNG, "a.png"))
    (small,) = Path(app.config["UPLOADS"]).glob("*.small.webp")
    with Image.open(small) as image:
        assert (image.format, image.width) == ("WEBP", 480)
    assert f'src="/pictures/{small.name}"' in client.get("/", base_url=SITE).text
    small.unlink()
    (picture,) = Path(app.config["UPLOADS"]).iterdir()
    assert f'src="/pictures/{picture.name}"' in client.get("/", base_url=SITE).text


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"", b"RIFF0000WEBP"])
def test_file_without_a_picture_is_refused(client: FlaskClient, app: Flask, content: bytes) -> None:
    assert sign(client, picture=(content, "a.png")).status_code == 415
    assert not Path(app.config["UPLOADS"]).exists()


def test_damaged_picture_has_no_small_copy(client: FlaskClient, app: Flask) -> None:
    assert sign(client, picture=(PNG[:60], "a.png")).status_code == 303
    assert [file.suffix for file in Path(app.config["UPLOADS"]).iterdir()] == [".png"]


def test_unreachable_queue_loses_no_entry(client: FlaskClient, app: Flask, tmp_path: Path) -> None:
    app.extensions["jobs"] = rq.Queue(connection=redis.Redis.from_url(f"unix://{tmp_path}/nobody.sock"))
    assert sign(client, picture=(PNG, "a.png")).status_code == 303
    assert len([*Path(app.config["UPLOADS"]).glob("*.small.webp")]) == 1


def test_picture_too_large_is_refused(client: FlaskClient, app: Flask) -> None:
    assert sign(client, picture=(PNG + bytes(app.config["MAX_CONTENT_LENGTH"]), "a.png")).status_code == 413


def test_only_pictures_are_sent(client: FlaskClient, app: Flask) -> None:
    Path(app.config["UPLOADS"]).mkdir()
    for name in ("../instance/db", "..%2finstance%2fdb", "%2fetc%2fpasswd"):
        assert client.get(f"/pictures/{name}", base_url=SITE).status_code == 404


def test_health_follows_the_database(client: FlaskClient, app: Flask, tmp_path: Path) -> None:
    assert client.get("/healthz").json == {"status": "ok", "schema": "0002"}
    for revision, status in [("0001", 503), ("of a newer release", 200)]:
        with app.app_context():
            db.session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
            db.session.commit()
        assert client.get("/healthz").status_code == status
    with app.app_context():
        db.engine.dispose()
    (tmp_path / "db").write_bytes(b"no database at all" * 1000)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["status"] if answer.json else None) == (503, "failed")


def test_health_says_what_a_new_database_needs(tmp_path: Path) -> None:
    client = create_app({"SECRET_KEY": "x", "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/new"}).test_client()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (503, {"status": "failed", "reason": "database is at revision None, not 0002; run `flask db upgrade`"})


def test_migrations_match_the_models(app: Flask) -> None:
    with app.app_context():
        flask_migrate.check()


def test_whoami_shows_the_request(client: FlaskClient) -> None:
    answer = client.get("/whoami", base_url=SITE, environ_base={"REMOTE_ADDR": "192.0.2.7"}).json
    assert answer
    assert (answer["remote_addr"], answer["scheme"], answer["host"], answer["url"]) == (
        "192.0.2.7",
        "https",
        "guestbook.test",
        SITE + "/",
    )


def test_app_does_not_start_without_a_secret_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    with pytest.raises(RuntimeError, match="SECRET_KEY is not set"):
        create_app({"UPLOADS": str(tmp_path)})


def test_tidy_keeps_the_newest_and_the_pictures_they_show(client: FlaskClient, app: Flask) -> None:
    sign(client, name="Old", picture=(PNG, "a.png"))
    sign(client, name="New", picture=(PNG, "b.png"))
    fresh = pictures_of(app) / "fresh.png"
    fresh.write_bytes(PNG)
    for file in pictures_of(app).iterdir():
        if file != fresh:
            os.utime(file, times=(0, 0))
    app.config["KEEP"] = 1
    assert app.test_cli_runner().invoke(args=["tidy"]).output == "Removed 1 entries and 1 pictures.\n"
    page = client.get("/", base_url=SITE).text
    assert "New" in page
    assert "Old" not in page
    left = {file.name for file in pictures_of(app).iterdir()}
    assert len(left) == 3, "the new one, its small copy, and the fresh one"
    assert fresh.name in left


def pictures_of(app: Flask) -> Path:
    with app.app_context():
        return pictures.folder()


def test_commands_run_as_a_user_would(tmp_path: Path) -> None:
    settings = {"SECRET_KEY": "x", "DATABASE_URL": f"sqlite:///{tmp_path}/db", "GUESTBOOK_UPLOADS": str(tmp_path / "uploads")}
    for command, says in [(["db", "upgrade"], ""), (["tidy"], "Removed 0 entries and 0 pictures.\n")]:
        flask = [sys.executable, "-m", "flask", "--app", "guestbook", *command]
        assert subprocess.run(flask, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, text=True, check=True).stdout == says


def test_static_names_carry_the_hash_of_their_content() -> None:
    hashed = list((ROOT / "guestbook" / "static").glob("*.*.svg"))
    assert hashed
    for file in hashed:
        assert file.name.split(".")[1] == hashlib.sha256(file.read_bytes()).hexdigest()[:8]
