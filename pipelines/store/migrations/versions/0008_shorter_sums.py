"""Keep sums short: two dozen incidents are added up, and bins are counted in as few bytes as do.

Until now cells of fewer than 128 incidents listed what each counts for, and every bin took two
bytes at least. In a file they stood in the tree of their keys, which is for rows of some bytes: of
those of kilobytes it holds four a page, and their ends stand elsewhere.
"""

import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    TableClause,
    Text,
    column,
    select,
    table,
    tuple_,
    update,
)

revision = "0008"
down_revision = "0007"

_HEAD = Struct("<BBHI")
_TYPE = {1: "B", 2: "H", 4: "I"}
_KEYS = {
    "rollup": ("per", "level", "start_ms", "grid", "kind", "source"),
    "stratum": ("cut", "level", "start_ms", "per", "stratum", "grid", "kind", "source"),
}
_NUMBER_OF_CLOCKS = 7
_CLOCKS = tuple(f"clock_{i}" for i in range(_NUMBER_OF_CLOCKS))
_CONTENT = ("incidents", "few", *_CLOCKS)
_MANY = 24
_SOME_AT_A_TIME = 500

# an entry: its status, which is a counter; marks, which are more counters; its bin, one up, or 0
_STATUS_MASK, _STATUS_BITS, _BIN_SHIFT = 63, 6, 14
_FIRST_MARK, _MARKS = 5, 7


def upgrade() -> None:
    """Write the sums of both tables anew where they get shorter."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        _put_beside_their_keys()
    for name, keys in _KEYS.items():
        cells = table(name, *map(column, (*keys, *_CONTENT)))
        for rows in _rows(connection, cells, keys):
            for row in rows:
                incidents, *before = row[len(keys) :]
                before = [bytes(content) for content in before]
                after = _shortened(incidents, before[0], before[1:])
                if after != before:
                    is_it = tuple_(*(cells.c[key] for key in keys)) == tuple_(*row[: len(keys)])
                    new = dict(zip(("few", *_CLOCKS), after, strict=True))
                    connection.execute(update(cells).where(is_it).values(new))


def _put_beside_their_keys() -> None:
    op.rename_table("rollup", "rollup_by_key")
    op.create_table(
        "rollup",
        Column("per", Integer, primary_key=True),
        Column("level", Integer, primary_key=True),
        Column("start_ms", BigInteger, primary_key=True),
        Column("grid", Text, primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("source", Text, primary_key=True),
        Column("incidents", BigInteger, nullable=False),
        Column("few", LargeBinary, nullable=False),
        *(Column(name, LargeBinary, nullable=False) for name in _CLOCKS),
    )
    in_order = ", ".join(_KEYS["rollup"])
    op.execute(f"INSERT INTO rollup SELECT * FROM rollup_by_key ORDER BY {in_order}")  # noqa: S608 - names of ours
    op.drop_table("rollup_by_key")


def _rows(
    connection: Connection, cells: TableClause, keys: Sequence[str]
) -> Iterator[Sequence[Any]]:
    key = tuple_(*(cells.c[name] for name in keys))
    some = select(cells).order_by(*(cells.c[name] for name in keys)).limit(_SOME_AT_A_TIME)
    rows = connection.execute(some).all()
    while rows:
        yield rows
        rows = connection.execute(some.where(key > tuple_(*rows[-1][: len(keys)]))).all()


def _shortened(incidents: int, few: bytes, clocks: Sequence[bytes]) -> list[bytes]:
    """What is listed, and the sums of the clocks."""
    if few and incidents >= _MANY:
        entries = _numbers("I", few)
        return [b"", *(_added_up(entries[i::_NUMBER_OF_CLOCKS]) for i in range(_NUMBER_OF_CLOCKS))]
    return [few, *map(_narrowed, clocks)]


def _added_up(entries: Sequence[int]) -> bytes:
    """Fewer than 256 durations are listed, whatever they are."""
    counted: Counter[int] = Counter()
    bins = []
    for entry in entries:
        counted[entry & _STATUS_MASK] += 1
        marks = entry >> _STATUS_BITS & 0xFF
        counted.update(_FIRST_MARK + bit for bit in range(_MARKS) if marks >> bit & 1)
        if entry >> _BIN_SHIFT:
            bins.append((entry >> _BIN_SHIFT) - 1)
    counters = [counted[counter] for counter in range(1 + max(counted))]
    head = _HEAD.pack(len(counters), 0, 0, len(bins))
    return head + _bytes("I", counters) + _bytes("H", sorted(bins))


def _narrowed(content: bytes) -> bytes:
    if not content:
        return content
    number, form, first, durations = _HEAD.unpack_from(content)
    at = _HEAD.size + 4 * number
    if not form:
        return content
    bins = _numbers(_TYPE[form], content[at:])
    highest = max(bins)
    kept = 1 if highest < 1 << 8 else 2 if highest < 1 << 16 else 4
    head = _HEAD.pack(number, kept, first, durations)
    return head + content[_HEAD.size : at] + _bytes(_TYPE[kept], bins)


def _numbers(kind: str, content: bytes) -> "array[int]":
    found = array(kind, content)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _bytes(kind: str, numbers: Sequence[int]) -> bytes:
    found = array(kind, numbers)
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()
