"""A long history, made column by column: what the door would have stored, many times as fast.

Ten million incidents through the door would take as long as ten years of them take a city: half an
hour. Here a local year at a time is made up, judged, sorted and added up as arrays. The rows are
the very rows that the door makes of the same calls, byte by byte; a test compares them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, repeat
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from pipelines.figures.groups import Desk
from pipelines.model.clock import CLOCKS, Mark, Outcome, Verdict
from pipelines.model.fact import Reason
from pipelines.model.incident import incident_id
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.rules import Rules
from pipelines.model.tally import counted_by, entry, entry_of_reason, entry_of_time
from pipelines.store import schema
from pipelines.store.buckets import SUMMED, Level, bucket_end, bucket_start
from pipelines.store.hours import SheetKey, SheetRow, laid_out
from pipelines.store.rollups import COMBINATIONS, GRID, KIND, MANY, SOURCE
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.sheets import CLOSED_BIT, HOUR_MS, LINE_BYTES, SEVERITY_SHIFT, Slot, slot_id
from pipelines.store.store import Writer
from pipelines.store.sums import pack
from pipelines.upkeep.binding import bind_all

START = datetime(2016, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=3653)
NOW = START + SPAN
GRIDS = (*(f"{i // 8:02}{i % 8:02}" for i in range(60)), "")
"""The last is not on the map."""
KINDS = tuple(f"kind{i:02}" for i in range(12))
SOURCES = ("s110", "s12345", "s119", "patrol")
FIRST_COMPLAINT = 8
MILESTONES = (
    Milestone.REPORTED,
    Milestone.ACCEPTED,
    Milestone.DISPATCHED,
    Milestone.ARRIVED,
    Milestone.RESOLVED,
)
BATCH = 8000
SEVERITIES = (1, 2, 3, 4)
_SEVERITY_SHARES = (0.05, 0.15, 0.5, 0.3)
_MISSING = -1
_MEANS_S = (30, 60, 150, 1200)
_SLOTS = len(GRIDS) * len(KINDS) * len(SOURCES)

Whole = NDArray[np.int64]


class Calls(NamedTuple):
    """Synthetic incidents of one local year, as columns, in the order of their time."""

    first: int
    """The number of the first."""
    moments: Whole
    """A row a milestone, as in ``MILESTONES``: milliseconds since 1970, -1 for none."""
    grids: Whole
    kinds: Whole
    sources: Whole
    severities: Whole

    def __len__(self) -> int:
        return len(self.grids)

    def keys(self) -> list[str]:
        """What their sources call them."""
        return [f"C{number:09}" for number in range(self.first, self.first + len(self))]

    @property
    def slots(self) -> Whole:
        """The number of each one's grid, kind and source."""
        return (self.grids * len(KINDS) + self.kinds) * len(SOURCES) + self.sources


def years(number: int, zone: ZoneInfo) -> Iterator[Calls]:
    """So many calls over ten years, the same for the same number.

    Most are complete; four of a hundred have no arrival, one of them no end either; two of a
    hundred are not on the map.
    """
    dice = np.random.default_rng(135)
    span_ms = SPAN // timedelta(milliseconds=1)
    reported = to_ms(START) + np.arange(number, dtype=np.int64) * span_ms // (number + 1)
    reported = reported // 1000 * 1000
    begin = bucket_start(Level.YEAR, START, zone)
    first = 0
    while first < number:
        begin = bucket_end(Level.YEAR, begin, zone)
        last = int(np.searchsorted(reported, to_ms(begin)))
        if last > first:
            yield _made_up(dice, first, reported[first:last])
        first = last


def _made_up(dice: np.random.Generator, first: int, reported: Whole) -> Calls:
    n = len(reported)
    moments = np.empty((len(MILESTONES), n), dtype=np.int64)
    moments[0] = reported
    for i, mean in enumerate(_MEANS_S):
        moments[i + 1] = moments[i] + dice.exponential(mean, n).astype(np.int64) * 1000
    fate = dice.random(n)
    moments[3, fate < 0.04] = _MISSING
    moments[4, fate < 0.01] = _MISSING
    grids = (dice.random(n) * (len(GRIDS) - 1)).astype(np.int64)
    return Calls(
        first,
        moments,
        np.where(fate < 0.98, grids, len(GRIDS) - 1),
        (dice.random(n) ** 2 * len(KINDS)).astype(np.int64),
        (dice.random(n) ** 2 * len(SOURCES)).astype(np.int64),
        dice.choice(SEVERITIES, n, p=_SEVERITY_SHARES),
    )


def write_history(writer: Writer, desk: Desk, number: int) -> None:
    """Enter so many incidents and what they add up to."""
    numbers = np.array([slot_id(_slot(slot)) for slot in range(_SLOTS)], dtype=np.uint64)
    seen: set[int] = set()
    for calls in years(number, desk.zone):
        entries = judged(calls, desk.rules)
        incidents = incident_rows(calls, desk.rules)
        while batch := list(islice(incidents, BATCH)):
            writer.add(schema.incident, batch)
        writer.add(schema.sheet, sheet_rows(calls, entries, numbers))
        for level in SUMMED:
            for per in COMBINATIONS[level]:
                writer.add(schema.rollup, list(rollup_rows(calls, entries, per, level, desk.zone)))
        seen.update(np.unique(calls.slots).tolist())
    writer.add(schema.slot, [(int(numbers[slot]), *_slot(slot)) for slot in sorted(seen)])
    bind_all(writer, desk)


def judged(calls: Calls, rules: Rules) -> NDArray[np.uint32]:
    """What each incident counts for once it has settled, a column a clock."""
    reported, *_, resolved = calls.moments
    columns = np.full((len(calls), len(CLOCKS)), entry_of_reason(Reason.NO_TARGET), np.uint32)
    lost = entry(Outcome(Verdict.UNKNOWN, "closed_without_stamp"))
    late = entry(Outcome(Verdict.MISS, "open_past_target", marks=Mark.OPEN_MISS))
    unreached = np.where(resolved == _MISSING, late, lost).astype(np.uint32)
    before, clock = reported, 0
    for i, milestone in enumerate(TARGETED, start=1):
        stop = calls.moments[i]
        limit_ms = _limit_ms(rules, milestone)
        for start in (reported, before):
            seconds = np.where(stop == _MISSING, 0, (stop - start) // 1000)
            longest = int(seconds.max(initial=0))
            counted = [entry_of_time(s * 1000, limit_ms) for s in range(longest + 1)]
            found = np.array(counted, dtype=np.uint32)[seconds]
            columns[:, clock] = np.where(stop == _MISSING, unreached, found)
            clock += 1
        before = stop
    columns[calls.kinds >= FIRST_COMPLAINT, :clock] = entry_of_reason(Reason.NOT_EMERGENCY)
    return columns


def _limit_ms(rules: Rules, milestone: Milestone) -> int:
    limit = rules.limit(KINDS[0], milestone)
    assert isinstance(limit, timedelta), "the benchmark's targets are plain"
    return limit // timedelta(milliseconds=1)


def incident_rows(calls: Calls, rules: Rules) -> Iterator[tuple[Any, ...]]:
    """The rows of ``incident``, its columns in order."""
    reported, accepted, dispatched, arrived, resolved = calls.moments
    limit_ms = _limit_ms(rules, Milestone.ARRIVED)
    settles = calls.moments.max(axis=0)
    # at its deadline a clock is still pending; a second later it is not
    waits = (arrived == _MISSING) & (calls.kinds < FIRST_COMPLAINT)
    settles = np.where(waits, np.maximum(settles, dispatched + limit_ms + 1000), settles)
    bits = np.frexp((settles - reported).astype(np.float64))[1]
    keys = calls.keys()
    sources = [SOURCES[i] for i in calls.sources.tolist()]
    kinds = [KINDS[i] for i in calls.kinds.tolist()]
    id_of = incident_id.__wrapped__
    closed = _or_none(resolved)
    return zip(
        [id_of(source, key) for source, key in zip(sources, keys, strict=True)],
        sources,
        keys,
        kinds,
        kinds,
        calls.severities.tolist(),
        repeat(None),  # excluded
        [GRIDS[i] for i in calls.grids.tolist()],
        reported.tolist(),
        reported.tolist(),
        repeat(to_ms(NOW)),  # received
        accepted.tolist(),
        dispatched.tolist(),
        repeat(None),  # under way
        _or_none(arrived),
        closed,
        repeat(None),  # cancelled
        closed,
        settles.tolist(),
        bits.tolist(),
        *repeat(repeat(None), 5),  # coarse, lat, lon, address, title
        repeat(0),  # units
        repeat(0),  # flagged
        repeat(None),  # returned
        strict=False,
    )


def _or_none(moments: Whole) -> list[int | None]:
    found: list[int | None] = moments.tolist()
    for i in np.flatnonzero(moments == _MISSING).tolist():
        found[i] = None
    return found


def sheet_rows(
    calls: Calls, entries: NDArray[np.uint32], numbers: NDArray[np.uint64]
) -> list[SheetRow]:
    """The sheets: hour by hour a line an incident, in the order of their bytes."""
    hours, offsets = np.divmod(calls.moments[0], HOUR_MS)
    slots = numbers[calls.slots]
    lines = np.empty(
        len(calls), [("slot", "<u8"), ("offset", "<u4"), ("entries", "<u4", (len(CLOCKS),))]
    )
    closed = np.where(calls.moments[-1] == _MISSING, 0, CLOSED_BIT)
    offsets = offsets | closed | calls.severities << SEVERITY_SHIFT
    lines["slot"], lines["offset"], lines["entries"] = slots, offsets, entries
    order = np.lexsort(
        (
            *_by_bytes(entries),
            offsets.astype(np.uint32).byteswap(),
            slots.byteswap(),
            hours,
        )
    )
    content = lines[order].tobytes()
    found, begins = np.unique(hours[order], return_index=True)
    ends = [*begins[1:].tolist(), len(calls)]
    return [
        row
        for hour, begin, end in zip(found.tolist(), begins.tolist(), ends, strict=True)
        for row in laid_out(
            SheetKey(hour * HOUR_MS), content[begin * LINE_BYTES : end * LINE_BYTES]
        )
    ]


def _by_bytes(entries: NDArray[np.uint32]) -> Iterator[NDArray[np.uint32]]:
    """Keys for ``lexsort`` that sort numbers as their little-endian bytes sort."""
    for clock in reversed(range(len(CLOCKS))):
        yield entries[:, clock].byteswap()


def rollup_rows(
    calls: Calls, entries: NDArray[np.uint32], per: int, level: Level, zone: ZoneInfo
) -> Iterator[tuple[Any, ...]]:
    """The rollups of one combination at one level."""
    starts = _starts(calls, level, zone)
    buckets = np.searchsorted(starts, calls.moments[0], side="right") - 1
    cells = buckets * _SLOTS
    sizes = ((GRID, calls.grids, len(KINDS) * len(SOURCES)), (KIND, calls.kinds, len(SOURCES)),
             (SOURCE, calls.sources, 1))  # fmt: skip
    for bit, values, size in sizes:
        if per & bit:
            cells = cells + values * size
    order = np.lexsort((*_by_bytes(entries), cells))
    cells, entries = cells[order], entries[order]
    found, begins, counts = np.unique(cells, return_index=True, return_counts=True)
    sums = _sums(cells, entries, found[counts >= MANY])
    for cell, begin, n in zip(found.tolist(), begins.tolist(), counts.tolist(), strict=True):
        bucket, slot = divmod(cell, _SLOTS)
        grid, kind, source = _slot(slot)
        named = (
            grid if per & GRID else "",
            kind if per & KIND else "",
            source if per & SOURCE else "",
        )
        key = (per, int(level), int(starts[bucket]), *named)
        if n < MANY:
            yield (*key, n, entries[begin : begin + n].tobytes(), *repeat(b"", len(CLOCKS)))
        else:
            yield (*key, n, b"", *map(pack, next(sums)))


def _sums(
    cells: Whole, entries: NDArray[np.uint32], wanted: Whole
) -> Iterator[list[dict[int, int]]]:
    """Of each cell that is wanted, by clock, how many there are by counter and bin."""
    many = np.isin(cells, wanted, assume_unique=False)
    index = np.searchsorted(wanted, cells[many])
    by_clock = []
    for clock in range(len(CLOCKS)):
        both = index << 32 | entries[many, clock].astype(np.int64)
        found, counts = np.unique(both, return_counts=True)
        ends = np.searchsorted(found >> 32, np.arange(len(wanted)), side="right").tolist()
        by_clock.append(((found & 0xFFFFFFFF).tolist(), counts.tolist(), [0, *ends]))
    for i in range(len(wanted)):
        clocks = []
        for numbers, counted, ends in by_clock:
            counts_by: dict[int, int] = {}
            for at in range(ends[i], ends[i + 1]):
                for key in counted_by(numbers[at]):
                    counts_by[key] = counts_by.get(key, 0) + counted[at]
            clocks.append(counts_by)
        yield clocks


def _starts(calls: Calls, level: Level, zone: ZoneInfo) -> Whole:
    """When the buckets of the year begin."""
    start = bucket_start(level, from_ms(int(calls.moments[0, 0])), zone)
    last, found = from_ms(int(calls.moments[0, -1])), []
    while start <= last:
        found.append(to_ms(start))
        start = bucket_end(level, start, zone)
    return np.array(found, dtype=np.int64)


def _slot(number: int) -> Slot:
    rest, source = divmod(number, len(SOURCES))
    grid, kind = divmod(rest, len(KINDS))
    return Slot(GRIDS[grid], KINDS[kind], SOURCES[source])
