"""Strata (层): sums of incidents told apart by more than grid, kind and source.

By shift: whose time of day they began in. By state: how severe they are, and whether closed. By
both. There are sums of each month, and by state of each year, like those of the rollups. The door
does not keep them: they are made beside it when a month is over (:mod:`pipelines.upkeep.binding`),
from the lines of its sheets. Who writes on a sheet takes the mark away, in the same transaction,
that says its month is summed; what has no mark is counted line by line. So what is read is exact at
every moment, and what the door pays is one deletion.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from itertools import product
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from pipelines.store import schema
from pipelines.store.buckets import Level, Part, Span, bucket_end, bucket_start, cover, starts_in
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.sheets import HOUR_MS, STATE_MASK
from pipelines.store.store import Reader, Writer
from pipelines.store.volumes import Lines

_MS = timedelta(milliseconds=1)


class Cut(IntEnum):
    """By what incidents are told apart."""

    SHIFT = 1
    STATE = 2
    BOTH = 3


COMBINATIONS: Mapping[Cut, Mapping[Level, Sequence[int]]] = {
    Cut.SHIFT: {Level.MONTH: range(8)},
    Cut.STATE: {Level.MONTH: range(8), Level.YEAR: (0, 1, 2, 4)},
    Cut.BOTH: {Level.MONTH: (0, 1, 2, 4)},
}
"""Which spans are summed, by which combinations of grid, kind and source (as in
:mod:`pipelines.store.rollups`). A question by shift is about a year at most. What is asked more
closely of years, few rows of their months tell; more closely by both, the lines."""
_KEPT = tuple((cut, level) for cut, levels in COMBINATIONS.items() for level in levels)
_STATES = STATE_MASK + 1


class Telling(NamedTuple):
    """How incidents are told apart by a cut."""

    cut: Cut
    told_by: str = ""
    """What it depends on that may be configured anew; sums made by another are not read."""
    edges: Sequence[int] = ()
    """Moments, in milliseconds, from each of which on another stratum may begin."""
    of_edge: Sequence[int] = ()
    """The stratum from each edge on."""

    def strata(self, lines: Lines) -> NDArray[np.int64]:
        """The stratum of each line: by ``edges``, by its state, or by both."""
        if self.cut is Cut.STATE:
            return lines.states.astype(np.int64)
        of_shift = np.array(self.of_edge, dtype=np.int64)[lines.turns]
        return of_shift if self.cut is Cut.SHIFT else of_shift * _STATES + lines.states

    def strata_of(self, shifts: Iterable[int], states: Iterable[int]) -> list[int]:
        """The strata of some shifts and some states, of which one cut may tell only one apart."""
        if self.cut is Cut.STATE:
            return list(states)
        if self.cut is Cut.SHIFT:
            return list(shifts)
        return [shift * _STATES + state for shift, state in product(shifts, states)]

    def shift_of(self, stratum: int) -> int:
        """The shift of a stratum, where they are told apart by shift."""
        return stratum // _STATES if self.cut is Cut.BOTH else stratum


def marked(reader: Reader, cut: Cut, told_by: str, level: Level) -> list[datetime]:
    """When the months or years begin that are summed, in order."""
    table = schema.stratified.c
    query = (
        select(table.start_ms)
        .where(table.cut == int(cut), table.level == int(level), table.told_by == told_by)
        .order_by(table.start_ms)
    )
    return [from_ms(row[0]) for row in reader.rows(query)]


def marked_in(
    reader: Reader, telling: Telling, level: Level, window: Span, zone: ZoneInfo
) -> list[datetime]:
    """When those begin that are summed and lie in a window at least partly, in order."""
    begin, end = bucket_start(level, window[0], zone), window[1]
    starts = list(starts_in(Part(level, 1, (begin, end)), zone)) if begin < end else []
    keys = [(int(telling.cut), int(level), to_ms(start)) for start in starts]
    marks = reader.by_key(schema.stratified, keys)
    return [
        start
        for start, mark in zip(starts, marks, strict=True)
        if mark is not None and mark[3] == telling.told_by
    ]


def parts(
    reader: Reader, telling: Telling, window: Span, zone: ZoneInfo, per: int
) -> Iterator[Part]:
    """What a window is added up from: months and years that are summed, the rest line by line.

    ``per`` is the combination of grid, kind and source that is needed.
    """
    if window[0] >= window[1]:
        return
    levels = [level for level, kept in COMBINATIONS[telling.cut].items() if per in kept]
    if not levels:
        yield Part(Level.HOUR, 1, window)
        return
    # of a year that the window holds most of, the rest is taken away again, month by month
    wide = max(levels)
    around = (
        bucket_start(wide, window[0], zone),
        bucket_end(wide, bucket_start(wide, window[1], zone), zone),
    )
    kept = {level: marked_in(reader, telling, level, around, zone) for level in levels}
    for span, is_kept in _divided(window, kept[Level.MONTH], zone):
        if not is_kept:
            yield Part(Level.HOUR, 1, span)
            continue
        for part in cover(span, zone, levels):
            yield from _as_far_as_kept(part, kept, zone)


def _divided(
    window: Span, months: Sequence[datetime], zone: ZoneInfo
) -> Iterator[tuple[Span, bool]]:
    """The window, cut into stretches of whole months and what lies between; and which is which."""
    begin, end = window
    runs: list[list[datetime]] = []
    for start in months:
        stop = bucket_end(Level.MONTH, start, zone)
        if stop <= begin or start >= end:
            continue
        if runs and runs[-1][1] == start:
            runs[-1][1] = stop
        else:
            runs.append([start, stop])
    at = begin
    for start, stop in runs:
        if at < start:
            yield (at, start), False
        at = max(at, start)
        yield (at, min(stop, end)), True
        at = min(stop, end)
    if at < end:
        yield (at, end), False


def _as_far_as_kept(
    part: Part, kept: dict[Level, list[datetime]], zone: ZoneInfo
) -> Iterator[Part]:
    """A part, where it is of years some of which are not summed: their months instead."""
    if part.level is Level.HOUR:
        yield part
        return
    for start in starts_in(part, zone):
        span = start, bucket_end(part.level, start, zone)
        if start in kept[part.level]:
            yield Part(part.level, part.sign, span)
        elif part.level is Level.YEAR:
            for level, sign, months in cover(span, zone, (Level.MONTH,)):
                yield from _as_far_as_kept(Part(level, part.sign * sign, months), kept, zone)
        else:
            yield Part(Level.HOUR, part.sign, span)


def release(writer: Writer, hours: Iterable[int], zone: ZoneInfo) -> None:
    """Take away the marks of the months and years that hold any of these hours."""
    starts = {start for hour in hours for start in _holding(hour, zone)}
    keys = [
        (int(cut), int(level), start) for cut, level in _KEPT for at, start in starts if at is level
    ]
    writer.remove(schema.stratified, sorted(keys))


@lru_cache(maxsize=65_536)
def _holding(hour_ms: int, zone: ZoneInfo) -> frozenset[tuple[Level, int]]:
    """The months and years that an hour lies in: two of each where one begins within it."""
    ends = from_ms(hour_ms), from_ms(hour_ms + HOUR_MS) - _MS
    return frozenset(
        (level, to_ms(bucket_start(level, moment, zone)))
        for level in (Level.MONTH, Level.YEAR)
        for moment in ends
    )
