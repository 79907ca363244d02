"""Keep what people say on the pages: notes, pins, hand-overs."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary

from pipelines.store.migrations import TEXT, name

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table with its indexes."""
    op.create_table(
        "remark",
        Column("subject", name(64), primary_key=True),
        Column("remark_id", LargeBinary(16), primary_key=True),
        Column("source", name(), nullable=False),
        Column("act", name(16), nullable=False),
        Column("person", TEXT, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("recorded_ms", BigInteger, nullable=False),
        Column("text", TEXT, nullable=False),
        Column("raw", LargeBinary, nullable=False),
        if_not_exists=True,  # a store of a development version has it
    )
    op.create_index("remark_by_time", "remark", ["at_ms"], if_not_exists=True)
    op.create_index("remark_by_act", "remark", ["act", "at_ms"], if_not_exists=True)
