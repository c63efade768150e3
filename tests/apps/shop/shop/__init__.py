# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app of the pages in docs/howto: a database with migrations, a worker, commands."""

from __future__ import annotations

import json
import os

import click
from flask import Flask, session
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

database = SQLAlchemy()


class User(database.Model):  # type: ignore[name-defined]
    """Somebody who may sign in."""

    name = database.Column(database.Text, primary_key=True)


def create_app() -> Flask:
    """The application."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL", "sqlite:///shop.db")
    app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
    app.config["SECRET_KEY_FALLBACKS"] = json.loads(os.environ.get("SECRET_KEY_FALLBACKS", "[]"))
    database.init_app(app)
    Migrate(app, database)

    @app.get("/")
    def index() -> str:
        session.setdefault("visitor", os.urandom(4).hex())
        return f"shop, {session['visitor']}\n"

    @app.get("/users")
    def users() -> str:
        return "".join(f"{user.name}\n" for user in User.query.order_by(User.name))

    @app.post("/orders")
    def order() -> str:
        from .tasks import deliver

        deliver.delay()
        return "ordered\n"

    @app.cli.command("create-admin")
    @click.argument("name")
    def create_admin(name: str) -> None:
        """Add a user."""
        database.session.merge(User(name=name))
        database.session.commit()
        click.echo(f"created {name}")

    @app.cli.command("seed")
    def seed() -> None:
        """Add the first user."""
        database.session.merge(User(name="first"))
        database.session.commit()

    @app.cli.command("tidy-up")
    def tidy_up() -> None:
        """Say how many users there are."""
        click.echo(f"tidied up, {User.query.count()} users")

    return app
