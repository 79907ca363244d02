"""Rollups: what the settled incidents add up to, kept so that any figure reads few rows.

Every settled incident stands on a sheet of its hour. Above, for each ten days, month and year,
its entries are added up by every combination of grid, kind and source: by none of the three for
the street as a whole, by all three for what is asked most closely. A question reads the
combination it needs, so it never adds up what is already added up.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from pipelines.model.clock import CLOCKS
from pipelines.model.tally import ClockTally, counted_by
from pipelines.store import schema
from pipelines.store.buckets import SUMMED, Level, bucket_end
from pipelines.store.counting import counted
from pipelines.store.hours import Change, sheets_of, write_sheets
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.sheets import ENTRIES_BYTES, LINE_BYTES, Slot, multiset, read, slot_id
from pipelines.store.store import Reader, Writer
from pipelines.store.strata import release as release_strata
from pipelines.store.sums import Sum, changed, counts_of, numbers, pack_entries
from pipelines.store.volumes import release

GRID, KIND, SOURCE = 1, 2, 4
COMBINATIONS = {
    Level.TEN_DAYS: (0, GRID, KIND, SOURCE),
    Level.MONTH: tuple(range(8)),
    Level.YEAR: tuple(range(8)),
}
"""What is added up at each level. Of ten days, the sheets answer closer questions as fast."""

MANY = 24
"""From so many incidents on a cell holds their sums; fewer are listed, which is shorter."""


class Cell(NamedTuple):
    """One rollup row. ``per`` is a sum of GRID, KIND and SOURCE; the others are empty texts."""

    per: int
    level: int
    start_ms: int
    grid: str
    kind: str
    source: str


class Ledger:
    """What one transaction changes in the rollups."""

    def __init__(self) -> None:
        self.sheets: dict[int, Change] = defaultdict(Change)
        self._entries: dict[tuple[tuple[int, ...], Slot], Change] = defaultdict(Change)

    def post(
        self,
        slot: Slot,
        starts: tuple[int, ...],
        hour: int,
        line: bytes,
        sign: int,
    ) -> None:
        """Put one settled incident in, or with ``sign`` -1 take it out.

        ``starts`` says when its buckets begin, by level as in ``SUMMED``.
        """
        sheet, cell = self.sheets[hour], self._entries[starts, slot]
        (sheet.added if sign > 0 else sheet.removed).append(line)
        (cell.added if sign > 0 else cell.removed).append(line[-ENTRIES_BYTES:])

    @property
    def slots(self) -> set[Slot]:
        """Every slot that something is counted in."""
        return {slot for _, slot in self._entries}

    def cells(self) -> dict[Cell, list[Change]]:
        """What changes in each cell."""
        parts: dict[Cell, list[Change]] = defaultdict(list)
        for (starts, slot), change in self._entries.items():
            for level, start_ms in zip(SUMMED, starts, strict=True):
                for per in COMBINATIONS[level]:
                    parts[_cell(per, level, start_ms, slot)].append(change)
        return parts


def _cell(per: int, level: Level, start_ms: int, slot: Slot) -> Cell:
    return Cell(
        per,
        int(level),
        start_ms,
        slot.grid if per & GRID else "",
        slot.kind if per & KIND else "",
        slot.source if per & SOURCE else "",
    )


class _Deltas:
    """By how much clocks change; the same changes make the same delta in every cell."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], list[dict[int, int]]] = {}

    def of(self, changes: Sequence[Change]) -> list[dict[int, int]]:
        """For each clock, its counters and bins; what stays as it is is left out."""
        same = tuple(map(id, changes))
        if same not in self._known:
            added = [entries for change in changes for entries in change.added]
            removed = [entries for change in changes for entries in change.removed]
            self._known[same] = _counts(added, removed)
        return self._known[same]


def _counts(added: Sequence[bytes], removed: Sequence[bytes] = ()) -> list[dict[int, int]]:
    clocks: list[dict[int, int]] = [{} for _ in CLOCKS]
    for several, sign in ((added, 1), (removed, -1)):
        columns = numbers("I", b"".join(several))
        for i, counts in enumerate(clocks):
            for key, n in counts_of(columns[i :: len(CLOCKS)]).items():
                counts[key] = counts.get(key, 0) + sign * n
    return [{key: n for key, n in counts.items() if n} for counts in clocks] if removed else clocks


def write(writer: Writer, ledger: Ledger, zone: ZoneInfo) -> None:
    """Bring the rollups up to date, within the writer's transaction.

    Raises OverflowError when something is to be taken out that is not there.
    """
    writer.add_new(schema.slot, [(slot_id(slot), *slot) for slot in sorted(ledger.slots)])
    write_sheets(writer, ledger.sheets)
    release(writer, ledger.sheets)
    release_strata(writer, ledger.sheets, zone)
    _write_cells(writer, ledger.cells(), zone)


def _write_cells(writer: Writer, changes: Mapping[Cell, list[Change]], zone: ZoneInfo) -> None:
    table, deltas = schema.rollup, _Deltas()
    cells = sorted(changes)
    rows: list[tuple[Any, ...]] = []
    empty: list[tuple[Any, ...]] = []
    # where all of a grid is of one kind or source, several cells hold the same and change alike
    alike: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for cell, row in zip(cells, writer.by_key(table, cells), strict=True):
        before = row[len(cell) :] if row else _NOTHING
        incidents = before[0] + sum(len(c.added) - len(c.removed) for c in changes[cell])
        if before[0] >= MANY > incidents:
            # what was added up cannot be told apart again, but the sheets have it
            after = _few(incidents, b"".join(sorted(_entries_in(writer, cell, zone))))
        else:
            what = (before, *map(id, changes[cell]))
            if what not in alike:
                alike[what] = _changed(before, incidents, changes[cell], deltas)
            after = alike[what]
        if not after[0]:
            empty.append(cell)
        elif after != before:
            rows.append((*cell, *after))
    writer.put(table, rows)
    writer.remove(table, empty)


def _changed(
    before: tuple[Any, ...], incidents: int, changes: Sequence[Change], deltas: _Deltas
) -> tuple[Any, ...]:
    """A cell's content after some changes: few incidents are listed, many are added up."""
    if before[0] >= MANY:
        clocks = zip(before[2:], deltas.of(changes), strict=True)
        return (incidents, b"", *(changed(old, delta) if delta else old for old, delta in clocks))
    added = [entries for change in changes for entries in change.added]
    removed = [entries for change in changes for entries in change.removed]
    if incidents < MANY or removed:
        listed = multiset(before[1], ENTRIES_BYTES, added, removed)
    else:  # in any order
        listed = b"".join((before[1], *added))
    if incidents < MANY:
        return _few(incidents, listed)
    columns = numbers("I", listed)
    return (incidents, b"", *(pack_entries(columns[i :: len(CLOCKS)]) for i in range(len(CLOCKS))))


def _few(incidents: int, listed: bytes) -> tuple[Any, ...]:
    return (incidents, listed, *repeat(b"", len(CLOCKS)))


_NOTHING = _few(0, b"")


def _entries_in(writer: Writer, cell: Cell, zone: ZoneInfo) -> Iterator[bytes]:
    """The entries of a cell, from the sheets of its hours."""
    level = Level(cell.level)
    end_ms = to_ms(bucket_end(level, from_ms(cell.start_ms), zone))
    content = b"".join(lines for _, lines in sheets_of(writer, cell.start_ms, end_ms))
    known: dict[int, Slot] = {}
    slots = read(content, ()).slots
    slots_of(writer, slots, known)
    wanted = {
        number
        for number, slot in known.items()
        if _cell(cell.per, level, cell.start_ms, slot) == cell
    }
    for i, number in enumerate(slots):
        if number in wanted:
            yield content[(i + 1) * LINE_BYTES - ENTRIES_BYTES : (i + 1) * LINE_BYTES]


class Group:
    """Adds up some clocks of one group of incidents."""

    __slots__ = ("incidents", "listed", "sums")

    def __init__(self, clocks: int) -> None:
        self.listed = {1: bytearray(), -1: bytearray()}
        """By sign, the entries of cells that list them, not yet counted."""
        self.incidents = 0
        self.sums = [Sum() for _ in range(clocks)]

    def add_row(self, incidents: int, listed: bytes, contents: Iterable[bytes], sign: int) -> None:
        """Add a rollup row, or take it away."""
        self.incidents += sign * incidents
        if listed:
            self.listed[sign] += listed
            return
        for total, content in zip(self.sums, contents, strict=True):
            total.add(content, sign)

    def count(self, clock: int, number: int, n: int) -> None:
        """Add ``n`` outcomes that count for ``number``, of one of the clocks."""
        total = self.sums[clock]
        for key in counted_by(number):
            total.count(key, n)

    def results(self, *, hushed: bool = False) -> list[ClockTally]:
        """What it comes to, by clock."""
        return [total.result(hushed=hushed) for total in self.sums]


def count_listed(groups: Sequence[Group], clocks: Sequence[int]) -> None:
    """Count what cells of some groups list; ``clocks`` are indices into ``CLOCKS``."""
    for sign in (1, -1):
        contents = [bytes(group.listed[sign]) for group in groups]
        lengths = [len(content) // ENTRIES_BYTES for content in contents]
        if any(lengths):
            entries = np.frombuffer(b"".join(contents), "<u4").reshape(-1, len(CLOCKS))
            which = np.repeat(np.arange(len(groups), dtype=np.int32), lengths)
            count_entries(groups, [entries[:, clock] for clock in clocks], which, sign)
    for group in groups:
        group.listed = {1: bytearray(), -1: bytearray()}


def count_entries(
    groups: Sequence[Group | None],
    columns: Sequence[NDArray[np.uint32]],
    which: NDArray[np.int32] | None,
    sign: int,
) -> None:
    """Count entries, or take them away: a column a clock, ``which`` group each belongs to.

    Without ``which`` all belong to the first. A group that none belongs to may be None.
    """
    for clock, entries in enumerate(columns):
        counts = counted(entries, which, len(groups))
        for group, counters, bins in zip(groups, *counts, strict=True):
            if group is not None:
                group.sums[clock].add_counts(counters, bins, sign)


def slots_of(reader: Reader, ids: Iterable[int], known: dict[int, Slot]) -> None:
    """Look up what slots are called that ``known`` does not hold yet."""
    missing = [(number,) for number in set(ids) if number not in known]
    for row in reader.by_key(schema.slot, missing):
        if row is not None:
            known[row[0]] = Slot(*row[1:])
