"""Adding up the strata of a month from its lines, and those of a year from its months.

As arrays, thousands of lines at a time: a month of 80,000 incidents takes a quarter of a second.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import repeat
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, delete, select

from pipelines.model.clock import CLOCKS
from pipelines.store import schema
from pipelines.store.buckets import Level, bucket_end, bucket_start
from pipelines.store.counting import counted
from pipelines.store.rollups import GRID, KIND, MANY, SOURCE, Group, count_listed
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.sheets import ENTRIES_BYTES, STATE_MASK
from pipelines.store.slots import Slots, SlotTable
from pipelines.store.store import Reader, Writer
from pipelines.store.strata import COMBINATIONS, Cut, Telling
from pipelines.store.sums import pack, pack_arrays
from pipelines.store.volumes import DAY_MS, Lines, Wish, read_lines

_CELLS_AT_ONCE = 64
_EVERY_CLOCK = tuple(range(len(CLOCKS)))

Row = tuple[Any, ...]
Whole = NDArray[np.int64]


def stratify(
    writer: Writer, telling: Telling, level: Level, start: datetime, zone: ZoneInfo
) -> None:
    """Sum a month or year by a cut, and mark it, within the writer's transaction."""
    key = (int(telling.cut), int(level), to_ms(start))
    writer.change(delete(schema.stratum).where(_is(schema.stratum, key)))
    writer.add(schema.stratum, list(_rows(writer, telling, level, start, zone)))
    writer.put(schema.stratified, [(*key, telling.told_by)])


def is_right(
    reader: Reader, telling: Telling, level: Level, start: datetime, zone: ZoneInfo
) -> bool:
    """Whether a month or year that is marked says what its lines, or its months, add up to."""
    key = (int(telling.cut), int(level), to_ms(start))
    stored = reader.rows(select(schema.stratum).where(_is(schema.stratum, key)))
    due = _rows(reader, telling, level, start, zone, from_sheets=True)
    return sorted(map(tuple, stored)) == sorted(due)


def _is(table: Any, key: Row) -> Any:
    return and_(table.c.cut == key[0], table.c.level == key[1], table.c.start_ms == key[2])


def _rows(
    reader: Reader,
    telling: Telling,
    level: Level,
    start: datetime,
    zone: ZoneInfo,
    *,
    from_sheets: bool = False,
) -> Iterator[Row]:
    if level is Level.YEAR:
        yield from _rows_of_year(reader, telling.cut, start, zone)
        return
    every = np.ones(STATE_MASK + 1, dtype=np.bool_) if telling.cut is not Cut.SHIFT else None
    wish = Wish(_EVERY_CLOCK, telling.edges, slots=True, states=every, from_sheets=from_sheets)
    end = bucket_end(Level.MONTH, start, zone)
    stretch = (1, to_ms(start), to_ms(end))
    # one month is read at once, and so is one lot of lines
    for _, lines in read_lines(reader, [stretch], wish, Slots()):
        key = (int(telling.cut), int(Level.MONTH), stretch[1])
        yield from _rows_of_lines(key, lines, telling.strata(lines))


def _rows_of_lines(key: Row, lines: Lines, strata: Whole) -> Iterator[Row]:
    assert lines.table is not None, "slots were wished for"
    # as bytes sort, so that equal lines are equal rows, in whatever order they were read
    order = np.lexsort([clock.byteswap() for clock in reversed(lines.entries)])
    entries = np.stack([clock[order] for clock in lines.entries], axis=1)
    slots, strata = lines.slots[order], strata[order]
    for per in COMBINATIONS[Cut(key[0])][Level.MONTH]:
        yield from _rows_of_combination(key, per, lines.table, slots, strata, entries)


def _rows_of_combination(
    key: Row,
    per: int,
    table: SlotTable,
    slots: Whole,
    strata: Whole,
    entries: NDArray[np.uint32],
) -> Iterator[Row]:
    codes = [
        (names, places) if per & bit else ((("",), np.zeros_like(places)))
        for bit, names, places in (
            (GRID, table.grids, table.grid),
            (KIND, table.kinds, table.kind),
            (SOURCE, table.sources, table.source),
        )
    ]
    cells = strata
    for names, places in codes:
        cells = cells * len(names) + places[slots]
    order = np.argsort(cells, kind="stable")
    found, begins, counts = np.unique(cells[order], return_index=True, return_counts=True)
    ordered = entries[order]
    many = np.flatnonzero(counts >= MANY)
    sums = _sums(ordered, begins[many], counts[many])
    for cell, begin, n in zip(found.tolist(), begins.tolist(), counts.tolist(), strict=True):
        named: list[str] = []
        for names, _ in reversed(codes):
            cell, place = divmod(cell, len(names))
            named.insert(0, names[place])
        listed = b"" if n >= MANY else ordered[begin : begin + n].tobytes()
        yield (
            *key,
            per,
            cell,
            *named,
            n,
            listed,
            *(repeat(b"", len(CLOCKS)) if listed else next(sums)),
        )


def _sums(entries: NDArray[np.uint32], begins: Whole, counts: Whole) -> Iterator[list[bytes]]:
    """The sums of each cell, a column a clock; its lines stand together."""
    for i in range(0, len(begins), _CELLS_AT_ONCE):
        of_cell, number = counts[i : i + _CELLS_AT_ONCE], len(counts[i : i + _CELLS_AT_ONCE])
        pieces = [
            entries[begin : begin + n]
            for begin, n in zip(begins[i : i + number].tolist(), of_cell.tolist(), strict=True)
        ]
        columns = np.concatenate(pieces).T.copy()
        which = np.repeat(np.arange(number, dtype=np.int32), of_cell)
        packed = [list(map(pack_arrays, *counted(column, which, number))) for column in columns]
        yield from map(list, zip(*packed, strict=True))


def _rows_of_year(reader: Reader, cut: Cut, start: datetime, zone: ZoneInfo) -> Iterator[Row]:
    """Added up from its months, as far as they are summed."""
    table, mark = schema.stratum.c, schema.stratified.c
    months = select(schema.stratum).where(
        table.cut == int(cut),
        table.level == int(Level.MONTH),
        table.start_ms.in_(
            select(mark.start_ms).where(
                mark.cut == int(cut),
                mark.level == int(Level.MONTH),
                mark.start_ms >= to_ms(start),
                mark.start_ms < to_ms(bucket_end(Level.YEAR, start, zone)),
            )
        ),
        table.per.in_(COMBINATIONS[cut][Level.YEAR]),
    )
    groups: dict[Row, Group] = defaultdict(lambda: Group(len(CLOCKS)))
    listed: dict[Row, list[bytes]] = defaultdict(list)
    for _, _, _, *cell, incidents, few, c0, c1, c2, c3, c4, c5, c6 in reader.rows(months):
        groups[tuple(cell)].add_row(incidents, few, (c0, c1, c2, c3, c4, c5, c6), 1)
        if few:
            listed[tuple(cell)].append(few)
    return _merged((int(cut), int(Level.YEAR), to_ms(start)), groups, listed)


def _merged(key: Row, groups: dict[Row, Group], listed: dict[Row, list[bytes]]) -> Iterator[Row]:
    count_listed(list(groups.values()), _EVERY_CLOCK)
    for cell, group in groups.items():
        n, content = group.incidents, b"".join(listed[cell])
        # of a store that says something wrong, they may be few and yet added up
        if n < MANY and len(content) == n * ENTRIES_BYTES:
            items = sorted(
                content[i : i + ENTRIES_BYTES] for i in range(0, len(content), ENTRIES_BYTES)
            )
            yield (*key, *cell, n, b"".join(items), *repeat(b"", len(CLOCKS)))
        else:
            yield (*key, *cell, n, b"", *(pack(dict(one.items())) for one in group.results()))


def days_in(reader: Reader) -> list[int]:
    """When the UTC days begin that any settled incident began in, in order."""
    hours = reader.rows(select(schema.sheet.c.hour_ms))
    return sorted({row[0] // DAY_MS * DAY_MS for row in hours})


def summable(days: Iterable[int], level: Level, zone: ZoneInfo) -> list[datetime]:
    """When the months, or years, begin that these days touch, in order."""
    moments = (from_ms(ms) for day in days for ms in (day, day + DAY_MS - 1))
    return sorted({bucket_start(level, moment, zone) for moment in moments})
