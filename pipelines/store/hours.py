"""The sheets of an hour in the store: one of them, or one a minute or a second when it is long.

Whoever counts an incident writes the sheet it stands on anew. In a flood an hour has hundreds of
thousands of incidents, so no sheet holds more than ``MOST``: an hour that has more is parted into
its minutes, and such a minute into its seconds. The row of what was parted bears no lines, only
how many there are below it. How an hour is parted follows from what is in it alone, so equal
hours are equal rows, whatever came and went.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select

from pipelines.store import schema
from pipelines.store.sheets import (
    COLUMNS,
    HOUR_MS,
    LINE_BYTES,
    OFFSET_MASK,
    between,
    multiset,
    offset_of,
)
from pipelines.store.store import Reader, Writer

MOST = 4096
"""So many lines stand on one sheet at most, but on that of a second."""
HOUR_S, _MINUTE_S, _SECOND_S = 3600, 60, 1
_PARTS_S = {HOUR_S: _MINUTE_S, _MINUTE_S: _SECOND_S}
"""What each span is parted into."""

SheetRow = tuple[int, int, int, int, bytes]
"""A key, how many lines there are, and the lines unless it is parted."""


class SheetKey(NamedTuple):
    """Which part of an hour a sheet is of, in seconds since the hour began."""

    hour_ms: int
    begin_s: int = 0
    span_s: int = HOUR_S

    def is_parted(self, incidents: int) -> bool:
        """Whether so many are too many for one sheet of this span."""
        return incidents > MOST and self.span_s in _PARTS_S

    def part_at(self, offset_ms: int) -> "SheetKey":
        """The part of it in which something began, in milliseconds since the hour did."""
        span_s = _PARTS_S[self.span_s]
        return SheetKey(self.hour_ms, offset_ms // 1000 // span_s * span_s, span_s)


@dataclass(slots=True)
class Change:
    """Lines, or the entries at the end of a line, that come in and that go."""

    added: list[bytes] = field(default_factory=list)
    removed: list[bytes] = field(default_factory=list)


def write_sheets(writer: Writer, changes: Mapping[int, Change]) -> None:
    """Change the sheets of some hours, told by when they begin, in milliseconds.

    Raises OverflowError when a line is to be taken out that is not there.
    """
    _write(writer, {SheetKey(hour): change for hour, change in changes.items()})


def _write(writer: Writer, changes: Mapping[SheetKey, Change]) -> None:
    table = schema.sheet
    places = sorted(changes)
    rows: list[SheetRow] = []
    gone: list[SheetKey] = []
    below: dict[SheetKey, Change] = defaultdict(Change)
    for place, row in zip(places, list(writer.by_key(table, places)), strict=True):
        change = changes[place]
        before, lines = (row[-2], row[-1]) if row else (0, b"")
        incidents = before + len(change.added) - len(change.removed)
        if place.is_parted(before):
            if place.is_parted(incidents):
                rows.append((*place, incidents, b""))
                _share_out(place, change, below)
                continue
            gone += _parts(writer, place)
            lines = _lines_below(writer, place)
        after = multiset(lines, LINE_BYTES, change.added, change.removed)
        if not after:
            gone.append(place)
        elif after != lines or place.is_parted(before):
            rows += laid_out(place, after)
    writer.remove(table, gone)
    writer.put(table, rows)
    if below:
        _write(writer, below)


def _share_out(place: SheetKey, change: Change, below: dict[SheetKey, Change]) -> None:
    """Give each part of a place what changes in it."""
    for line in change.added:
        below[place.part_at(offset_of(line))].added.append(line)
    for line in change.removed:
        below[place.part_at(offset_of(line))].removed.append(line)


def laid_out(place: SheetKey, lines: bytes) -> Iterator[SheetRow]:
    """The sheets that sorted lines of a place stand on, and what they are parted from."""
    incidents = len(lines) // LINE_BYTES
    if not place.is_parted(incidents):
        yield (*place, incidents, lines)
        return
    yield (*place, incidents, b"")
    columns = np.frombuffer(lines, COLUMNS)
    span_ms = 1000 * _PARTS_S[place.span_s]
    parts = (columns["start"] & OFFSET_MASK) // span_ms
    order = np.argsort(parts, kind="stable")
    numbers, begins = np.unique(parts[order], return_index=True)
    for number, some in zip(numbers.tolist(), np.split(columns[order], begins[1:]), strict=True):
        yield from laid_out(place.part_at(number * span_ms), some.tobytes())


def _within(place: SheetKey) -> Any:
    """All sheets below a place."""
    table = schema.sheet
    return (
        (table.c.hour_ms == place.hour_ms)
        & (table.c.begin_s >= place.begin_s)
        & (table.c.begin_s < place.begin_s + place.span_s)
        & (table.c.span_s < place.span_s)
    )


def _parts(reader: Reader, place: SheetKey) -> list[SheetKey]:
    table = schema.sheet
    query = select(table.c.hour_ms, table.c.begin_s, table.c.span_s).where(_within(place))
    return [SheetKey(*row) for row in reader.rows(query)]


def _lines_below(reader: Reader, place: SheetKey) -> bytes:
    """All lines of what is parted, sorted as they were before."""
    contents = reader.rows(select(schema.sheet.c.lines).where(_within(place)))
    lines = b"".join(row[0] for row in contents)
    return b"".join(sorted(lines[i : i + LINE_BYTES] for i in range(0, len(lines), LINE_BYTES)))


def sheets_of(reader: Reader, begin_ms: int, end_ms: int) -> Iterator[tuple[int, bytes]]:
    """The lines of all incidents that began in [begin, end), by when their hour began.

    Hours in order; a long one comes several times.
    """
    table = schema.sheet
    first = begin_ms // HOUR_MS * HOUR_MS
    query = (
        select(table.c.hour_ms, table.c.lines)
        .where(table.c.hour_ms >= first, table.c.hour_ms < end_ms)
        .order_by(*table.primary_key)
    )
    for hour, lines in reader.rows(query):
        yield hour, between(lines, begin_ms - hour, end_ms - hour)


def sheets_at(reader: Reader, hours: Iterable[int]) -> dict[int, bytes]:
    """The lines of each of these hours that has any."""
    found: dict[int, bytes] = {}
    for row in reader.by_key(schema.sheet, map(SheetKey, hours)):
        if row is not None:
            found[row[0]] = row[-1]
    for hour, lines in found.items():
        if not lines:
            found[hour] = _lines_below(reader, SheetKey(hour))
    return found
