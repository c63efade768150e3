"""Pictures of entries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("entry") as entry:
        entry.add_column(sa.Column("picture", sa.String(), nullable=True))
        entry.create_unique_constraint("entry_picture_key", ["picture"])


def downgrade() -> None:
    with op.batch_alter_table("entry") as entry:
        entry.drop_constraint("entry_picture_key")
        entry.drop_column("picture")
