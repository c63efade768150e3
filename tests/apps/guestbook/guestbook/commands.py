"""Commands of the guestbook: `flask --app guestbook work` and `flask --app guestbook tidy`."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import delete, select

from . import jobs, pictures
from .models import Entry, db


def init_app(app: Flask) -> None:
    """Register the commands."""
    app.cli.add_command(work)
    app.cli.add_command(tidy)


@click.command()
@with_appcontext
def work() -> None:
    """Make small pictures as they come in, until stopped."""
    jobs.work()


@click.command()
@with_appcontext
def tidy() -> None:
    """Remove all but the newest entries (GUESTBOOK_KEEP, default 1000) and pictures that no entry shows."""
    newest = select(Entry.id).order_by(Entry.id.desc()).limit(current_app.config["KEEP"])
    removed = len(db.session.scalars(delete(Entry).where(Entry.id.not_in(newest)).returning(Entry.id)).all())
    db.session.commit()
    orphans = pictures.remove_orphans([name for name in db.session.scalars(select(Entry.picture)) if name])
    click.echo(f"Removed {removed} entries and {orphans} pictures.")
