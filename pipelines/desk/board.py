"""The desk's board: one area or grid over one window, down to its incidents."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pipelines.desk.board_filters import (
    FILTERS,
    WINDOWS,
    Asked,
    Column,
    Shade,
    Step,
    Versus,
    asked,
    check,
    choice_of,
    days_asked,
    edges,
    shifted,
    step_of,
)
from pipelines.desk.board_map import BoardMap, MapDesk, place_filter, read_map
from pipelines.desk.listing import Listing, OrderMemory, RowMemory, read_listing
from pipelines.figures.census import Census, CensusMemory, Chosen, Place
from pipelines.figures.groups import BY_LEVEL, NO_KIND, NOWHERE, Desk, check_places, in_scope, sees
from pipelines.figures.query import UNLOCATED, By, Query, group_key
from pipelines.geo.history import GridHistory
from pipelines.installation import Installation
from pipelines.kpis import Value, figures
from pipelines.model.area import AreaTree
from pipelines.model.clock import Reading
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.tally import ClockTally
from pipelines.privacy.clearance import LEAST, Clearance
from pipelines.snapshot import Names
from pipelines.store.buckets import Span
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader

__all__ = [
    "FILTERS",
    "WINDOWS",
    "Bar",
    "Board",
    "BoardDesk",
    "BoardTile",
    "Choice",
    "Part",
    "check",
    "choice_of",
    "choices_of",
    "crumbs_of",
    "read_board",
    "read_page",
]

Figures = Mapping[str, Value]
T = TypeVar("T")

_BARS_MOST = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardTile:
    """The figures of one target, and those of the span it is compared with."""

    milestone: Milestone
    target_s: int
    figures: Figures
    before: Figures | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One area, grid or kind of the scope; ``code`` is a filter's value."""

    code: str
    names: Names
    incidents: int
    figures: Figures
    before: Figures | None
    is_named: bool
    shape: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """What was reported in one hour, day, week or month, and in the one it is compared with."""

    start: datetime
    end: datetime
    incidents: int
    figures: Figures
    before: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One value a filter can have; an empty code stands for all."""

    code: str
    names: Names


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """What the desk's page is drawn from.

    ``crumbs`` lead from the whole to the scope. ``parts_by`` says whether ``parts`` are streets,
    communities or grids; a grid has none. ``rows_total`` is how many incidents the list has, and
    ``rows_token`` another text whenever they are others. ``grids_changed_at`` is when the present
    boundaries came into force, where others were valid in some of the window.
    """

    now: datetime
    next_change_at: datetime | None
    grids_version: str
    time_zone: str
    area_names: Names
    labels: tuple[str, ...]
    filters: Mapping[str, str]
    milestone: Milestone
    reading: Reading
    window: str
    start: datetime
    end: datetime
    versus: Versus
    before: Span | None
    shade: Shade
    sort: str
    columns: tuple[Column, ...]
    crumbs: tuple[tuple[Mapping[str, str], Names], ...]
    incidents: int
    tiles: tuple[BoardTile, ...]
    parts_by: By | None
    parts: tuple[Part, ...]
    by_kind: tuple[Part, ...]
    step: Step
    bars: tuple[Bar, ...]
    map: BoardMap
    rows_total: int
    rows_token: str
    kinds: tuple[Choice, ...]
    sources: tuple[Choice, ...]
    grids_changed_at: datetime | None = None


class BoardDesk:
    """What is kept between two boards: censuses just taken, and the map's places."""

    def __init__(self, installation: Installation) -> None:
        self.memory = CensusMemory()
        self.orders = OrderMemory()
        self.rows = RowMemory()
        self.maps = MapDesk(installation)


def read_board(
    reader: Reader,
    installation: Installation,
    filters: Mapping[str, str],
    *,
    now: datetime,
    desk: BoardDesk | None = None,
    version: int | None = None,
    clearance: Clearance = LEAST,
) -> Board:
    """The board that a URL's filters ask for, as ``clearance`` may see it.

    With the store's ``version`` its census is shared with other boards of the same moment.
    Raises QueryError naming parameter, value and what is allowed.
    """
    return _Reading(reader, installation, filters, now, desk, version, clearance).board()


def read_page(
    reader: Reader,
    installation: Installation,
    filters: Mapping[str, str],
    *,
    now: datetime,
    desk: BoardDesk | None = None,
    version: int | None = None,
    clearance: Clearance = LEAST,
) -> Listing:
    """The list of the same board: exactly the incidents that it counts.

    Raises QueryError naming parameter, value and what is allowed.
    """
    reading = _Reading(reader, installation, filters, now, desk, version, clearance, compares=False)
    return reading.listing()


class _Reading:
    """One board while it is read."""

    def __init__(
        self,
        reader: Reader,
        installation: Installation,
        filters: Mapping[str, str],
        now: datetime,
        desk: BoardDesk | None,
        version: int | None,
        clearance: Clearance,
        *,
        compares: bool = True,
    ) -> None:
        self._reader = reader
        self._installation = installation
        self._filters = filters
        self._desk = desk or BoardDesk(installation)
        self._version = version
        self._clearance = clearance
        zone = installation.desk.zone
        now = self._desk.memory.moment(now, version)
        self._asked = _from_the_first(reader, installation.desk, asked(filters, now=now, zone=zone))
        self._query = self._asked.query
        check_places(self._query, installation.desk)
        self._clock = (self._query.milestone, self._query.reading)
        census = self._census(self._query)
        self._now = census.as_of
        self._here = census.chosen(self._query, installation.desk)
        self._there = self._compared() if compares else None

    def board(self) -> Board:
        """Everything the page shows."""
        settings, query, wanted = self._installation.settings, self._query, self._asked
        begin, end = query.window
        listing = self.listing()
        step = step_of(end - begin)
        parts_by = self._parts_by()
        return Board(
            now=self._now,
            next_change_at=None,
            grids_version=self._installation.chart_at(self._now).cells.version,
            grids_changed_at=_changed_at(self._installation.grids, query, self._now),
            time_zone=str(self._installation.desk.zone),
            area_names=self._installation.desk.areas.top.names,
            labels=settings.labels,
            filters={name: self._filters[name] for name in FILTERS if self._filters.get(name)},
            milestone=query.milestone,
            reading=query.reading,
            window=wanted.window,
            start=begin,
            end=end,
            versus=wanted.versus,
            before=wanted.before,
            shade=wanted.shade,
            sort=wanted.sort,
            columns=wanted.columns,
            crumbs=crumbs_of(self._installation, query),
            incidents=len(self._here),
            tiles=tuple(self._tile(milestone) for milestone in TARGETED),
            parts_by=parts_by,
            parts=() if parts_by is None else self._once(parts_by, lambda: self._parts(parts_by)),
            by_kind=self._once("kinds", self._kinds),
            step=step,
            bars=self._once(
                "bars",
                lambda: self._bars(edges(begin, end, step, self._installation.desk.zone)),
            ),
            map=read_map(
                self._installation,
                self._desk.maps,
                wanted,
                here=self._here,
                listing=listing,
            ),
            rows_total=listing.total,
            rows_token=listing.token,
            kinds=choices_of({code: kind.name.as_dict() for code, kind in settings.kinds.items()}),
            sources=choices_of({one.id: one.names for one in self._installation.sources}),
        )

    def _once(self, what: Hashable, make: Callable[[], T]) -> T:
        """What is the same on every board of these incidents, target and span to compare with."""
        return self._here.once((what, *self._clock, self._asked.before), make)

    def listing(self) -> Listing:
        """The incidents of its list."""
        return read_listing(
            self._reader,
            self._installation,
            self._asked,
            self._here,
            memory=self._desk.orders,
            rows=self._desk.rows,
            clearance=self._clearance,
        )

    def _census(self, query: Query) -> Census:
        return self._desk.memory.census(
            self._reader, self._installation.desk, query, version=self._version
        )

    def _compared(self) -> Chosen | None:
        if self._asked.before is None:
            return None
        begin, end = self._asked.before
        query = replace(self._query, start=begin, end=end, as_of=self._now)
        return self._census(query).chosen(query, self._installation.desk)

    def _tile(self, milestone: Milestone) -> BoardTile:
        limit = self._installation.desk.rules.within[milestone]
        reading = self._query.reading
        there = self._there
        return BoardTile(
            milestone=milestone,
            target_s=int(limit.total_seconds()) if isinstance(limit, timedelta) else 0,
            figures=_figures(self._here, milestone, reading),
            before=None if there is None else _figures(there, milestone, reading),
        )

    def _parts_by(self) -> By | None:
        """A district is parted into streets, a street into communities, a community into grids.

        A grid is parted into nothing.
        """
        areas, query = self._installation.desk.areas, self._query
        if query.grid is not None or (query.area is not None and areas.get(query.area) is None):
            return None
        level = areas.below(scope_of(query, areas))
        return By.GRID if level is None else BY_LEVEL[level]

    def _parts(self, by: By) -> tuple[Part, ...]:
        desk, areas = self._installation.desk, self._installation.desk.areas
        scope = scope_of(self._query, areas)
        found = self._each("grid", lambda grid: group_key(by, desk, grid, "", ""))
        known: dict[str, Names]
        if by is By.GRID:
            grids = self._installation.grids
            valid = {grid.code for grid in grids.at(self._now)} | found.keys()
            known = {code: grids.get(code).names for code in areas.grids(scope) if code in valid}
        else:
            known = {a.code: a.names for a in areas.children(scope) if BY_LEVEL.get(a.level) is by}
        parts = [self._part(code, known[code], found) for code in sorted(known)]
        if by is By.GRID and not known:  # without a boundary file the owner's own codes are named
            owned = sorted(found.keys() - set(NOWHERE))
            parts += [self._part(code, {"zh": code, "en": code}, found) for code in owned]
        parts += [
            replace(self._part(key, {}, found), is_named=False) for key in NOWHERE if key in found
        ]
        return tuple(parts)

    def _kinds(self) -> tuple[Part, ...]:
        """What there was of each kind, in the order of the configuration."""
        kinds = self._installation.settings.kinds
        found = self._each("kind", lambda kind: kind or NO_KIND)
        order = [code for code in kinds if code in found]
        rest = sorted(found.keys() - set(order) - {NO_KIND})
        parts = [
            replace(
                self._part(code, kinds[code].name.as_dict(), found), shape=str(kinds[code].shape)
            )
            for code in order
        ]
        parts += [self._part(code, {"zh": code, "en": code}, found) for code in rest]
        if NO_KIND in found:
            parts.append(replace(self._part(NO_KIND, {}, found), is_named=False))
        return tuple(parts)

    def _each(self, place: Place, key: Callable[[str], str]) -> "dict[str, _Counted]":
        there = {} if self._there is None else self._there.by_place(*self._clock, place, key)
        here = self._here.by_place(*self._clock, place, key)
        return {
            name: _Counted(part.incidents, part.tally, there[name].tally if name in there else None)
            for name, part in here.items()
        }

    def _part(self, code: str, names: Names, found: "Mapping[str, _Counted]") -> Part:
        counted = found.get(code, _NOTHING)
        compared = self._there is not None
        return Part(
            code=code,
            names=names,
            incidents=counted.incidents,
            figures=figures(counted.tally),
            before=figures(counted.before or ClockTally({})) if compared else None,
            is_named=True,
        )

    def _bars(self, marks: Sequence[datetime]) -> tuple[Bar, ...]:
        marks = marks[-_BARS_MOST - 1 :]
        counted = self._here.by_span(*self._clock, marks)
        before: list[int | None] = [None] * len(counted)
        if self._there is not None:
            days = days_asked(self._query, self._asked.window)
            zone = self._installation.desk.zone
            earlier = [shifted(mark, self._asked.versus, days, zone) for mark in marks]
            before = [part.incidents for part in self._there.by_span(*self._clock, earlier)]
        return tuple(
            Bar(
                start=start,
                end=end,
                incidents=part.incidents,
                figures=figures(part.tally),
                before=compared,
            )
            for start, end, part, compared in zip(marks, marks[1:], counted, before, strict=False)
        )


def _figures(chosen: Chosen, milestone: Milestone, reading: Reading) -> Figures:
    what = ("figures", milestone, reading)
    return chosen.once(what, lambda: figures(chosen.tally(milestone, reading)))


@dataclass(frozen=True, slots=True)
class _Counted:
    incidents: int
    tally: ClockTally
    before: ClockTally | None


_NOTHING = _Counted(0, ClockTally({}), None)


def _from_the_first(reader: Reader, desk: Desk, wanted: Asked) -> Asked:
    """A window without a beginning begins with the first incident there is, in the scope."""
    if wanted.query.start is not None:
        return wanted
    first: Any = reader.incident_rows(in_scope(desk), limit=1)
    start = from_ms(first[0].t0_ms) if first else wanted.query.as_of
    end = wanted.query.window[1]
    return replace(wanted, query=replace(wanted.query, start=min(start, end)))


def _changed_at(grids: GridHistory, query: Query, now: datetime) -> datetime | None:
    """When the boundaries that are valid now came into force, if others count in the window."""
    present = grids.versions[grids.index_at(to_ms(now))]
    then = grids.between(*query.window)
    is_same = all(v.grids.boundaries == present.grids.boundaries for v in then)
    return None if is_same else present.valid_from


def scope_of(query: Query, areas: AreaTree) -> str:
    """The narrowest area that is asked for; the whole where none is."""
    asked_for = [code for code in (query.community, query.area) if code is not None]
    return asked_for[0] if asked_for else areas.top.code


def crumbs_of(
    installation: Installation, query: Query
) -> tuple[tuple[Mapping[str, str], Names], ...]:
    """The way from the whole to where the query is, each with its filter."""
    areas = installation.desk.areas
    crumbs: list[tuple[Mapping[str, str], Names]] = [({}, areas.top.names)]
    is_grid = query.grid is not None and query.grid != UNLOCATED
    place = query.grid if is_grid else query.community or query.area
    line = areas.path(place or "")[1:]
    crumbs += [(place_filter(area), area.names) for area in line]
    if query.area is not None and areas.get(query.area) is None:
        crumbs.append(({"area": query.area}, _grid(installation, query.area)))
    if query.community is not None and areas.get(query.community) is None:
        names = {"zh": query.community, "en": query.community}
        crumbs.append(({"community": query.community}, names))
    if query.grid is not None:
        crumbs.append(({"grid": query.grid}, _grid(installation, query.grid)))
    return tuple(crumbs)


def _grid(installation: Installation, code: str) -> Names:
    if not sees(installation.desk, code):
        return {"zh": code, "en": code}
    return installation.grids.get(code).names


def choices_of(named: Mapping[str, Names]) -> tuple[Choice, ...]:
    """The values of a filter, in the order of the configuration."""
    return tuple(Choice(code=code, names=names) for code, names in named.items())
