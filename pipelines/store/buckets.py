"""Cutting time into hours, days and months, so that any window is a handful of rows.

Days and months are local to the area; hours are UTC. All instants are aware UTC.
"""

from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]


class Level(IntEnum):
    """The widths of rollup rows, narrow to wide."""

    HOUR = 1
    DAY = 2
    MONTH = 3


class Cover(NamedTuple):
    """A window cut into rows that exist and the ragged ends that must be read one by one."""

    whole: tuple[tuple[Level, Span], ...]
    ends: tuple[Span, ...]


def bucket_start(level: Level, moment: datetime, zone: ZoneInfo) -> datetime:
    """When the bucket of ``level`` that holds ``moment`` begins."""
    if level is Level.HOUR:
        return moment.replace(minute=0, second=0, microsecond=0)
    local = moment.astimezone(zone)
    if level is Level.DAY:
        return _day_start(local.year, local.month, local.day, zone)
    return _day_start(local.year, local.month, 1, zone)


def bucket_end(level: Level, start: datetime, zone: ZoneInfo) -> datetime:
    """When the bucket that begins at ``start`` ends."""
    if level is Level.HOUR:
        return start + timedelta(hours=1)
    local = start.astimezone(zone)
    if level is Level.DAY:
        # through the calendar, not by 24 h: a day is 23 or 25 hours when clocks change
        following = local.date() + timedelta(days=1)
        return _day_start(following.year, following.month, following.day, zone)
    year, month = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
    return _day_start(year, month, 1, zone)


def cover(window: Span, zone: ZoneInfo) -> Cover:
    """Cut [from, to) into whole months, days and hours, and the ends that are left."""
    whole: list[tuple[Level, Span]] = []
    ends: list[Span] = []
    _cover(window, list(reversed(Level)), zone, whole, ends)
    return Cover(tuple(whole), tuple(ends))


def _cover(
    window: Span,
    levels: list[Level],
    zone: ZoneInfo,
    whole: list[tuple[Level, Span]],
    ends: list[Span],
) -> None:
    begin, end = window
    if begin >= end:
        return
    if not levels:
        ends.append(window)
        return
    level, *narrower = levels
    first = bucket_start(level, begin, zone)
    if first < begin:
        first = bucket_end(level, first, zone)
    last = bucket_start(level, end, zone)
    if first >= last:
        _cover(window, narrower, zone, whole, ends)
        return
    _cover((begin, first), narrower, zone, whole, ends)
    whole.append((level, (first, last)))
    _cover((last, end), narrower, zone, whole, ends)


@lru_cache(maxsize=8192)
def _day_start(year: int, month: int, day: int, zone: ZoneInfo) -> datetime:
    return datetime(year, month, day, tzinfo=zone).astimezone(UTC)
