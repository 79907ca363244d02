"""Count by bin in as few bytes as do: most sums of a month or year fit in one instead of two."""

import sys
from array import array
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Any

from alembic import op
from sqlalchemy import Connection, TableClause, column, select, table, tuple_, update

revision = "0008"
down_revision = "0007"

_HEAD = Struct("<BBHI")
_TYPE = {1: "B", 2: "H", 4: "I"}
_KEYS = {
    "rollup": ("per", "level", "start_ms", "grid", "kind", "source"),
    "stratum": ("cut", "level", "start_ms", "per", "stratum", "grid", "kind", "source"),
}
_CLOCKS = tuple(f"clock_{i}" for i in range(7))
_SOME_AT_A_TIME = 500


def upgrade() -> None:
    """Write the sums of both tables anew where they get shorter."""
    connection = op.get_bind()
    for name, keys in _KEYS.items():
        cells = table(name, *map(column, (*keys, *_CLOCKS)))
        for rows in _rows(connection, cells, keys):
            for row in rows:
                before = [bytes(content) for content in row[len(keys) :]]
                after = [_narrowed(content) for content in before]
                if after != before:
                    is_it = tuple_(*(cells.c[key] for key in keys)) == tuple_(*row[: len(keys)])
                    new = dict(zip(_CLOCKS, after, strict=True))
                    connection.execute(update(cells).where(is_it).values(new))


def _rows(
    connection: Connection, cells: TableClause, keys: Sequence[str]
) -> Iterator[Sequence[Any]]:
    key = tuple_(*(cells.c[name] for name in keys))
    some = select(cells).order_by(*(cells.c[name] for name in keys)).limit(_SOME_AT_A_TIME)
    rows = connection.execute(some).all()
    while rows:
        yield rows
        rows = connection.execute(some.where(key > tuple_(*rows[-1][: len(keys)]))).all()


def _narrowed(content: bytes) -> bytes:
    if not content:
        return content
    number, form, first, durations = _HEAD.unpack_from(content)
    at = _HEAD.size + 4 * number
    if not form:
        return content
    bins = array(_TYPE[form], content[at:])
    if sys.byteorder == "big":
        bins.byteswap()
    highest = max(bins)
    kept = 1 if highest < 1 << 8 else 2 if highest < 1 << 16 else 4
    narrow = array(_TYPE[kept], bins)
    if sys.byteorder == "big":
        narrow.byteswap()
    return _HEAD.pack(number, kept, first, durations) + content[8:at] + narrow.tobytes()
