"""Adding up what a query asks for, from rollups and the few incidents that still change."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pipelines.figures.groups import (
    BY_LEVEL,
    By,
    Desk,
    Query,
    check_places,
    group_at,
    group_key,
    matches,
    passes,
)
from pipelines.figures.hindsight import differences
from pipelines.figures.shifts import Turns, checked
from pipelines.model.clock import CLOCKS, Reading
from pipelines.model.incident import Incident
from pipelines.model.milestone import Milestone
from pipelines.model.tally import ClockTally, Tally, entries_of
from pipelines.store.backends.backend import Bucket, Strata, WantedSums
from pipelines.store.buckets import SUMMED, Level, Part, bucket_end, bucket_start, cover, starts_in
from pipelines.store.counting import Numbers
from pipelines.store.rollups import (
    COMBINATIONS,
    GRID,
    KIND,
    SOURCE,
    Group,
    count_entries,
    count_listed,
)
from pipelines.store.rows import from_ms, incident_from, to_ms
from pipelines.store.sheets import CLOSED_BIT, STATE_MASK, STATE_SHIFT, Slot, severity_of
from pipelines.store.slots import SlotTable, grids_in
from pipelines.store.store import Reader
from pipelines.store.strata import Cut, Telling
from pipelines.store.strata import parts as strata_parts
from pipelines.store.volumes import Lines, Stretch, Wish, read_lines

_ALL_CLOCKS = tuple(range(len(CLOCKS)))
_ASKED = {
    By.CITY: GRID,
    By.DISTRICT: GRID,
    By.STREET: GRID,
    By.COMMUNITY: GRID,
    By.GRID: GRID,
    By.KIND: KIND,
    By.SOURCE: SOURCE,
}


def tallies(reader: Reader, query: Query, desk: Desk) -> dict[str, Tally]:
    """The whole tally of each group that has an incident."""
    found = _Totals(reader, query, desk, _ALL_CLOCKS).results()
    return {key: Tally.of_clocks(clocks, n) for key, (n, clocks) in found.items()}


def clock_tallies(
    reader: Reader, query: Query, desk: Desk, milestone: Milestone, reading: Reading
) -> dict[str, ClockTally]:
    """The counts of one clock for each group that has an incident; reads no other clock."""
    clock = CLOCKS.index((milestone, reading))
    found = _Totals(reader, query, desk, (clock,)).results()
    return {key: clocks[0] for key, (_, clocks) in found.items()}


def incidents(reader: Reader, query: Query, desk: Desk) -> dict[str, int]:
    """How many incidents each group has, eligible or not; reads no clock."""
    return {key: n for key, (n, _) in _Totals(reader, query, desk, ()).results().items()}


class _Totals:
    """One answer while it is added up, by group; ``clocks`` are indices into ``CLOCKS``."""

    def __init__(self, reader: Reader, query: Query, desk: Desk, clocks: Sequence[int]) -> None:
        check_places(query, desk)
        self._reader = reader
        self._query = query
        self._desk = desk
        self._clocks = clocks
        self._silent = desk.silent(reader, query.as_of)
        self._per = _per(query, desk, silent=bool(self._silent))
        self._turns = _turns(query, desk)
        self._telling = _telling(query, self._turns)
        self._hushings = (False, True) if self._silent else (False,)
        self._groups: dict[tuple[str, bool], Group] = {}
        self._names: list[tuple[str, bool]] = []
        self._slots: tuple[SlotTable, Numbers] | None = None

    def results(self) -> dict[str, tuple[int, list[ClockTally]]]:
        """How many incidents each group has, and the counts of each clock."""
        buckets: list[Bucket] = []
        stretches: list[Stretch] = []
        for part in self._parts():
            if part.level is Level.HOUR:
                begin, end = part.span
                stretches.append((part.sign, to_ms(begin), to_ms(end)))
            else:
                starts = starts_in(part, self._desk.zone)
                buckets += (Bucket(part.sign, int(part.level), to_ms(start)) for start in starts)
        self._add_rows(buckets)
        self._add_lines(stretches)
        count_listed(list(self._groups.values()), self._clocks)
        self._correct_unsettled()
        self._look_back()
        for (key, hushed), group in list(self._groups.items()):
            if hushed:
                self._hush(key, group)
        return {
            key: (group.incidents, group.results())
            for (key, hushed), group in self._groups.items()
            if not hushed and group.incidents
        }

    def _parts(self) -> Iterable[Part]:
        """What the window is added up from; what no sum is kept by is read one by one."""
        window, zone = self._query.window, self._desk.zone
        if self._telling is None:
            levels = [level for level in SUMMED if self._per in COMBINATIONS[level]]
            return cover(window, zone, levels)
        return strata_parts(self._reader, self._telling, window, zone, self._per)

    def _strata(self) -> Strata | None:
        """The strata that are asked for, where sums are told apart by more than their slots."""
        if self._telling is None:
            return None
        keys = self._turns.keys if self._turns is not None else ()
        shifts = [i for i, key in enumerate(keys) if self._query.shift in (None, key)]
        states: list[int] = np.flatnonzero(_states_taken(self._query)).tolist()
        return Strata(self._telling.cut, self._telling.strata_of(shifts, states))

    def _group(self, slot: Slot, stratum: int) -> Group | None:
        """Where a sum of incidents of this slot and stratum counts, if it is asked for.

        What belongs to a silent source is counted apart, for some of it is unknown.
        """
        if not matches(self._query, self._desk, *slot):
            return None
        if self._query.by is By.SHIFT and self._turns is not None and self._telling is not None:
            name = self._turns.keys[self._telling.shift_of(stratum)]
        else:
            name = group_key(self._query.by, self._desk, *slot)
        return self._group_at((name, slot.source in self._silent))

    def _group_at(self, key: tuple[str, bool]) -> Group:
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(len(self._clocks))
        return group

    def _add_rows(self, buckets: Sequence[Bucket]) -> None:
        if not buckets:
            return
        groups: dict[tuple[int, str, str, str], Group | None] = {}
        for row in self._reader.sums(self._wanted(buckets)):
            sign, stratum, grid, kind, source, incidents, few, *contents = row
            where = (stratum, grid, kind, source)
            if where not in groups:
                groups[where] = self._group(Slot(grid, kind, source), stratum)
            group = groups[where]
            if group is not None:
                group.add_row(incidents, few, contents, sign)

    def _wanted(self, buckets: Sequence[Bucket]) -> WantedSums:
        """The rows to read, told by their whole key where that leaves many of others aside."""
        query, per = self._query, self._per
        kinds, sources = (
            None if codes is None else sorted(codes) for codes in (query.kinds, query.sources)
        )
        grids = None if query.grid_code is None else [query.grid_code]
        narrowing = (kinds, sources, query.community, query.area, self._desk.within)
        if grids is None and per & GRID and any(given is not None for given in narrowing):
            there, found = replace(query, kind=None, source=None), grids_in(self._reader)
            grids = [grid for grid in found if matches(there, self._desk, grid, "", "")]
        return WantedSums(
            per,
            tuple(self._clocks),
            buckets,
            grids if per & GRID else [""],
            kinds if per & KIND else [""],
            sources if per & SOURCE else [""],
            self._strata(),
        )

    def _add_lines(self, stretches: Sequence[Stretch]) -> None:
        """Add incidents one by one, or take them away: thousands at once, as arrays."""
        wish = Wish(
            self._clocks,
            edges=self._turns.starts_ms if self._turns is not None else (),
            slots=self._per != 0,
            states=_states_taken(self._query) if self._query.asks_each else None,
        )
        for sign, lines in read_lines(self._reader, stretches, wish, self._desk.slot_table):
            which, entries, number = self._which(lines), lines.entries, lines.number
            if which is not None and (which < 0).any():
                asked = which >= 0
                which, entries = which[asked], [column[asked] for column in entries]
                number = len(which)
            numbers = [number] if which is None else np.bincount(which).tolist()
            groups = [self._group_at(self._names[i]) if n else None for i, n in enumerate(numbers)]
            for group, n in zip(groups, numbers, strict=True):
                if group is not None:
                    group.incidents += sign * n
            if number:
                count_entries(groups, entries, which, sign)

    def _which(self, lines: Lines) -> Numbers | None:
        """Of each line the number of its group in ``_names``; -1 if it is not asked for.

        None where all are asked for and belong to the first.
        """
        query = self._query
        which: Numbers | None = None
        if lines.table is not None:
            which = self._keys_of(lines.table)[lines.slots]
        else:
            self._name([_everywhere(query, self._desk)])
        if self._turns is not None:
            turn = self._groups_of_turns(self._turns)[lines.turns]
            if which is None:
                which = turn
            else:
                which = np.where((which < 0) | (turn < 0), np.int32(-1), which + turn)
            if query.by is By.SHIFT:
                self._name(self._turns.keys)
        return which

    def _groups_of_turns(self, turns: Turns) -> Numbers:
        """Of each turn what it adds to the number of a group: nothing, but by shift; or -1."""
        numbers = range(0, len(self._hushings) * len(turns.keys), len(self._hushings))
        of_shift = [
            -1 if self._query.shift not in (None, key) else n if self._query.by is By.SHIFT else 0
            for key, n in zip(turns.keys, numbers, strict=True)
        ]
        return np.array([of_shift[shift] for shift in turns.shifts], dtype=np.int32)

    def _name(self, keys: Iterable[str]) -> None:
        """Call the groups of lines so; each is parted into what is heard of and what is not."""
        self._names = [(key, hushed) for key in keys for hushed in self._hushings]

    def _keys_of(self, table: SlotTable) -> Numbers:
        """Of each slot of the table, the number of its group in ``_names``; -1 if not asked for.

        Filters and groups look at grid, kind and source apart, so each of those is asked once,
        not every combination.
        """
        if self._slots is not None and self._slots[0] is table:
            return self._slots[1]
        query, desk = self._query, self._desk
        kinds, sources = query.kinds, query.sources
        there = replace(query, kind=None, source=None)
        fits = (
            np.array([matches(there, desk, grid, "", "") for grid in table.grids])[table.grid]
            & np.array([kinds is None or kind in kinds for kind in table.kinds])[table.kind]
            & np.array([sources is None or one in sources for one in table.sources])[table.source]
        )
        by = None if query.by is By.SHIFT else query.by
        values, which = {
            By.KIND: (table.kinds, table.kind),
            By.SOURCE: (table.sources, table.source),
        }.get(by or By.STREET, (table.grids, table.grid))
        keys = [group_key(by, desk, value, value, value) for value in values]
        named = {key: len(self._hushings) * i for i, key in enumerate(dict.fromkeys(keys))}
        self._name(named)
        hushed = np.array([one in self._silent for one in table.sources], dtype=np.int32)
        of_value = np.array([named[key] for key in keys], dtype=np.int32)
        found = np.where(fits, of_value[which] + hushed[table.source], np.int32(-1))
        self._slots = (table, found)
        return found

    def _correct_unsettled(self) -> None:
        """Take out the final entries of those who had not settled by then; put in the true ones."""
        begin, end = self._query.window
        rows = self._reader.unsettled(
            to_ms(self._query.as_of), begin_ms=to_ms(begin), end_ms=to_ms(end)
        )
        for row in rows:
            incident = incident_from(row)
            if passes(incident, self._query, self._desk):
                group = self._group_of(incident)
                self._post(group, incident, from_ms(row.settles_ms), -1, alive=True)
                self._post_now(incident, 1)

    def _look_back(self) -> None:
        """Get from what is known now to what was known then."""
        if self._query.known_at is None:
            return
        begin, end = window = self._query.window
        known_at, grids = self._query.known_at, self._desk.grids
        for now, then in differences(self._reader, known_at, grids, window=window):
            for incident, sign in ((now, -1), (then, 1)):
                if incident is None or not passes(incident, self._query, self._desk):
                    continue
                if begin <= incident.t0.at < end:
                    self._post_now(incident, sign)

    def _post_now(self, incident: Incident, sign: int) -> None:
        group = self._group_at((self._key_of(incident), False))
        alive = incident.source not in self._silent
        self._post(group, incident, self._query.as_of, sign, alive=alive)

    def _group_of(self, incident: Incident) -> Group:
        """Where an incident that is asked for counts, once it has settled."""
        return self._group_at((self._key_of(incident), incident.source in self._silent))

    def _key_of(self, incident: Incident) -> str:
        where = (incident.grid, incident.kind or "", incident.source)
        return group_at(self._query.by, self._desk, incident.t0.at, *where)

    def _post(
        self, group: Group, incident: Incident, now: datetime, sign: int, *, alive: bool
    ) -> None:
        group.incidents += sign
        if not self._clocks:
            return
        found = entries_of(incident, self._desk.rules, now=now, source_alive=alive)
        for clock, index in enumerate(self._clocks):
            group.count(clock, found[index], sign)

    def _hush(self, key: str, group: Group) -> None:
        """Count what a silent source said, as it is to be read now."""
        plain = self._group_at((key, False))
        plain.incidents += group.incidents
        for total, result in zip(plain.sums, group.results(hushed=True), strict=True):
            for counter, n in result.items():
                total.count(counter, n)


def _turns(query: Query, desk: Desk) -> Turns | None:
    """The shifts of the window's months, where the question is about shifts.

    Of a month that the window holds most of, the rest is taken away again, shift by shift.
    """
    if query.by is not By.SHIFT and query.shift is None:
        return None
    checked(query.window, desk.shifts, query.shift)
    begin, end = (bucket_start(Level.MONTH, moment, desk.zone) for moment in query.window)
    return Turns((begin, bucket_end(Level.MONTH, end, desk.zone)), desk.shifts, desk.zone)


def _telling(query: Query, turns: Turns | None) -> Telling | None:
    """How the sums that the question needs are told apart; None where by their slots alone."""
    if turns is not None:
        return turns.telling(Cut.BOTH if query.asks_each else Cut.SHIFT)
    return Telling(Cut.STATE) if query.asks_each else None


def _everywhere(query: Query, desk: Desk) -> str:
    """The key of the one group of a question that does not look at grid, kind or source."""
    return "all" if query.by in (None, By.SHIFT) else group_key(query.by, desk, "", "", "")


def _states_taken(query: Query) -> NDArray[np.bool_]:
    """Of each state that a line may have, whether its incidents are asked for."""
    starts = [state << STATE_SHIFT for state in range(STATE_MASK + 1)]
    return np.array([query.takes(severity_of(s), closed=bool(s & CLOSED_BIT)) for s in starts])


def _per(query: Query, desk: Desk, *, silent: bool) -> int:
    """The combination of grid, kind and source that answers the query with the fewest rows."""
    top = desk.areas.top
    per = _ASKED.get(query.by, 0) if query.by not in (None, BY_LEVEL.get(top.level)) else 0
    if query.grid is not None or query.community is not None:
        per |= GRID
    if query.area not in (None, top.code) or desk.within is not None:
        per |= GRID
    if query.kind is not None:
        per |= KIND
    if query.source is not None or silent:
        per |= SOURCE
    return per
