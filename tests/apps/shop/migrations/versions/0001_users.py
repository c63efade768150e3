# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users."""

import sqlalchemy
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    """Make the table."""
    op.create_table("user", sqlalchemy.Column("name", sqlalchemy.Text, primary_key=True))


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("user")
