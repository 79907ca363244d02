"""Intake per 5 minutes (每5分钟接入量): how many incidents were reported in each 5-minute window.

KPI contract, section 8. Never to be confused with the 5-minute arrival rate.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pipelines.errors import QueryError
from pipelines.query import Desk, Query, group_key, population
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader

WINDOW = timedelta(minutes=5)
_WINDOW_MS = int(WINDOW.total_seconds() * 1000)
_USUAL_SPAN = timedelta(hours=24)
_LONGEST_SPAN = timedelta(days=31)


def intake(reader: Reader, query: Query, desk: Desk) -> list[dict[str, Any]]:
    """One object per group: its key, and each window's start with its count, zeros included.

    Without a start, the last 24 hours up to ``as_of``. The windows lie on full five minutes.
    Raises QueryError when the span is longer than 31 days.
    """
    _, end = query.window
    start = query.start or end - _USUAL_SPAN
    if end - start > _LONGEST_SPAN:
        raise QueryError(f"from … to spans {(end - start).days} days; at most 31 for the intake")
    groups = counts(reader, replace(query, start=start), desk)
    if query.by is None:
        groups = {"all": groups.get("all", {})}
    first, last = to_ms(start) // _WINDOW_MS, (to_ms(end) - 1) // _WINDOW_MS
    return [
        {
            "key": key,
            "windows": [
                {"start": from_ms(i * _WINDOW_MS).isoformat(), "count": groups[key].get(i, 0)}
                for i in range(first, last + 1)
            ],
        }
        for key in sorted(groups)
    ]


def counts(reader: Reader, query: Query, desk: Desk) -> dict[str, Mapping[int, int]]:
    """By group, how many incidents began in each window, by its number since 1970."""
    groups: dict[str, dict[int, int]] = {}
    for case in population(reader, query, desk):
        incident = case.incident
        key = group_key(query.by, desk, incident.grid, incident.kind or "", incident.source)
        windows = groups.setdefault(key, {})
        number = to_ms(incident.t0.at) // _WINDOW_MS
        windows[number] = windows.get(number, 0) + 1
    return dict(groups)


def series(reader: Reader, now: datetime, hours: int, desk: Desk) -> tuple[datetime, list[int]]:
    """The last hours up to now: when the first window starts, and the count of each."""
    last = to_ms(now) // _WINDOW_MS
    first = last - hours * 12 + 1
    query = Query(as_of=now, start=from_ms(first * _WINDOW_MS))
    found = counts(reader, query, desk).get("all", {})
    return from_ms(first * _WINDOW_MS), [found.get(i, 0) for i in range(first, last + 1)]
