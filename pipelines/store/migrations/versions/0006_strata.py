"""Keep sums by shift, and by severity and state, so that a year of them is a few rows."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary

from pipelines.store.migrations import TEXT

revision = "0006"
down_revision = "0005"

_CLOCKS = 7


def upgrade() -> None:
    """Add the tables; they are filled beside the door."""
    op.create_table(
        "stratum",
        *(Column(name, Integer, primary_key=True) for name in ("cut", "level")),
        Column("start_ms", BigInteger, primary_key=True),
        *(Column(name, Integer, primary_key=True) for name in ("per", "stratum")),
        *(Column(name, TEXT, primary_key=True) for name in ("grid", "kind", "source")),
        Column("incidents", BigInteger, nullable=False),
        Column("few", LargeBinary, nullable=False),
        *(Column(f"clock_{i}", LargeBinary, nullable=False) for i in range(_CLOCKS)),
        if_not_exists=True,  # a store of a development version has it
    )
    op.create_table(
        "stratified",
        *(Column(name, Integer, primary_key=True) for name in ("cut", "level")),
        Column("start_ms", BigInteger, primary_key=True),
        Column("told_by", TEXT, nullable=False),
        sqlite_with_rowid=False,
        if_not_exists=True,
    )
