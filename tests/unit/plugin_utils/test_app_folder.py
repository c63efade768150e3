# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declaration that an app's folder suggests."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.flaskyard.server.plugins.plugin_utils.app_folder import AppFolderError, describe

ROOT = Path(__file__).resolve().parents[3]
FLASK = "from flask import Flask\n"


@pytest.mark.parametrize(
    ("files", "wsgi"),
    [
        ({"app.py": FLASK + "app = Flask(__name__)\n"}, "app:app"),
        ({"app.py": "import flask\napplication: flask.Flask = flask.Flask(__name__)\n"}, "app:application"),
        ({"shop/init.py": "", "shop/web.py": FLASK + "def create_app(config=None):\n    return Flask(__name__)\n"}, "shop.web:create_app()"),
        ({"shop/__init__.py": FLASK + "def create_app():\n    app = Flask(__name__)\n    return app\n"}, "shop:create_app()"),
        ({"src/shop/__init__.py": FLASK + "def create_app():\n    return Flask(__name__)\n"}, "shop:create_app()"),
        (
            {"wsgi.py": "from shop import create_app\napp = create_app()\n", "shop/__init__.py": FLASK + "def create_app():\n    return Flask('shop')\n"},
            "wsgi:app",
        ),
        ({"app.py": FLASK + "app = Flask(__name__)\n", "Procfile": "web: gunicorn --bind 0.0.0.0:$PORT shop.web:server\n"}, "shop.web:server"),
        ({"app.py": FLASK + "app = Flask(__name__)\n", ".flaskenv": "FLASK_APP='shop:create_app()'\n"}, "shop:create_app()"),
        ({"tests/app.py": FLASK + "app = Flask(__name__)\n", "main.py": FLASK + "server = Flask(__name__)\n"}, "main:server"),
        ({"bad.py": "def (:\n", "app.py": FLASK + "def make(needed):\n    return Flask(needed)\napp = Flask(__name__)\n"}, "app:app"),
    ],
)
def test_application_is_found(tmp_path: Path, files: dict[str, str], wsgi: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert describe(tmp_path).wsgi == wsgi


def test_folder_without_an_application_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FLASK + "def make(needed):\n    return Flask(needed)\n")
    with pytest.raises(AppFolderError, match="-e wsgi=module:app"):
        describe(tmp_path)
    assert describe(tmp_path, "app:make('x')").wsgi == "app:make('x')"
    with pytest.raises(AppFolderError, match="not a folder"):
        describe(tmp_path / "nowhere")


def test_everything_else_is_read_from_the_folder(tmp_path: Path) -> None:
    code = """
    import os
    from flask import Flask
    app = Flask(__name__, static_folder="assets", static_url_path="/files")
    key, mail = os.environ["SECRET_KEY"], os.environ["MAIL_PASSWORD"]
    token, mode = os.getenv("API_TOKEN"), os.environ.get("MODE", "fast")
    @app.get("/health")
    def health(): return ""
    """
    (tmp_path / "app.py").write_text("\n".join(line[4:] for line in code.splitlines()))
    for name in ("assets", "migrations", "ignored"):
        (tmp_path / name).mkdir()
    (tmp_path / "migrations/env.py").touch()
    (tmp_path / "assets/a.css").touch()
    (tmp_path / ".gitignore").write_text("ignored/\n")
    (tmp_path / "ignored/wsgi.py").write_text(FLASK + "app = Flask(__name__)\n")
    (tmp_path / "requirements.txt").write_text("Flask==3.1\nFlask_Migrate==4.1\npsycopg[binary]>=3\nrq\n")
    (tmp_path / "Procfile").write_text("web: gunicorn app:app\nworker: rq worker\n")
    found = describe(tmp_path)
    assert (found.wsgi, found.manifest, found.procfile, found.release_command) == ("app:app", "requirements.txt", True, "flask db upgrade")
    assert (found.database, found.queue, found.health_path) == ("postgresql", "valkey", "/health")
    assert found.static == [{"url": "/files", "path": "assets"}]
    assert found.variables == ["API_TOKEN", "MAIL_PASSWORD"] and found.notes == []


def test_templates_are_not_copied(tmp_path: Path) -> None:
    (tmp_path / "{{ x }}").mkdir()
    (tmp_path / "app.py").write_text(FLASK + "app = Flask(__name__, static_folder='{{ x }}')\n")
    (tmp_path / "Procfile").write_text("web: gunicorn 'app:create({{ x }})'\n")
    assert "{" not in str(describe(tmp_path).__dict__).strip("{}").replace("{'", "")


def test_doubts_and_gaps_are_reported(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FLASK + "app = Flask(__name__)\n")
    (tmp_path / "other.py").write_text(FLASK + "def create_app():\n    return Flask(__name__)\n")
    found = describe(tmp_path)
    assert found.notes[0] == "also found: other:create_app()" and "requirements.txt" in found.notes[1]


def test_sample_applications_are_understood() -> None:
    wanted = {"guestbook": "guestbook:create_app()", "probe": "probe:app", "notes": "notes:app", "plain": "plain:app"}
    assert {name: describe(ROOT / "tests/apps" / name).wsgi for name in wanted} == wanted


@pytest.mark.parametrize(("given", "found"), [("../static", [{"url": "/static", "path": "static"}]), ("../../etc", []), ("/etc", [])])
def test_static_folder_is_written_as_a_declaration(tmp_path: Path, given: str, found: list[dict[str, str]]) -> None:
    for name in ("shop", "static"):
        (tmp_path / name).mkdir()
    (tmp_path / "shop/__init__.py").write_text(FLASK + f"app = Flask(__name__, static_folder={given!r})\n")
    assert describe(tmp_path).static == found
