"""Quarantine: what could not be read, by source and rule, and reading it again.

Replaying reads the kept bytes with the present configuration. What makes sense now goes through
the door like anything else, received when it was received, and leaves quarantine in the same
transaction; what still makes none stays, with the reason of today.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from pipelines.connectors.record import Origin, Record
from pipelines.connectors.reread import Kept, read_again
from pipelines.door.ingest import Door
from pipelines.door.interpreter import Decoded
from pipelines.door.storable import shown
from pipelines.errors import BadRecordError
from pipelines.feeds.sources import Source
from pipelines.store import schema
from pipelines.store.rows import from_ms
from pipelines.store.store import Reader, Store

_AT_ONCE = 500
_MOST_GROUPS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """How many records of one source broke one rule in one column, and when the last one came."""

    source: str
    column: str
    rule: str
    records: int
    last_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A record in quarantine: where it stood, what is wrong with it, and its bytes as text."""

    source: str
    part: str
    line: int
    column: str
    value: str
    rule: str
    received_at: datetime
    raw: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """What became of the quarantined records of one source: taken in, or still wrong."""

    source: str
    taken_in: int = 0
    still: int = 0


def groups(reader: Reader, *, source: str | None = None) -> list[Group]:
    """What is in quarantine by source, column and rule, the most frequent first."""
    table = schema.quarantine
    by = (table.c.source, table.c.column_name, table.c.rule)
    number = func.count().label("records")
    query = select(*by, number, func.max(table.c.received_ms).label("last_ms")).group_by(*by)
    if source is not None:
        query = query.where(table.c.source == source)
    return [
        Group(
            source=row.source,
            column=row.column_name,
            rule=row.rule,
            records=row.records,
            last_at=from_ms(row.last_ms),
        )
        for row in reader.rows(query.order_by(number.desc(), *by).limit(_MOST_GROUPS))
    ]


def items(reader: Reader, *, source: str | None = None, limit: int) -> list[Item]:
    """The records in quarantine, newest first."""
    return [
        Item(
            source=row.source,
            part=row.part,
            line=row.line,
            column=row.column_name,
            value=row.value,
            rule=row.rule,
            received_at=from_ms(row.received_ms),
            raw=row.raw.decode("utf-8", errors="backslashreplace"),
        )
        for row in reader.quarantined(limit, source)
    ]


def replay(store: Store, door: Door, source: Source) -> Replayed:
    """Read the quarantined records of a source again and take in those that make sense now.

    One transaction for every few hundred records; broken off, what was taken in stays so.
    """
    done = Replayed(source=source.id)
    with store.reading() as reader:
        kept = list(_kept(reader, source.id))
    for i in range(0, len(kept), _AT_ONCE):
        done = _replay_some(store, door, source, kept[i : i + _AT_ONCE], done)
    return done


def _kept(reader: Reader, source: str) -> Iterator[Any]:
    """The rows of a source with their contexts, in the order in which they were received."""
    table, context = schema.quarantine, schema.context
    query = (
        select(table, context.c.content.label("context"))
        .join(context, context.c.context_id == table.c.context_id, isouter=True)
        .where(table.c.source == source)
        .order_by(table.c.received_ms, table.c.ordinal, table.c.content)
    )
    yield from reader.rows(query)


def _replay_some(
    store: Store, door: Door, source: Source, rows: Sequence[Any], done: Replayed
) -> Replayed:
    right, still = Decoded([], [], []), []
    taken: list[Any] = []
    for row in rows:
        # one by one: each was received at a moment of its own
        meant = door.decode(source, (_record(source, row),), received_at=from_ms(row.received_ms))
        if meant.bad:
            still.append((row, meant.bad[0].error))
            continue
        right.said.extend(meant.said)
        right.signals.extend(meant.signals)
        taken.append(row)
    if taken:
        received_at = from_ms(max(row.received_ms for row in taken))
        contents = [bytes(row.content) for row in taken]
        door.readmit(source, right, contents, received_at=received_at)
    _say_why(store, still)
    return Replayed(
        source=source.id,
        taken_in=done.taken_in + len(taken),
        still=done.still + len(still),
    )


def _record(source: Source, row: Any) -> Record:
    kept = Kept(
        raw=bytes(row.raw),
        context=bytes(row.context or b""),
        origin=Origin(row.part, row.line),
        ordinal=row.ordinal or row.line,
        ended=bool(row.ended),
        occasion=None if row.occasion_ms is None else from_ms(row.occasion_ms),
    )
    record = read_again(source.connector, kept)
    if kept.raw:
        return record
    # nothing of it was kept, so what was wrong with it stays wrong
    return record._replace(problem=(row.column_name, row.value, row.rule))


def _say_why(store: Store, still: Sequence[tuple[Any, BadRecordError]]) -> None:
    """Put the reason of today beside what is still wrong."""
    changed = [
        (*tuple(row)[:5], *why, *tuple(row)[8:-1])
        for row, error in still
        if (why := (shown(error.column), shown(error.value), error.rule))
        != (row.column_name, row.value, row.rule)
    ]
    if changed:
        with store.writing() as writer:
            writer.put(schema.quarantine, changed)
