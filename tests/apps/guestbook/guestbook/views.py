"""The pages of the guestbook, and two for whoever runs it: `/healthz` and `/whoami`."""

from __future__ import annotations

import sqlite3

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, send_from_directory, url_for
from flask.typing import ResponseReturnValue

from . import database, pictures

pages = Blueprint("pages", __name__)

SHOWN = 50
NAME_LENGTH = 80
MESSAGE_LENGTH = 2000


@pages.get("/")
def index() -> str:
    """Show the newest entries and the form."""
    entries = database.get().execute("SELECT * FROM entry ORDER BY id DESC LIMIT ?", (SHOWN,)).fetchall()
    return render_template("index.html", entries=entries, name_length=NAME_LENGTH, message_length=MESSAGE_LENGTH)


@pages.post("/")
def write() -> ResponseReturnValue:
    """Add an entry from the form and show it."""
    name, message = request.form.get("name", "").strip(), request.form.get("message", "").strip()
    if not 0 < len(name) <= NAME_LENGTH or not 0 < len(message) <= MESSAGE_LENGTH:
        abort(400, f"Give a name of up to {NAME_LENGTH} and a message of up to {MESSAGE_LENGTH} characters.")
    upload = request.files.get("picture")
    picture = pictures.save(upload) if upload else None
    database.get().execute("INSERT INTO entry (name, message, picture) VALUES (?, ?, ?)", (name, message, picture))
    return redirect(url_for("pages.index"), 303)


@pages.get("/pictures/<name>")
def picture(name: str) -> Response:
    """Send an uploaded picture; its name is never used twice, so browsers may keep it."""
    return send_from_directory(pictures.folder(), name, max_age=31_536_000)


@pages.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say whether the application can serve: 200 when the database answers and has the schema this code needs, else 503."""
    try:
        version = database.version(database.get())
    except sqlite3.Error as error:
        return jsonify(status="failed", reason=f"database: {error}"), 503
    if version < database.latest():
        return jsonify(status="failed", reason=f"database is at version {version}, not {database.latest()}"), 503
    return jsonify(status="ok", schema=version)


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
