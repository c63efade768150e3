"""The app that the example inventory deploys, until you put your own in its place."""

import os

from flask import Flask, render_template_string

PAGE = """<!doctype html>
<title>It works</title>
<link rel="stylesheet" href="{{ url_for('static', filename='hello.css') }}">
<h1>It works</h1>
<p>{{ greeting }} This page comes from Flask, at {{ url_for('page', _external=True) }}.</p>
"""


def create_app() -> Flask:
    """Make the application."""
    app = Flask(__name__)

    @app.get("/")
    def page() -> str:
        return render_template_string(PAGE, greeting=os.environ.get("GREETING", "Hello!"))

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    return app
