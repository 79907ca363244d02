"""Part the sheet of a long hour into minutes and seconds, so that a flood writes short ones."""

from collections import defaultdict
from collections.abc import Iterator

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, column, insert, select, table

revision = "0007"
down_revision = "0006"

_MOST = 4096
_LINE_BYTES = 40
_PARTS_S = {3600: 60, 60: 1}
_OFFSET_MASK = (1 << 22) - 1
_OLD = table("sheet_of_hour", column("hour_ms", BigInteger), column("lines", LargeBinary))
_COLUMNS = ("hour_ms", "begin_s", "span_s", "incidents", "lines")
_SOME_AT_A_TIME = {"yield_per": 500}
_Row = tuple[int, int, int, int, bytes]


def upgrade() -> None:
    """Make the table anew, and lay out every hour in it."""
    connection = op.get_bind()
    op.rename_table("sheet", _OLD.name)
    if connection.dialect.name == "postgresql":
        op.execute(f"ALTER INDEX sheet_pkey RENAME TO {_OLD.name}_pkey")
    made = op.create_table(
        "sheet",
        Column("hour_ms", BigInteger, primary_key=True, autoincrement=False),
        Column("begin_s", Integer, primary_key=True, autoincrement=False),
        Column("span_s", Integer, primary_key=True, autoincrement=False),
        Column("incidents", BigInteger, nullable=False),
        Column("lines", LargeBinary, nullable=False),
    )
    for hour, lines in connection.execute(select(_OLD), execution_options=_SOME_AT_A_TIME):
        rows = [dict(zip(_COLUMNS, row, strict=True)) for row in _laid_out(hour, 0, 3600, lines)]
        connection.execute(insert(made), rows)
    op.drop_table(_OLD.name)


def _laid_out(hour_ms: int, begin_s: int, span_s: int, lines: bytes) -> Iterator[_Row]:
    incidents = len(lines) // _LINE_BYTES
    if incidents <= _MOST or span_s not in _PARTS_S:
        yield hour_ms, begin_s, span_s, incidents, lines
        return
    yield hour_ms, begin_s, span_s, incidents, b""
    narrower, parts = _PARTS_S[span_s], defaultdict(list)
    for i in range(0, len(lines), _LINE_BYTES):
        offset_ms = int.from_bytes(lines[i + 8 : i + 12], "little") & _OFFSET_MASK
        parts[offset_ms // 1000 // narrower * narrower].append(lines[i : i + _LINE_BYTES])
    for begin, some in sorted(parts.items()):
        yield from _laid_out(hour_ms, begin, narrower, b"".join(some))
