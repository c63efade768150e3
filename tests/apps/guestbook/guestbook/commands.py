"""Commands of the guestbook: `flask --app guestbook migrate` and `flask --app guestbook tidy`."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from . import database, pictures


def init_app(app: Flask) -> None:
    """Register the commands."""
    app.cli.add_command(migrate)
    app.cli.add_command(tidy)


@click.command()
@with_appcontext
def migrate() -> None:
    """Bring the database to the latest version, and say which that is.

    The application migrates as it is made, so the work is done when this runs. Run before a switch, it keeps the start short.
    """
    click.echo(f"The database is at version {database.version(database.get())}.")


@click.command()
@with_appcontext
def tidy() -> None:
    """Remove all but the newest entries (GUESTBOOK_KEEP, default 1000) and pictures that no entry shows."""
    connection = database.get()
    newest = "SELECT id FROM entry ORDER BY id DESC LIMIT ?"
    entries = connection.execute(f"DELETE FROM entry WHERE id NOT IN ({newest})", (current_app.config["KEEP"],)).rowcount
    in_use = {row["picture"] for row in connection.execute("SELECT picture FROM entry WHERE picture IS NOT NULL")}
    orphans = pictures.remove_orphans(in_use)
    click.echo(f"Removed {entries} entries and {orphans} pictures.")
