"""A census: every incident of a window as columns of numbers, for a board that counts them often.

A board counts the same incidents by target, part, kind and hour, and pages through them. Each of
these could be a question of its own (:mod:`pipelines.figures.totals`); together they are one
reading of the window's sheets, counted as columns. The results are equal, and tests say so.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from threading import Lock
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipelines.figures.groups import Desk, Query, matches
from pipelines.model.clock import CLOCKS, Mark, Reading, Verdict
from pipelines.model.milestone import Milestone
from pipelines.model.tally import (
    BIN_SHIFT,
    COUNTERS_MASK,
    STATUS_MASK,
    ClockTally,
    counted_by,
    entries_of,
    mark_bits,
    status_of,
)
from pipelines.store.buckets import Span
from pipelines.store.hours import sheets_of
from pipelines.store.rollups import slots_of
from pipelines.store.rows import from_ms, incident_from, to_ms
from pipelines.store.sheets import (
    CLOSED_BIT,
    LINE_BYTES,
    OFFSET_MASK,
    SEVERITY_MASK,
    SEVERITY_SHIFT,
    Slot,
    slot_id,
)
from pipelines.store.store import Reader

Numbers = NDArray[Any]
Place = Literal["grid", "kind", "source"]
"""What of a slot incidents are grouped by."""
T = TypeVar("T")

_LAST_VERDICT = max(n for verdict in Verdict if (n := status_of(verdict)) is not None)

_LINE = np.dtype([("slot", "<u8"), ("start", "<u4"), ("entries", "<u4", (len(CLOCKS),))])
assert _LINE.itemsize == LINE_BYTES, "the line of a sheet"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Census:
    """Every incident that began in a window, a row each, by when it began.

    ``places`` are indices into ``slots``; ``entries`` has a column a clock, as
    :func:`pipelines.model.tally.entry` makes them, as of ``as_of``. A census never changes, so
    what was counted of it is ``kept`` with it, for other views of the same moment.
    """

    as_of: datetime
    begun_ms: Numbers
    places: Numbers
    slots: Sequence[Slot]
    severities: Numbers
    closed: Numbers
    entries: Numbers
    kept: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.begun_ms)

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` gives, made once for everybody who asks for ``what``."""
        if what not in self.kept:
            self.kept[what] = make()
        found: T = self.kept[what]
        return found

    def chosen(self, query: Query, desk: Desk) -> "Chosen":
        """Those that pass the filters of a query; its window, verdict and shift are not asked."""
        filters = (query.area, query.community, query.grid, query.kind, query.source)
        what = ("chosen", *filters, query.severity, query.state)
        return self.once(what, lambda: Chosen(self, self._fitting(query, desk), what))

    def _fitting(self, query: Query, desk: Desk) -> Numbers:
        there = replace(query, kind=None, source=None)
        kinds, sources = query.kinds, query.sources
        fits = (
            self._passing("grid", lambda grid: matches(there, desk, grid, "", ""))
            & self._passing("kind", lambda kind: kinds is None or kind in kinds)
            & self._passing("source", lambda source: sources is None or source in sources)
        )
        wanted = fits[self.places]
        if query.severities is not None:
            wanted &= np.isin(self.severities, sorted(query.severities))
        if query.state is not None:
            wanted &= self.closed == (query.state.value == "closed")
        return np.flatnonzero(wanted)

    def _passing(self, place: Place, passes: Callable[[str], bool]) -> Numbers:
        """Which slots pass a filter by one thing, each value of which is asked once."""
        values, of_slot = self.values(place)
        return np.array([passes(value) for value in values], dtype=bool)[of_slot]

    def values(self, place: Place) -> tuple[list[str], Numbers]:
        """The different grids, kinds or sources, and which of them each slot has."""
        return self.once(("values", place), lambda: self._values(place))

    def _values(self, place: Place) -> tuple[list[str], Numbers]:
        number: dict[str, int] = {}
        index = Slot._fields.index(place)
        of_slot = [number.setdefault(slot[index], len(number)) for slot in self.slots]
        return list(number), np.array(of_slot, dtype=np.int64)


class Chosen:
    """Some incidents of a census, in its order; ``name`` says which, for what is kept of them."""

    def __init__(self, census: Census, rows: Numbers, name: Hashable) -> None:
        self.census = census
        self.rows = rows
        self._name = name

    def __len__(self) -> int:
        return len(self.rows)

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` gives, made once for everybody who asks for ``what`` of these."""
        return self.census.once((self._name, what), make)

    def tally(self, milestone: Milestone, reading: Reading) -> ClockTally:
        """The counts of one target."""
        what = ("tally", milestone, reading)
        return self.once(what, lambda: _tally(self._entries(milestone, reading)))

    def by_place(
        self, milestone: Milestone, reading: Reading, place: Place, key: Callable[[str], str]
    ) -> dict[str, "Part"]:
        """The counts of one target by what ``key`` makes of grid, kind or source.

        Without durations.
        """
        if not len(self):
            return {}
        values, of_slot = self.census.values(place)
        keys = [key(value) for value in values]
        names = sorted(set(keys))
        number = {name: i for i, name in enumerate(names)}
        of_value = np.array([number[name] for name in keys], dtype=np.int64)
        groups = of_value[of_slot][self.census.places[self.rows]]
        parts = self._grouped(groups, len(names), milestone, reading)
        return {name: part for name, part in zip(names, parts, strict=True) if part.incidents}

    def by_span(
        self, milestone: Milestone, reading: Reading, edges: Sequence[datetime]
    ) -> list["Part"]:
        """The counts of one target between each two of some moments, without durations."""
        begun = self.census.begun_ms[self.rows]
        groups = np.searchsorted([to_ms(edge) for edge in edges], begun, side="right") - 1
        return self._grouped(groups, len(edges) - 1, milestone, reading)

    def with_verdict(self, verdict: Verdict, milestone: Milestone, reading: Reading) -> "Chosen":
        """Those with a verdict on one target."""
        what = (self._name, verdict, milestone, reading)
        return self.census.once(what, lambda: self._judged(what, *what[1:]))

    def _judged(
        self, name: Hashable, verdict: Verdict, milestone: Milestone, reading: Reading
    ) -> "Chosen":
        status = self._entries(milestone, reading) & STATUS_MASK
        number = status_of(verdict)
        judged = status > _LAST_VERDICT if number is None else status == number
        return Chosen(self.census, self.rows[judged], name)

    def verdicts(self, milestone: Milestone, reading: Reading) -> Numbers:
        """The verdict of each on one target, as its place among the verdicts."""
        of_status = np.full(STATUS_MASK + 1, list(Verdict).index(Verdict.EXCLUDED))
        for place, verdict in enumerate(Verdict):
            if (number := status_of(verdict)) is not None:
                of_status[number] = place
        places: Numbers = of_status[self._entries(milestone, reading) & STATUS_MASK]
        return places

    def bins(self, milestone: Milestone, reading: Reading) -> Numbers:
        """The bin of each one's duration, one up; 0 without one."""
        bins: Numbers = self._entries(milestone, reading) >> BIN_SHIFT
        return bins

    def begun_ms(self) -> Numbers:
        """When each began, ascending."""
        begun: Numbers = self.census.begun_ms[self.rows]
        return begun

    def token(self) -> str:
        """A short text that changes when these are others, or count for something else."""
        return self.once("token", self._token)

    def _token(self) -> str:
        digest = blake2b(digest_size=8)
        for column in (self.census.begun_ms, self.census.places, self.census.entries):
            digest.update(np.ascontiguousarray(column[self.rows]).tobytes())
        digest.update(np.packbits(self.census.closed[self.rows]).tobytes())
        return digest.hexdigest()

    def _entries(self, milestone: Milestone, reading: Reading) -> Numbers:
        entries: Numbers = self.census.entries[self.rows, CLOCKS.index((milestone, reading))]
        return entries

    def _grouped(
        self, groups: Numbers, number: int, milestone: Milestone, reading: Reading
    ) -> list["Part"]:
        entries = self._entries(milestone, reading) & COUNTERS_MASK
        inside = (groups >= 0) & (groups < number)
        pairs = groups[inside].astype(np.int64) << 32 | entries[inside]
        found: list[dict[int, int]] = [{} for _ in range(number)]
        incidents = [0] * number
        for pair, n in _counted(pairs):
            group, entry = pair >> 32, pair & 0xFFFFFFFF
            incidents[group] += n
            for counter in counted_by(entry):
                found[group][counter] = found[group].get(counter, 0) + n
        return [
            Part(incidents=n, tally=ClockTally(counts))
            for n, counts in zip(incidents, found, strict=True)
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """How many incidents a group has, and the counts of one target, without durations."""

    incidents: int
    tally: ClockTally


def _tally(entries: Numbers) -> ClockTally:
    counts: dict[int, int] = {}
    for entry, n in _counted(entries):
        for counter in counted_by(entry):
            counts[counter] = counts.get(counter, 0) + n
    return ClockTally(counts)


def _counted(numbers: Numbers) -> Iterator[tuple[int, int]]:
    """Every different number, and how many there are of it."""
    different, counts = np.unique(numbers, return_counts=True)
    return zip(different.tolist(), counts.tolist(), strict=True)


def read_census(reader: Reader, desk: Desk, window: Span, *, as_of: datetime) -> Census:
    """Every incident that began in [begin, end) of a window, as it counts at ``as_of``."""
    begin, end = window
    pieces = list(sheets_of(reader, to_ms(begin), to_ms(end)))
    lines = np.frombuffer(b"".join(content for _, content in pieces), dtype=_LINE)
    hours = np.repeat(
        np.array([hour for hour, _ in pieces], dtype=np.int64),
        [len(content) // LINE_BYTES for _, content in pieces],
    )
    starts = lines["start"]
    begun = hours + (starts & OFFSET_MASK).astype(np.int64)
    order = np.argsort(begun, kind="stable")
    numbers, places = np.unique(lines["slot"][order], return_inverse=True)
    slots_of(reader, numbers.tolist(), desk.slots)
    entries = lines["entries"][order]
    begun = begun[order]
    slots = [desk.slots[number] for number in numbers.tolist()]
    silent = desk.silent(reader, as_of)
    _correct_unsettled(reader, desk, as_of, silent, begun, numbers[places], entries, window)
    if silent:
        hushed = np.array([slot.source in silent for slot in slots], dtype=bool)
        _hush(entries, hushed[places])
    return Census(
        as_of=as_of,
        begun_ms=begun,
        places=places,
        slots=slots,
        severities=(starts[order] >> SEVERITY_SHIFT) & SEVERITY_MASK,
        closed=(starts[order] & CLOSED_BIT) != 0,
        entries=entries,
    )


def _hush(entries: Numbers, hushed: Numbers) -> None:
    """What stands open past its target, or waits, is unknown where the source is silent."""
    for mark in (Mark.OPEN_MISS, Mark.OPEN_PENDING):
        changed = ((entries & mark_bits(mark)) != 0) & hushed[:, None]
        rest = entries[changed] & ~np.uint32(mark_bits(mark) | STATUS_MASK)
        entries[changed] = rest | np.uint32(status_of(Verdict.UNKNOWN) or 0)


def _correct_unsettled(
    reader: Reader,
    desk: Desk,
    as_of: datetime,
    silent: frozenset[str],
    begun: Numbers,
    slots: Numbers,
    entries: Numbers,
    window: Span,
) -> None:
    """Put what those that had not settled count for now in the place of what they will.

    Which line of several that began at one moment in one slot is whose is told by what they
    count for once settled; equal lines are as good as each other.
    """
    taken: set[int] = set()
    rows = reader.unsettled(to_ms(as_of), begin_ms=to_ms(window[0]), end_ms=to_ms(window[1]))
    for row in rows:
        incident = incident_from(row)
        number = slot_id(Slot(row.grid, row.kind or "", row.source))
        first, after = np.searchsorted(begun, [row.t0_ms, row.t0_ms + 1])
        here = [int(first) + i for i in np.flatnonzero(slots[first:after] == number).tolist()]
        alive = row.source not in silent
        if len(here) > 1:
            final = entries_of(incident, desk.rules, now=from_ms(row.settles_ms))
            here = [i for i in here if i not in taken and tuple(entries[i].tolist()) == final]
        if here:
            taken.add(here[0])
            entries[here[0]] = entries_of(incident, desk.rules, now=as_of, source_alive=alive)


_Bounds = tuple[datetime | None, datetime | None]


class CensusMemory:
    """Censuses that were just taken, for other views of the same moment.

    What is kept is let go once the store has changed, once it is older than ``keeps``, or when
    there is more than ``most`` incidents of it.
    """

    def __init__(self, *, keeps: timedelta = timedelta(seconds=1), most: int = 1_500_000) -> None:
        self._keeps = keeps
        self._most = most
        self._kept: OrderedDict[_Bounds, tuple[int, Census]] = OrderedDict()
        self._moment: tuple[int, datetime] | None = None
        self._lock = Lock()

    def moment(self, now: datetime, version: int | None) -> datetime:
        """The moment that boards read now speak for: the same one for up to ``keeps``.

        So the windows that end with it are the same for all of them, and are read once.
        """
        if version is None:
            return now
        with self._lock:
            known, moment = self._moment or (None, now)
            if known == version and timedelta(0) <= now - moment <= self._keeps:
                return moment
            self._moment = (version, now)
        return now

    def census(
        self, reader: Reader, desk: Desk, query: Query, *, version: int | None = None
    ) -> Census:
        """The census of a query's window, as of its moment or up to ``keeps`` before it.

        ``version`` is the store's; without it nothing is kept.
        """
        bounds = (query.start, query.end)
        with self._lock:
            known = self._kept.get(bounds)
        if version is not None and known is not None and known[0] == version:
            age = query.as_of - known[1].as_of
            if timedelta(0) <= age <= self._keeps:
                return known[1]
        taken = read_census(reader, desk, query.window, as_of=query.as_of)
        if version is not None:
            with self._lock:
                self._kept[bounds] = (version, taken)
                self._kept.move_to_end(bounds)
                self._trim(version)
        return taken

    def _trim(self, version: int) -> None:
        for bounds in [b for b, (of, _) in self._kept.items() if of != version]:
            del self._kept[bounds]
        while len(self._kept) > 1 and sum(len(c) for _, c in self._kept.values()) > self._most:
            self._kept.popitem(last=False)
