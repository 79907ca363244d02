"""Say in the store how each source and its last canary does, for processes that only show it."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Float

from pipelines.store.migrations import TEXT, name

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "heard",
        Column("source", name(), primary_key=True),
        Column("up_since_ms", BigInteger),
        Column("success_ms", BigInteger),
        Column("down_since_ms", BigInteger),
        Column("problem", TEXT),
        Column("last_problem", TEXT),
        Column("problem_ms", BigInteger),
        if_not_exists=True,  # a store of a development version has them
    )
    op.create_table(
        "canary",
        Column("source", name(), primary_key=True),
        Column("at_ms", BigInteger, nullable=False),
        Column("took_ms", Float, nullable=False),
        Column("problem", TEXT),
        Column("was_sent", Boolean, nullable=False),
        if_not_exists=True,
    )
