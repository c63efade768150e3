# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the migrations of Alembic take place."""

from alembic import context
from flask import current_app

with current_app.extensions["migrate"].db.engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
