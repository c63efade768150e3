"""The pages of the guestbook, and two for whoever runs it: `/healthz` and `/whoami`."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, send_from_directory, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from . import jobs, models, pictures
from .models import Entry, db

pages = Blueprint("pages", __name__)

SHOWN = 50
NAME_LENGTH = 80
MESSAGE_LENGTH = 2000


@pages.get("/")
def index() -> str:
    """Show the newest entries and the form."""
    entries = db.session.scalars(select(Entry).order_by(Entry.id.desc()).limit(SHOWN)).all()
    return render_template("index.html", entries=entries, shown=pictures.shown, name_length=NAME_LENGTH, message_length=MESSAGE_LENGTH)


@pages.post("/")
def write() -> ResponseReturnValue:
    """Add an entry from the form and show it."""
    name, message = request.form.get("name", "").strip(), request.form.get("message", "").strip()
    if not 0 < len(name) <= NAME_LENGTH or not 0 < len(message) <= MESSAGE_LENGTH:
        abort(400, f"Give a name of up to {NAME_LENGTH} and a message of up to {MESSAGE_LENGTH} characters.")
    upload = request.files.get("picture")
    picture = pictures.save(upload) if upload else None
    db.session.add(Entry(name=name, message=message, picture=picture))
    db.session.commit()
    if picture:
        jobs.later(pictures.make_small, str(pictures.folder() / picture))
    return redirect(url_for("pages.index"), 303)


@pages.get("/pictures/<name>")
def picture(name: str) -> Response:
    """Send an uploaded picture; its name is never used twice, so browsers may keep it."""
    return send_from_directory(pictures.folder(), name, max_age=31_536_000)


@pages.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say whether the application can serve: 200 when the database answers and has the schema that this code needs, else 503."""
    try:
        revision, needed = models.schema()
    except SQLAlchemyError as error:
        return jsonify(status="failed", reason=f"database: {error}"), 503
    if revision != needed:
        return jsonify(status="failed", reason=f"database is at revision {revision}, not {needed}; run `flask db upgrade`"), 503
    return jsonify(status="ok", schema=revision)


@pages.get("/whoami")
def whoami() -> Response:
    """Show the request as the application sees it: the proxy is set up right when this is what the client sent."""
    return jsonify(
        remote_addr=request.remote_addr,
        scheme=request.scheme,
        host=request.host,
        url=url_for("pages.index", _external=True),
        headers=dict(request.headers),
    )
