"""Cutting time into hours, ten-day periods, months and years, so that any window is a few rows.

All but the hours are local to the area; hours are UTC. All instants are aware UTC.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]


class Level(IntEnum):
    """The widths of what is stored, narrow to wide."""

    HOUR = 1
    """One sheet an hour: every settled incident of it, with its moment."""
    DAY = 2
    """A local day. Nothing is stored by day; windows and screens begin with one."""
    TEN_DAYS = 3
    """旬: from the 1st, the 11th and the 21st of a month."""
    MONTH = 4
    YEAR = 5


SUMMED = (Level.TEN_DAYS, Level.MONTH, Level.YEAR)
"""The levels at which tallies are stored."""


class Part(NamedTuple):
    """A span to be added (``sign`` 1) or taken away (-1): whole buckets of a level, or any."""

    level: Level
    sign: int
    span: Span


def bucket_start(level: Level, moment: datetime, zone: ZoneInfo) -> datetime:
    """When the bucket of ``level`` that holds ``moment`` begins."""
    if level is Level.HOUR:
        return moment.replace(minute=0, second=0, microsecond=0)
    local = moment.astimezone(zone)
    day, month = local.day, local.month
    if level is not Level.DAY:
        day = min((day - 1) // 10 * 10 + 1, 21) if level is Level.TEN_DAYS else 1
    return _day_start(local.year, 1 if level is Level.YEAR else month, day, zone)


def bucket_end(level: Level, start: datetime, zone: ZoneInfo) -> datetime:
    """When the bucket that begins at ``start`` ends."""
    if level is Level.HOUR:
        return start + timedelta(hours=1)
    local = start.astimezone(zone)
    if level is Level.DAY:
        # through the calendar, not by 24 h: a day is 23 or 25 hours when clocks change
        following = local.date() + timedelta(days=1)
        return _day_start(following.year, following.month, following.day, zone)
    if level is Level.TEN_DAYS and local.day < 21:
        return _day_start(local.year, local.month, local.day + 10, zone)
    if level is Level.YEAR or local.month == 12:
        return _day_start(local.year + 1, 1, 1, zone)
    return _day_start(local.year, local.month + 1, 1, zone)


def starts_in(part: Part, zone: ZoneInfo) -> Iterator[datetime]:
    """When each bucket of a part begins."""
    start, stop = part.span
    while start < stop:
        yield start
        start = bucket_end(part.level, start, zone)


def cover(window: Span, zone: ZoneInfo, levels: Sequence[Level] = SUMMED) -> tuple[Part, ...]:
    """Add up [from, to) from whole buckets of levels and, at level ``HOUR``, the ragged ends.

    Where the window holds more than half of a bucket, the whole bucket is added and the rest
    taken away: tallies can be subtracted, so that reads half as much.
    """
    parts: list[Part] = []
    _cover(window, list(reversed(levels)), 1, zone, parts)
    return tuple(parts)


def _cover(window: Span, levels: list[Level], sign: int, zone: ZoneInfo, parts: list[Part]) -> None:
    begin, end = window
    if begin >= end:
        return
    if not levels:
        parts.append(Part(Level.HOUR, sign, window))
        return
    level, *narrower = levels
    before, after = bucket_start(level, begin, zone), bucket_start(level, end, zone)
    if before == after:
        stop = bucket_end(level, before, zone)
        if 2 * (end - begin) <= stop - before:
            _cover(window, narrower, sign, zone, parts)
            return
        _cover((before, begin), narrower, -sign, zone, parts)
        _cover((end, stop), narrower, -sign, zone, parts)
        parts.append(Part(level, sign, (before, stop)))
        return
    first, last = before, after
    if before < begin:
        first = bucket_end(level, before, zone)
        if first - begin > begin - before:
            _cover((before, begin), narrower, -sign, zone, parts)
            first = before
        else:
            _cover((begin, first), narrower, sign, zone, parts)
    if after < end:
        last = bucket_end(level, after, zone)
        if end - after > last - end:
            _cover((end, last), narrower, -sign, zone, parts)
        else:
            _cover((after, end), narrower, sign, zone, parts)
            last = after
    if first < last:
        parts.append(Part(level, sign, (first, last)))


@lru_cache(maxsize=8192)
def _day_start(year: int, month: int, day: int, zone: ZoneInfo) -> datetime:
    return datetime(year, month, day, tzinfo=zone).astimezone(UTC)
