"""Tests of the guestbook. Run in its folder: `python -m pytest tests`."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from guestbook import create_app, database, pictures
from werkzeug.test import TestResponse

ROOT = Path(__file__).parents[1]
SITE = "https://guestbook.test"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return create_app({"SECRET_KEY": "of a test", "DATABASE": str(tmp_path / "instance" / "db"), "UPLOADS": str(tmp_path / "uploads")})


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


def test_an_entry_is_shown_and_escaped(client: FlaskClient) -> None:
    assert sign(client, message="<script>alert(1)</script> ünïcode").status_code == 303
    page = client.get("/", base_url=SITE).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; ünïcode" in page
    assert "<script>" not in page


@pytest.mark.parametrize(("name", "message"), [("", "x"), ("x", " "), ("x" * 81, "x"), ("x", "x" * 2001)])
def test_an_entry_that_does_not_fit_is_refused(client: FlaskClient, name: str, message: str) -> None:
    assert sign(client, name, message).status_code == 400


@pytest.mark.parametrize("given", [None, "", "guessed", "größer"])
def test_a_form_from_elsewhere_is_refused(client: FlaskClient, given: str | None) -> None:
    token(client)
    data = {"name": "Eve", "message": "Hi"} | ({} if given is None else {"csrf_token": given})
    assert client.post("/", base_url=SITE, data=data).status_code == 400
    assert "Eve" not in client.get("/", base_url=SITE).text


def test_a_form_without_a_session_is_refused(client: FlaskClient) -> None:
    assert client.post("/", base_url=SITE, data={"name": "Eve", "message": "Hi", "csrf_token": ""}).status_code == 400


def test_a_picture_comes_back_as_it_was(client: FlaskClient, app: Flask) -> None:
    assert sign(client, picture=(PNG, "../../evil.html")).status_code == 303
    (file,) = Path(app.config["UPLOADS"]).iterdir()
    assert file.suffix == ".png"
    assert f"/pictures/{file.name}" in client.get("/", base_url=SITE).text
    answer = client.get(f"/pictures/{file.name}", base_url=SITE)
    assert (answer.data, answer.mimetype, answer.headers["X-Content-Type-Options"]) == (PNG, "image/png", "nosniff")


def test_what_is_no_picture_is_refused(client: FlaskClient, app: Flask) -> None:
    assert sign(client, picture=(b"<svg onload=alert(1)>", "a.png")).status_code == 415
    assert not Path(app.config["UPLOADS"]).exists()


def test_a_picture_too_large_is_refused(client: FlaskClient, app: Flask) -> None:
    assert sign(client, picture=(PNG + bytes(app.config["MAX_CONTENT_LENGTH"]), "a.png")).status_code == 413


def test_no_file_outside_the_pictures_is_sent(client: FlaskClient, app: Flask) -> None:
    Path(app.config["UPLOADS"]).mkdir()
    for name in ("../instance/db", "..%2finstance%2fdb", "%2fetc%2fpasswd"):
        assert client.get(f"/pictures/{name}", base_url=SITE).status_code == 404


def test_health_follows_the_database(client: FlaskClient, app: Flask) -> None:
    assert client.get("/healthz").json == {"status": "ok", "schema": 2}
    with closing(database.connect(app.config["DATABASE"])) as connection:
        connection.execute("PRAGMA user_version = 1")
    assert client.get("/healthz").status_code == 503
    Path(app.config["DATABASE"]).write_bytes(b"no database at all" * 1000)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["status"] if answer.json else None) == (503, "failed")


def test_whoami_is_the_request(client: FlaskClient) -> None:
    answer = client.get("/whoami", base_url=SITE, environ_base={"REMOTE_ADDR": "192.0.2.7"}).json
    assert answer
    assert (answer["remote_addr"], answer["scheme"], answer["host"], answer["url"]) == (
        "192.0.2.7",
        "https",
        "guestbook.test",
        SITE + "/",
    )


def test_no_secret_key_no_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    with pytest.raises(RuntimeError, match="SECRET_KEY is not set"):
        create_app({"DATABASE": str(tmp_path / "db")})


def migrate_together(barrier: Barrier, path: str, results: SimpleQueue[list[str]]) -> None:
    barrier.wait()
    results.put(database.migrate(path))


def test_migrations_started_together_run_once(tmp_path: Path) -> None:
    for attempt in range(10):
        barrier = multiprocessing.Barrier(8)
        results: SimpleQueue[list[str]] = multiprocessing.SimpleQueue()
        processes = [multiprocessing.Process(target=migrate_together, args=(barrier, str(tmp_path / f"db{attempt}"), results)) for _ in range(8)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * 8
        assert sorted(results.get() for _ in processes) == [[]] * 7 + [["0001_entries", "0002_pictures"]]


def test_a_failed_migration_leaves_the_database_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "db")
    monkeypatch.setattr(database, "_migrations", lambda: [("0001", "CREATE TABLE a (b);\nCREATE TABLE a (b);\n")])
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        database.migrate(path)
    with closing(database.connect(path)) as connection:
        assert database.version(connection) == 0
        assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0


def test_a_database_newer_than_the_code_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "db")
    with closing(database.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert database.migrate(path) == []


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
    assert len(left) == 2
    assert fresh.name in left


def pictures_of(app: Flask) -> Path:
    with app.app_context():
        return pictures.folder()


def test_the_commands_run_as_a_user_would(tmp_path: Path) -> None:
    settings = {"SECRET_KEY": "x", "GUESTBOOK_DATABASE": str(tmp_path / "db"), "GUESTBOOK_UPLOADS": str(tmp_path / "uploads")}
    for command, says in [("migrate", "The database is at version 2.\n"), ("tidy", "Removed 0 entries and 0 pictures.\n")]:
        flask = [sys.executable, "-m", "flask", "--app", "guestbook", command]
        assert subprocess.run(flask, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, text=True, check=True).stdout == says


def test_static_names_carry_the_hash_of_their_content() -> None:
    hashed = list((ROOT / "guestbook" / "static").glob("*.*.svg"))
    assert hashed
    for file in hashed:
        assert file.name.split(".")[1] == hashlib.sha256(file.read_bytes()).hexdigest()[:8]
