"""What the guestbook stores, and whether the database has the schema for it. Alembic migrates it: `flask db upgrade`."""

from __future__ import annotations

import datetime
import functools
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

MIGRATIONS = str(Path(__file__).parent / "migrations")


class Base(DeclarativeBase):
    """The base of all models."""


db = SQLAlchemy(model_class=Base)


class Entry(db.Model):  # type: ignore[misc,name-defined]
    """What a visitor wrote, with the name of an uploaded picture."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    message: Mapped[str]
    written_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    picture: Mapped[str | None] = mapped_column(unique=True)


def init_app(app: Flask) -> None:
    """Give `app` its database, and the commands `flask db`."""
    db.init_app(app)
    Migrate(app, db, directory=MIGRATIONS)


def schema() -> tuple[str | None, str]:
    """The revision that the database is at, and the one that this code needs.

    A revision that this code does not know is of a newer release. Migrations only add, so the older one may go on.
    """
    revision: str | None = MigrationContext.configure(db.session.connection()).get_current_revision()
    *dummy, needed = _revisions()
    return (needed if revision and revision not in _revisions() else revision), needed


@functools.cache
def _revisions() -> list[str]:
    """All revisions, from the first to the newest."""
    return [script.revision for script in ScriptDirectory(MIGRATIONS).walk_revisions()][::-1]
