"""An app that was on the host before."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index() -> dict[str, str | int]:
    """Who serves, from where, with what."""
    return {"uid": os.getuid(), "code": str(Path(__file__).resolve()), "currency": os.environ["SHOP_CURRENCY"]}


@app.get("/healthz")
def health() -> str:
    """It works."""
    return "well"
