"""An app to test with."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def page() -> str:
    """Say hello."""
    return "hello"
