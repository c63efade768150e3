from __future__ import annotations

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index() -> str:
    return "unhealthy"


@app.get("/healthz")
def healthz() -> tuple[str, int]:
    return "the database is gone", 500
