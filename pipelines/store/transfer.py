"""Taking all rows of one database into another, and proving that they arrived.

Tables are read and written in the order of their keys, a few rows at a time, and a digest of them
is made on the way. The digest does not know which database it was made from: equal contents in
SQLite and in PostgreSQL have equal digests.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Table

from pipelines.errors import TransferError
from pipelines.store import schema
from pipelines.store.store import Reader, Store, Writer

CHUNK = 2_000

LEFT_BEHIND = frozenset({"lease"})
"""Who holds what in one store says nothing about another."""

Progress = Callable[[str, int, int], None]
"""Told after every chunk: the table, how many rows of all tables are done, of how many."""


class Digest(NamedTuple):
    """What a table holds: how many rows, and the SHA-256 of them in the order of its key."""

    rows: int
    sha256: str


def _quietly(table: str, done: int, of: int) -> None:
    """Nobody is watching."""


def tables() -> Sequence[Table]:
    """The tables that are taken along, in a fixed order."""
    return [table for table in schema.metadata.sorted_tables if table.name not in LEFT_BEHIND]


def digests(reader: Reader, progress: Progress = _quietly) -> dict[str, Digest]:
    """What each table of a store holds."""
    of = sum(reader.count(table) for table in tables())
    found, done = {}, 0
    for table in tables():
        sealed = Seal()
        for rows in chunks(reader.stream(table)):
            sealed.add(rows)
            done += len(rows)
            progress(table.name, done, of)
        found[table.name] = sealed.digest
    return found


def transfer(reader: Reader, target: Store, progress: Progress = _quietly) -> dict[str, Digest]:
    """Take every row into an empty store; return what each table holds.

    One transaction: broken off, the target is as empty as before. What was written is read again
    and compared before it is committed. Raises TransferError when the target is not empty, or
    holds something else afterwards.
    """
    of = sum(reader.count(table) for table in tables())
    with target.writing() as writer:
        writer.take_time()
        _refuse_unless_empty(writer)
        sent, done = {}, 0
        for table in tables():
            sealed = Seal()
            for rows in chunks(reader.stream(table)):
                writer.add(table, rows)
                sealed.add(rows)
                done += len(rows)
                progress(table.name, done, of)
            sent[table.name] = sealed.digest
        compare(sent, digests(writer))
    return sent


def compare(sent: dict[str, Digest], arrived: dict[str, Digest]) -> None:
    """Raise TransferError naming every table that does not hold what it should."""
    wrong = [
        f"{name}: {sent[name].rows} rows were to arrive, {arrived[name].rows} did"
        if sent[name].rows != arrived[name].rows
        else f"{name}: {sent[name].rows} rows arrived, but not as they were"
        for name in sent
        if sent[name] != arrived.get(name, Digest(0, ""))
    ]
    if wrong:
        raise TransferError(f"the copy is not equal, and was taken back: {'; '.join(wrong)}")


def _refuse_unless_empty(writer: Writer) -> None:
    held = [table.name for table in tables() if writer.count(table)]
    # a store that was only opened has noted what its figures would be made with
    if set(held) - {schema.meta.name}:
        raise TransferError(
            f"the target is not empty: {held[0]} has rows; name a store that has never been used, "
            "or move the present one away first"
        )
    writer.clear(schema.meta)


class Seal:
    """Makes the digest of rows as they come by."""

    def __init__(self) -> None:
        self._rows = 0
        self._hash = hashlib.sha256()

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Count rows in, in the order of their key."""
        for row in rows:
            self._rows += 1
            self._hash.update(repr(tuple(map(_plain, row))).encode())

    @property
    def digest(self) -> Digest:
        """Of all that came by."""
        return Digest(self._rows, self._hash.hexdigest())


def _plain(value: Any) -> Any:
    """A value as every database gives it: one says 1 where another says True."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    return value


def chunks(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows, so many at a time as are written at once."""
    while chunk := list(islice(rows, CHUNK)):
        yield chunk
