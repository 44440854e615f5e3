"""The answer of a case in every language."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; cases that are there already keep the answer in the language of their report."""
    op.add_column("cases", Column("answers", Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("cases", "answers")
