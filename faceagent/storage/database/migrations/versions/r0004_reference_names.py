"""The references of a job have names."""

from alembic import op
from sqlalchemy import Column, String

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; references that were sent before are called what they are."""
    op.add_column("job_references", Column("name", String(300), nullable=False, server_default="reference"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("job_references", "name")
