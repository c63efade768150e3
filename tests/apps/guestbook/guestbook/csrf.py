"""Protection of forms against requests from other sites: a token in the session that every POST must repeat."""

from __future__ import annotations

import secrets

from flask import Flask, abort, request, session


def init_app(app: Flask) -> None:
    """Offer `csrf_token()` to templates and refuse any changing request without it."""
    app.jinja_env.globals["csrf_token"] = token
    app.before_request(_check)


def token() -> str:
    """Return the token of this session, made on first use."""
    if "csrf_token" not in session:
        session["csrf_token"] = secrets.token_urlsafe(32)
    return str(session["csrf_token"])


def _check() -> None:
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    expected = session.get("csrf_token", "")
    given = request.form.get("csrf_token", "")
    if not expected or not secrets.compare_digest(expected.encode(), given.encode()):
        abort(400, "This form has expired. Please load the page again.")
