"""What can be asked: which incidents, by what they are grouped, and what an answer needs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, true

from pipelines.errors import QueryError
from pipelines.figures.shifts import checked, shift_of, spans_of
from pipelines.geo.history import GridHistory
from pipelines.model.area import AreaLevel, AreaTree
from pipelines.model.clock import Reading, Verdict
from pipelines.model.incident import Incident
from pipelines.model.milestone import Milestone
from pipelines.model.place import NOT_ON_MAP
from pipelines.model.rules import Rules
from pipelines.store import schema
from pipelines.store.buckets import Span
from pipelines.store.sheets import SEVERITY_MASK, Slot
from pipelines.store.slots import Slots
from pipelines.store.store import Reader

UNLOCATED = "not_on_map"
"""The key of the row of incidents that lie in no grid."""
NO_COMMUNITY = "no_community"
"""The key of the row of grids that belong to no community; of other levels, likewise."""
NO_KIND = "no_kind"
"""How a filter names incidents whose kind nobody said."""

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

Silent = Callable[[Reader, datetime], frozenset[str]]
"""The sources that had been silent for longer than their rhythm allows, at a moment."""


class State(StrEnum):
    """Whether the source has said that an incident is over."""

    OPEN = "open"
    CLOSED = "closed"


class By(StrEnum):
    """What figures can be grouped by."""

    CITY = "city"
    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"
    GRID = "grid"
    KIND = "kind"
    SOURCE = "source"
    SHIFT = "shift"


_LEVELS = {
    By.CITY: AreaLevel.CITY,
    By.DISTRICT: AreaLevel.DISTRICT,
    By.STREET: AreaLevel.STREET,
    By.COMMUNITY: AreaLevel.COMMUNITY,
}
BY_LEVEL = {level: by for by, level in _LEVELS.items()}
"""How one groups by the areas of a level."""
NOWHERE = (UNLOCATED, *(f"no_{by}" for by in _LEVELS))
"""The keys of what lies in no area of the level that is grouped by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """Which incidents, which target, and as of when.

    ``start`` and ``end`` bound t0, [start, end); None is unbounded. Filters are exact codes;
    ``area`` is that of any area, or of a grid, and means all that lies in it.
    ``kind``, ``source`` and ``severity`` may name several, with commas between.
    ``known_at`` answers from what had been received until then; None is all that is known.
    """

    as_of: datetime
    start: datetime | None = None
    end: datetime | None = None
    by: By | None = None
    milestone: Milestone = Milestone.ARRIVED
    reading: Reading = Reading.CUMULATIVE
    verdict: Verdict | None = None
    community: str | None = None
    grid: str | None = None
    kind: str | None = None
    source: str | None = None
    shift: str | None = None
    severity: str | None = None
    state: State | None = None
    known_at: datetime | None = None
    area: str | None = None

    @property
    def kinds(self) -> frozenset[str] | None:
        """The kinds that pass, as incidents have them; None is every one."""
        named = _several(self.kind)
        if named is None or NO_KIND not in named:
            return named
        return named - {NO_KIND} | {""}

    @property
    def sources(self) -> frozenset[str] | None:
        """The sources that pass; None is every one."""
        return _several(self.source)

    @property
    def severities(self) -> frozenset[int] | None:
        """The severities that pass, 0 for an incident without one; None is every one."""
        named = _several(self.severity)
        return None if named is None else frozenset(map(int, named))

    @property
    def asks_each(self) -> bool:
        """Whether it asks for what no sum is kept by, but every incident's line says."""
        return self.severity is not None or self.state is not None

    def takes(self, severity: int | None, *, closed: bool) -> bool:
        """True when an incident of this severity and state passes."""
        wanted = self.severities
        return (wanted is None or (severity or 0) in wanted) and (
            self.state is None or closed is (self.state is State.CLOSED)
        )

    @property
    def window(self) -> Span:
        """The bounds of t0; nothing that starts after ``as_of`` has happened yet."""
        end = self.as_of + timedelta(milliseconds=1)
        return (self.start or _BEGINNING, min(self.end or end, end))

    @property
    def grid_code(self) -> str | None:
        """The filter's grid as incidents have it; the empty code is not on the map."""
        return NOT_ON_MAP if self.grid == UNLOCATED else self.grid


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What is needed to answer a query, apart from the store: rules, grids, areas, zone."""

    rules: Rules
    grids: GridHistory
    areas: AreaTree
    zone: ZoneInfo
    silent: Silent
    shifts: tuple[time, ...] = ()
    within: frozenset[str] | None = None
    """The grids outside of which nothing is there, for whoever has a scope; None is no limit."""
    slots: dict[int, Slot] = field(default_factory=dict, compare=False, repr=False)
    """The names of slots that were looked up; they never change."""
    slot_table: Slots = field(default_factory=Slots, compare=False, repr=False)
    """The same, all of them, for thousands of lines at once."""

    def shift_at(self, moment: datetime) -> str:
        """The shift that was on duty at a moment."""
        return shift_of(moment, self.shifts, self.zone)


def _several(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(text.split(","))


def matches(query: Query, desk: Desk, grid: str, kind: str, source: str) -> bool:
    """True when an incident of this grid, kind and source passes the query's filters.

    What lies outside the desk's scope passes none.
    """
    return (
        sees(desk, grid)
        and (query.grid is None or query.grid == (grid or UNLOCATED))
        and (query.kind is None or kind in (query.kinds or ()))
        and (query.source is None or source in (query.sources or ()))
        and (
            query.community is None
            or query.community == group_key(By.COMMUNITY, desk, grid, "", "")
        )
        and (query.area is None or lies_in(desk, query.area, grid))
    )


def sees(desk: Desk, grid: str) -> bool:
    """True when what happened in a grid is there at all, for whoever asks at this desk."""
    return desk.within is None or grid in desk.within


def in_scope(desk: Desk) -> ColumnElement[bool]:
    """The same, for the database."""
    return true() if desk.within is None else schema.incident.c.grid.in_(sorted(desk.within))


def lies_in(desk: Desk, area: str, grid: str) -> bool:
    """True when what happened in a grid happened in an area; ``not_on_map`` is one of its own."""
    return not grid if area == UNLOCATED else desk.areas.holds(area, grid)


def check_places(query: Query, desk: Desk) -> None:
    """Raise QueryError for an area that is not there, and for a level above the whole."""
    if query.area not in (None, UNLOCATED) and not desk.areas.knows(query.area or ""):
        top = desk.areas.top
        raise QueryError(
            f"area = {query.area!r}: there is no such area; "
            f"use a code of an area or grid in {top.code!r}, or {UNLOCATED!r}"
        )
    level = _LEVELS.get(query.by) if query.by is not None else None
    if level is not None and level.depth < desk.areas.top.level.depth:
        here = [str(by) for by, one in _LEVELS.items() if one.depth >= desk.areas.top.level.depth]
        raise QueryError(
            f"by = {str(query.by)!r}: the whole is a {desk.areas.top.level}; "
            f"use one of: {', '.join([*here, 'grid'])}"
        )


def passes(incident: Incident, query: Query, desk: Desk) -> bool:
    """True when an incident passes the query's filters, whenever it began."""
    return (
        matches(query, desk, incident.grid, incident.kind or "", incident.source)
        and on_shift(query, desk, incident.t0.at)
        and query.takes(incident.severity, closed=incident.closed_at is not None)
    )


def severities(text: str | None) -> str | None:
    """A filter's severities as they were given.

    Raises QueryError when one is no whole number from 0, none, to 15.
    """
    for part in (text or "").split(","):
        if text and not (part.isdecimal() and part.isascii() and int(part) <= SEVERITY_MASK):
            raise QueryError(
                f"severity = {text!r}: must be numbers from 1 to {SEVERITY_MASK}, "
                "0 for none, with commas between"
            )
    return text


def group_key(by: By | None, desk: Desk, grid: str, kind: str, source: str) -> str:
    """The key of the group that an incident of this grid, kind and source belongs to."""
    if by is None:
        return "all"
    if by is By.GRID:
        return grid or UNLOCATED
    level = _LEVELS.get(by)
    if level is not None:
        return desk.areas.at(level, grid) or (f"no_{by}" if grid else UNLOCATED)
    return {By.KIND: kind, By.SOURCE: source}[by]


def group_at(by: By | None, desk: Desk, moment: datetime, grid: str, kind: str, source: str) -> str:
    """The key of the group of an incident that began at a moment."""
    if by is By.SHIFT:
        return desk.shift_at(moment)
    return group_key(by, desk, grid, kind, source)


def spans(query: Query, desk: Desk) -> list[Span]:
    """When an incident that is asked for may have begun: the window, or a shift's part of it.

    Raises QueryError when a question by shift cannot be answered.
    """
    if query.shift is None:
        return [query.window]
    checked(query.window, desk.shifts, query.shift)
    return spans_of(query.shift, query.window, desk.shifts, desk.zone)


def on_shift(query: Query, desk: Desk, moment: datetime) -> bool:
    """True when what began at a moment passes the query's filter by shift."""
    return query.shift is None or desk.shift_at(moment) == query.shift
