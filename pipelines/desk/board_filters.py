"""What a board is asked for: the filters that stand in its address, read and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.errors import QueryError
from pipelines.figures.groups import Query
from pipelines.figures.query import parse
from pipelines.figures.windows import bounds, days_of, midnight

WINDOWS = ("today", "yesterday", "7d", "30d", "90d", "365d")
"""What a board can look at; days end now, and begin at a local midnight."""
DEFAULT_WINDOW = "30d"
OF_QUERY = ("area", "community", "grid", "kind", "source", "severity", "state", "milestone",
            "reading", "verdict", "from", "to")  # fmt: skip
"""The filters that are those of every question about figures and rows."""
FILTERS = (*OF_QUERY, "window", "versus", "shade", "q", "sort", "columns")
"""The parameters of a board's URL."""


class Versus(StrEnum):
    """The span that a board's figures are compared with."""

    BEFORE = "before"
    """As many days, just before."""
    DAY = "day"
    WEEK = "week"
    YEAR = "year"
    """The same dates of the year before."""
    NONE = "none"


class Shade(StrEnum):
    """What the grids of a board's map are coloured by."""

    INCIDENTS = "incidents"
    MISSED = "missed"
    RATE = "rate"
    """The shrunk rate: a grid sees too few cases for its own."""


class Column(StrEnum):
    """What the list of a board can show of an incident."""

    T0 = "t0"
    KIND = "kind"
    SEVERITY = "severity"
    GRID = "grid"
    COMMUNITY = "community"
    ADDRESS = "address"
    TITLE = "title"
    SECONDS = "seconds"
    VERDICT = "verdict"
    SOURCE = "source"
    KEY = "key"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    ARRIVED = "arrived"
    CLOSED = "closed"
    UNITS = "units"


DEFAULT_COLUMNS = (
    Column.T0,
    Column.KIND,
    Column.GRID,
    Column.ADDRESS,
    Column.TITLE,
    Column.SECONDS,
    Column.VERDICT,
)
DEFAULT_SORT = "-t0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a board's filters ask for.

    ``window`` is empty where the bounds are given freely. ``before`` is the span to compare with.
    ``sought`` is what a row must say; ``sort`` is a column, with a minus before it from the
    highest down.
    """

    query: Query
    window: str
    versus: Versus
    before: tuple[datetime, datetime] | None
    shade: Shade
    sought: str | None
    sort: str
    columns: tuple[Column, ...]


def asked(filters: Mapping[str, str], *, now: datetime, zone: ZoneInfo) -> Asked:
    """Read the filters; raises QueryError naming parameter, value and what is allowed."""
    given = {name: filters[name] for name in OF_QUERY if filters.get(name)}
    query = parse(given, now=now, zone=zone)
    window = ""
    if query.start is None and query.end is None:
        window = choice_of(filters, "window", WINDOWS, DEFAULT_WINDOW)
        start, end = bounds(window, now, zone)
        query = replace(query, start=start, end=end)
    versus = Versus(choice_of(filters, "versus", Versus, Versus.BEFORE))
    return Asked(
        query=query,
        window=window,
        versus=versus,
        before=_before(query, window, versus, zone),
        shade=Shade(choice_of(filters, "shade", Shade, Shade.INCIDENTS)),
        sought=(filters.get("q") or "").strip() or None,
        sort=_sort(filters),
        columns=_columns(filters),
    )


def check(filters: Mapping[str, str]) -> None:
    """Raise QueryError naming parameter, value and what is allowed, when a filter has none."""
    asked(filters, now=_ANY_MOMENT, zone=_ANY_ZONE)


_ANY_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_ANY_ZONE = ZoneInfo("Asia/Shanghai")


def choice_of(filters: Mapping[str, str], name: str, allowed: Any, default: str) -> str:
    """The value of a filter; raises QueryError naming what is allowed."""
    value = filters.get(name) or default
    if value not in list(allowed):
        known = ", ".join(str(one) for one in allowed)
        raise QueryError(f"{name}={value!r} must be one of: {known}")
    return str(value)


def _sort(filters: Mapping[str, str]) -> str:
    value = filters.get("sort") or DEFAULT_SORT
    if value.removeprefix("-") not in list(Column):
        raise QueryError(f"sort={value!r} must be one of: {', '.join(Column)}; with - downwards")
    return value


def _columns(filters: Mapping[str, str]) -> tuple[Column, ...]:
    named = (filters.get("columns") or "").split(",") if filters.get("columns") else []
    unknown = next((name for name in named if name not in list(Column)), None)
    if unknown is not None:
        raise QueryError(f"columns={unknown!r} must be of: {', '.join(Column)}")
    return tuple(Column(name) for name in dict.fromkeys(named)) or DEFAULT_COLUMNS


def shifted(moment: datetime, versus: Versus, days: int, zone: ZoneInfo) -> datetime:
    """The moment to compare with: at the same local time of another day.

    ``days`` is how many days the window has, for the one just before it.
    """
    local = moment.astimezone(zone)
    if versus is Versus.YEAR:
        day = 28 if (local.month, local.day) == (2, 29) else local.day
        return local.replace(year=local.year - 1, day=day).astimezone(UTC)
    back = {Versus.DAY: 1, Versus.WEEK: 7}.get(versus, days)
    return (local - timedelta(days=back)).astimezone(UTC)


def days_asked(query: Query, window: str) -> int:
    """How many days a window has, a part of one counted whole."""
    if window:
        return days_of(window)
    begin, end = query.window
    return max(1, -(-(end - begin) // timedelta(days=1)))


def _before(
    query: Query, window: str, versus: Versus, zone: ZoneInfo
) -> tuple[datetime, datetime] | None:
    if versus is Versus.NONE or query.start is None:
        return None
    days = days_asked(query, window)
    begin, end = query.window
    return shifted(begin, versus, days, zone), shifted(end, versus, days, zone)


_HOURS_UNTIL, _DAYS_UNTIL, _WEEKS_UNTIL = 2, 120, 900
"""Up to so many days are drawn by the hour, by the day, and by the week; longer ones by month."""


class Step(StrEnum):
    """What one bar of a course of time stands for."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def step_of(span: timedelta) -> Step:
    """By what a span of time is drawn."""
    steps = ((_HOURS_UNTIL, Step.HOUR), (_DAYS_UNTIL, Step.DAY), (_WEEKS_UNTIL, Step.WEEK))
    return next((step for days, step in steps if span <= timedelta(days=days)), Step.MONTH)


def edges(begin: datetime, end: datetime, step: Step, zone: ZoneInfo) -> Sequence[datetime]:
    """Where the bars of a span begin, and where the last one ends: at local boundaries."""
    found = [begin]
    while found[-1] < end:
        found.append(_next(found[-1], step, zone))
    return found


def _next(moment: datetime, step: Step, zone: ZoneInfo) -> datetime:
    if step is Step.HOUR:
        whole = moment.astimezone(zone).replace(minute=0, second=0, microsecond=0)
        return whole.astimezone(UTC) + timedelta(hours=1)
    if step is Step.MONTH:
        local = moment.astimezone(zone)
        year, month = divmod(local.year * 12 + local.month, 12)
        return datetime(year, month + 1, 1, tzinfo=zone).astimezone(UTC)
    return midnight(moment, zone, ago=-1 if step is Step.DAY else -7)
