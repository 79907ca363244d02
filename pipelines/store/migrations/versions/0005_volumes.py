"""Bind the sheets of each day, so that a question about a year reads only what it needs."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table; it is filled beside the door."""
    op.create_table(
        "volume",
        Column("day_ms", BigInteger, primary_key=True, autoincrement=False),
        Column("part", Integer, primary_key=True, autoincrement=False),
        Column("content", LargeBinary, nullable=False),
        if_not_exists=True,  # a store of a development version has it
    )
