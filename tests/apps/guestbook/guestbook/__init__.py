"""A guestbook: the sample application that Flaskyard's demo and tests bring to a server.

Configuration comes from the environment: ``SECRET_KEY`` (required), ``SECRET_KEY_FALLBACKS`` (older keys, as a JSON list),
``DATABASE_URL`` (SQLite in the instance folder without it), ``REDIS_URL`` (without it, requests do the work of the worker) and any
``GUESTBOOK_<KEY>``, such as ``GUESTBOOK_TITLE``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response

from . import commands, csrf, jobs, models, views


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the application.

    :param config: settings that override the defaults and the environment; tests give them.
    :raises RuntimeError: when there is no secret key, because sessions would not be safe.
    """
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(
        TITLE="Guestbook",
        KEEP=1000,
        SECRET_KEY=os.environ.get("SECRET_KEY"),
        SECRET_KEY_FALLBACKS=json.loads(os.environ.get("SECRET_KEY_FALLBACKS", "[]")),
        SQLALCHEMY_DATABASE_URI=os.environ.get("DATABASE_URL", "sqlite:///guestbook.sqlite3"),
        REDIS_URL=os.environ.get("REDIS_URL"),
        UPLOADS=str(Path(app.root_path).parent / "uploads"),
        MAX_CONTENT_LENGTH=8 * 1024 * 1024,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.config.from_prefixed_env("GUESTBOOK")
    app.config.from_mapping(config or {})
    if not app.config["SECRET_KEY"]:
        raise RuntimeError("SECRET_KEY is not set. Put a long random text into the environment variable SECRET_KEY.")

    models.init_app(app)
    jobs.init_app(app)
    csrf.init_app(app)
    commands.init_app(app)
    app.register_blueprint(views.pages)
    app.after_request(_secure_headers)
    return app


def _secure_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
