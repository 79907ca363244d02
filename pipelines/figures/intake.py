"""Intake per 5 minutes (每5分钟接入量): how many incidents were reported in each 5-minute window.

KPI contract, section 8. Never to be confused with the 5-minute arrival rate.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pipelines.errors import QueryError
from pipelines.figures.groups import check_places, group_at, spans
from pipelines.figures.query import Desk, Query, matches, population
from pipelines.store.hours import sheets_of
from pipelines.store.rollups import slots_of
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.sheets import CLOSED_BIT, OFFSET_MASK, Slot, read, severity_of
from pipelines.store.store import Reader

WINDOW = timedelta(minutes=5)
_WINDOW_MS = int(WINDOW.total_seconds() * 1000)
_USUAL_SPAN = timedelta(hours=24)
_LONGEST_SPAN = timedelta(days=31)
_USUAL_HISTORY = timedelta(weeks=8)
_USUAL_LEAST = 4 * 12
_USUAL_SHARES = (0.1, 0.5, 0.9)


def intake(reader: Reader, query: Query, desk: Desk) -> list[dict[str, Any]]:
    """One object per group: its key, and each window's start with its count, zeros included.

    Without a start, the last 24 hours up to ``as_of``. The windows lie on full five minutes.
    Without groups, a window has the usual range of its hour and weekday beside it, if known.
    Raises QueryError when the span is longer than 31 days.
    """
    _, end = query.window
    start = query.start or end - _USUAL_SPAN
    if end - start > _LONGEST_SPAN:
        raise QueryError(f"from … to spans {(end - start).days} days; at most 31 for the intake")
    asked = replace(query, start=start)
    groups = counts(reader, asked, desk)
    ranges = usual(reader, asked, desk) if query.by is None else {}
    if query.by is None:
        groups = {"all": groups.get("all", {})}
    first, last = to_ms(start) // _WINDOW_MS, (to_ms(end) - 1) // _WINDOW_MS
    return [
        {
            "key": key,
            "windows": [
                {"start": from_ms(i * _WINDOW_MS).isoformat(), "count": groups[key].get(i, 0)}
                | (ranges[i]._asdict() if i in ranges else {})
                for i in range(first, last + 1)
            ],
        }
        for key in sorted(groups)
    ]


def counts(reader: Reader, query: Query, desk: Desk) -> dict[str, Mapping[int, int]]:
    """By group, how many incidents began in each window, by its number since 1970."""
    check_places(query, desk)
    groups: dict[str, dict[int, int]] = {}
    for ms, slot in _beginnings(reader, query, desk):
        moment = from_ms(ms)
        if matches(query, desk, *slot):
            windows = groups.setdefault(group_at(query.by, desk, moment, *slot), {})
            number = ms // _WINDOW_MS
            windows[number] = windows.get(number, 0) + 1
    return dict(groups)


def _beginnings(reader: Reader, query: Query, desk: Desk) -> Iterator[tuple[int, Slot]]:
    """When and where each incident of the query's window began; all stand on the sheets."""
    if query.known_at is not None:
        for case in population(reader, query, desk):
            incident = case.incident
            yield to_ms(incident.t0.at), Slot(incident.grid, incident.kind or "", incident.source)
        return
    for begin, end in spans(query, desk):
        for hour_ms, content in sheets_of(reader, to_ms(begin), to_ms(end)):
            lines = read(content, ())
            slots_of(reader, lines.slots, desk.slots)
            for number, start in zip(lines.slots, lines.starts, strict=True):
                if query.takes(severity_of(start), closed=bool(start & CLOSED_BIT)):
                    yield hour_ms + (start & OFFSET_MASK), desk.slots[number]


class Usual(NamedTuple):
    """What a window of this hour and weekday usually holds: 1 in 10 less, half, 1 in 10 more."""

    low: int
    middle: int
    high: int


def usual(reader: Reader, query: Query, desk: Desk) -> dict[int, Usual]:
    """The usual range of each window of the query, by its number since 1970.

    From the windows of the same local hour and weekday in the eight weeks before, nearest rank.
    Left out where less than four of those weeks lie behind the first incident there is.
    """
    begin, end = query.window
    before = replace(query, start=begin - _USUAL_HISTORY, end=begin, by=None)
    found = counts(reader, before, desk).get("all", {})
    if not found:
        return {}
    first = min(found)
    history: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number in range(first, to_ms(begin) // _WINDOW_MS):
        history[_hour_of_week(number, desk.zone)].append(found.get(number, 0))
    ranges = {
        hour: Usual(*(_nearest_rank(sorted(seen), share) for share in _USUAL_SHARES))
        for hour, seen in history.items()
        if len(seen) >= _USUAL_LEAST
    }
    windows = range(to_ms(begin) // _WINDOW_MS, (to_ms(end) - 1) // _WINDOW_MS + 1)
    hours = {number: _hour_of_week(number, desk.zone) for number in windows}
    return {number: ranges[hour] for number, hour in hours.items() if hour in ranges}


def _hour_of_week(number: int, zone: ZoneInfo) -> tuple[int, int]:
    local = from_ms(number * _WINDOW_MS).astimezone(zone)
    return (local.weekday(), local.hour)


def _nearest_rank(ordered: Sequence[int], share: float) -> int:
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def series(reader: Reader, now: datetime, hours: int, desk: Desk) -> tuple[datetime, list[int]]:
    """The last hours up to now: when the first window starts, and the count of each."""
    last = to_ms(now) // _WINDOW_MS
    first = last - hours * 12 + 1
    query = Query(as_of=now, start=from_ms(first * _WINDOW_MS))
    found = counts(reader, query, desk).get("all", {})
    return from_ms(first * _WINDOW_MS), [found.get(i, 0) for i in range(first, last + 1)]
