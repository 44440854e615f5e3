"""What the desk keeps: signed-in browsers, reference pictures, and the review of cases."""

from alembic import op
from sqlalchemy import Column, Float, ForeignKey, Integer, LargeBinary, String, Text

revision = "0003"
down_revision = "0002"

ID = String(40)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "browser_sessions",
        Column("digest", String(64), primary_key=True),
        Column("key_id", ID, nullable=False),
        Column("kind", String(8), nullable=False),
        Column("expires", Float, nullable=False, index=True),
    )
    op.create_table(
        "case_references",
        Column("case_id", ID, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
        Column("sha256", String(64), primary_key=True),
        Column("data", LargeBinary, nullable=False),
    )
    op.create_table(
        "case_thumbnails",
        Column("case_id", ID, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
        Column("data", LargeBinary, nullable=False),
    )
    op.create_table(
        "case_reviews",
        Column("case_id", ID, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("key_id", ID, nullable=False),
        Column("reviewer", String(100), nullable=False),
        Column("decision", String(10), nullable=False),
        Column("reason", Text, nullable=False),
        Column("created", Float, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("case_reviews", "case_thumbnails", "case_references", "browser_sessions"):
        op.drop_table(name)
