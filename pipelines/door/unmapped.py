"""Codes that no mapping names: counted and listed, never guessed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from pipelines.model.fact import Flag
from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader, Writer

RULE = "is not in the mapping"
"""How a decoder begins the rule of a flag about a code that it has no mapping for."""

MOST_VALUES = 500
"""Different values counted a source; a column of free text is no column of codes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmapped:
    """One value of one column that the mapping does not have."""

    source: str
    column: str
    value: str
    records: int
    last_at: datetime


def count(writer: Writer, source: str, flags: Iterable[Flag], *, now: datetime) -> None:
    """Count the flags that are about a code without a mapping."""
    found: dict[tuple[str, str], int] = {}
    for flag in flags:
        if flag.rule.startswith(RULE):
            what = (flag.column, flag.value)
            found[what] = found.get(what, 0) + 1
    if not found:
        return
    table = schema.unmapped
    rows = writer.rows(select(table).where(table.c.source == source))
    known = {(row.column_name, row.value): row.records for row in rows}
    room = MOST_VALUES - len(known)
    new = [what for what in found if what not in known]
    counted = {what: n for what, n in found.items() if what in known or what in new[:room]}
    writer.put(
        table,
        [(source, *what, known.get(what, 0) + n, to_ms(now)) for what, n in counted.items()],
    )


def listed(
    reader: Reader, *, source: str | None = None, limit: int = MOST_VALUES
) -> list[Unmapped]:
    """The codes without a mapping, the most frequent first."""
    table = schema.unmapped
    query = select(table).order_by(
        table.c.records.desc(), table.c.source, table.c.column_name, table.c.value
    )
    if source is not None:
        query = query.where(table.c.source == source)
    return [
        Unmapped(
            source=row.source,
            column=row.column_name,
            value=row.value,
            records=row.records,
            last_at=from_ms(row.last_recorded_ms),
        )
        for row in reader.rows(query.limit(limit))
    ]


def totals(reader: Reader) -> Mapping[str, int]:
    """How many records had such a code, by source."""
    table = schema.unmapped
    query = select(table.c.source, func.sum(table.c.records)).group_by(table.c.source)
    return {str(source): int(n) for source, n in reader.rows(query)}
