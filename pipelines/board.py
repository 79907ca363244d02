"""The desk's board: one area or grid over one window, down to its incidents."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.clearance import LEAST, Clearance
from pipelines.errors import QueryError
from pipelines.geo.history import GridHistory
from pipelines.groups import BY_LEVEL, NOWHERE
from pipelines.installation import Installation
from pipelines.kpis import Value
from pipelines.model.area import Area, AreaLevel, AreaTree
from pipelines.model.clock import Reading, Verdict
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.privacy import in_rows
from pipelines.query import UNLOCATED, By, Query, kpi, newest
from pipelines.snapshot import Names
from pipelines.store.rows import to_ms
from pipelines.store.store import Reader
from pipelines.windows import bounds, days_of, midnight

Figures = Mapping[str, Value]

WINDOWS = ("today", "yesterday", "7d", "30d", "90d", "365d")
"""What a board can look at; days end now, and begin at a local midnight."""
DEFAULT_WINDOW = "30d"
FILTERS = (
    "area",
    "community",
    "grid",
    "kind",
    "source",
    "window",
    "milestone",
    "reading",
    "verdict",
    "q",
)
"""The parameters of a board's URL."""

ROWS_MOST = 200
_BARS_OF_HOURS = 2
"""Up to so many days are drawn by the hour, longer windows by the day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardTile:
    """The figures of one target, and those of the same span one window earlier."""

    milestone: Milestone
    target_s: int
    figures: Figures
    before: Figures


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One area or grid of the scope; ``code`` is a filter's value."""

    code: str
    names: Names
    figures: Figures
    is_place: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """What was reported in one hour or day, and how many of those missed the target."""

    start: datetime
    figures: Figures


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardRow:
    """One incident of the list, masked."""

    id: str
    kind_names: Names
    shape: str
    t0: datetime
    grid_names: Names
    text: str
    verdict: Verdict
    seconds: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One value a filter can have; an empty code stands for all."""

    code: str
    names: Names


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """What the desk's page is drawn from.

    ``crumbs`` lead from the whole to the scope. ``parts_by`` says whether ``parts`` are streets,
    communities or grids; a grid has none. ``rows`` are the newest, of ``rows_total`` or more.
    ``grids_changed_at`` is when the present boundaries came into force, where others were valid in
    some of the window.
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
    crumbs: tuple[tuple[Mapping[str, str], Names], ...]
    tiles: tuple[BoardTile, ...]
    parts_by: By | None
    parts: tuple[Part, ...]
    bars: tuple[Bar, ...]
    by_hour: bool
    rows: tuple[BoardRow, ...]
    more_rows: bool
    kinds: tuple[Choice, ...]
    sources: tuple[Choice, ...]
    grids_changed_at: datetime | None = None


def check(filters: Mapping[str, str]) -> None:
    """Raise QueryError naming parameter, value and what is allowed, when a filter has none."""
    choice_of(filters, "window", WINDOWS, DEFAULT_WINDOW)
    choice_of(filters, "milestone", TARGETED, Milestone.ARRIVED)
    choice_of(filters, "reading", Reading, Reading.CUMULATIVE)
    _verdict(filters)


def read_board(
    reader: Reader,
    installation: Installation,
    filters: Mapping[str, str],
    *,
    now: datetime,
    clearance: Clearance = LEAST,
) -> Board:
    """The board that a URL's filters ask for, as ``clearance`` may see it.

    Raises QueryError naming parameter, value and what is allowed.
    """
    settings, desk = installation.settings, installation.desk
    window = choice_of(filters, "window", WINDOWS, DEFAULT_WINDOW)
    start, end = bounds(window, now, desk.zone)
    query = Query(
        as_of=now,
        start=start,
        end=end,
        milestone=Milestone(choice_of(filters, "milestone", TARGETED, Milestone.ARRIVED)),
        reading=Reading(choice_of(filters, "reading", Reading, Reading.CUMULATIVE)),
        verdict=_verdict(filters),
        area=filters.get("area") or None,
        community=filters.get("community") or None,
        grid=filters.get("grid") or None,
        kind=filters.get("kind") or None,
        source=filters.get("source") or None,
    )
    parts_by = _parts_by(installation, query)
    rows, more = _listed(reader, installation, query, filters.get("q") or None, clearance)
    by_hour = (query.window[1] - query.window[0]) <= timedelta(days=_BARS_OF_HOURS)
    return Board(
        now=now,
        next_change_at=None,
        grids_version=installation.chart_at(now).cells.version,
        time_zone=str(desk.zone),
        area_names=settings.area.name.as_dict(),
        labels=settings.labels,
        filters={name: filters[name] for name in FILTERS if filters.get(name)},
        milestone=query.milestone,
        reading=query.reading,
        window=window,
        start=query.window[0],
        crumbs=crumbs_of(installation, query),
        tiles=tuple(
            _tile(reader, installation, query, milestone, window) for milestone in TARGETED
        ),
        parts_by=parts_by,
        parts=() if parts_by is None else _parts(reader, installation, query, parts_by),
        bars=_bars(reader, installation, query, by_hour=by_hour),
        by_hour=by_hour,
        rows=tuple(_row(row, installation) for row in rows),
        more_rows=more,
        kinds=choices_of({code: kind.name.as_dict() for code, kind in settings.kinds.items()}),
        sources=choices_of({source.id: source.names for source in installation.sources}),
        grids_changed_at=_changed_at(installation.grids, query, now),
    )


def _changed_at(grids: GridHistory, query: Query, now: datetime) -> datetime | None:
    """When the boundaries that are valid now came into force, if others count in the window."""
    present = grids.versions[grids.index_at(to_ms(now))]
    then = grids.between(*query.window)
    is_same = all(v.grids.boundaries == present.grids.boundaries for v in then)
    return None if is_same else present.valid_from


def _listed(
    reader: Reader,
    installation: Installation,
    query: Query,
    sought: str | None,
    clearance: Clearance,
) -> tuple[list[dict[str, Any]], bool]:
    """The rows of the list, masked. What is sought must stand in what is shown.

    So a number that is masked cannot be found out by searching for it.
    """
    desk = installation.desk
    rows, more = newest(reader, query, desk, limit=ROWS_MOST, containing=sought)
    shown = [in_rows(row, installation.settings.sensitive_kinds, clearance) for row in rows]
    return [row for row in shown if sought is None or _has(row, sought)], more


def _has(row: Mapping[str, Any], sought: str) -> bool:
    texts = (row["incident_key"], row["title"], row["address"])
    return any(sought.lower() in text.lower() for text in texts if text)


def choice_of(filters: Mapping[str, str], name: str, allowed: Any, default: str) -> str:
    """The value of a filter; raises QueryError naming what is allowed."""
    value = filters.get(name) or default
    if value not in list(allowed):
        known = ", ".join(str(one) for one in allowed)
        raise QueryError(f"{name}={value!r} must be one of: {known}")
    return str(value)


def _verdict(filters: Mapping[str, str]) -> Verdict | None:
    if not filters.get("verdict"):
        return None
    return Verdict(choice_of(filters, "verdict", Verdict, ""))


def _parts_by(installation: Installation, query: Query) -> By | None:
    """A district is parted into streets, a street into communities, a community into grids.

    A grid is parted into nothing.
    """
    areas = installation.desk.areas
    if query.grid is not None or (query.area is not None and areas.get(query.area) is None):
        return None
    level = areas.below(_scope(query, areas))
    return By.GRID if level is None else BY_LEVEL[level]


def _scope(query: Query, areas: AreaTree) -> str:
    """The narrowest area that is asked for; the whole where none is."""
    asked = [code for code in (query.community, query.area) if code is not None]
    return asked[0] if asked else areas.top.code


def crumbs_of(
    installation: Installation, query: Query
) -> tuple[tuple[Mapping[str, str], Names], ...]:
    """The way from the whole to where the query is, each with its filter."""
    areas = installation.desk.areas
    crumbs: list[tuple[Mapping[str, str], Names]] = [
        ({}, installation.settings.area.name.as_dict())
    ]
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


def place_filter(area: Area) -> dict[str, str]:
    """The filter that leaves one area alone."""
    return {"community" if area.level is AreaLevel.COMMUNITY else "area": area.code}


def _grid(installation: Installation, code: str) -> Names:
    return installation.grids.get(code).names


def _earlier(moment: datetime, window: str, zone: ZoneInfo) -> datetime:
    """The same time of day as many days ago as the window has: yesterday's for today's."""
    local = moment.astimezone(zone) - timedelta(days=days_of(window))
    return local.astimezone(moment.tzinfo)


def _tile(
    reader: Reader, installation: Installation, query: Query, milestone: Milestone, window: str
) -> BoardTile:
    asked = replace(query, milestone=milestone, verdict=None)
    begin, end = (_earlier(moment, window, installation.desk.zone) for moment in asked.window)
    before = replace(asked, start=begin, end=end)
    limit = installation.desk.rules.within[milestone]
    return BoardTile(
        milestone=milestone,
        target_s=int(limit.total_seconds()) if isinstance(limit, timedelta) else 0,
        figures=_of_all(reader, installation, asked),
        before=_of_all(reader, installation, before),
    )


def _of_all(reader: Reader, installation: Installation, query: Query) -> Figures:
    (line,) = kpi(reader, query, installation.desk)
    return line


def _parts(reader: Reader, installation: Installation, query: Query, by: By) -> tuple[Part, ...]:
    lines = {line["key"]: line for line in kpi(reader, replace(query, by=by), installation.desk)}
    areas = installation.desk.areas
    scope = _scope(query, areas)
    known: dict[str, Names]
    if by is By.GRID:
        valid = {grid.code for grid in installation.grids.at(query.as_of)} | lines.keys()
        codes = (code for code in areas.grids(scope) if code in valid)
        known = {code: installation.grids.get(code).names for code in codes}
    else:
        known = {a.code: a.names for a in areas.children(scope) if BY_LEVEL.get(a.level) is by}
    nothing = _of_all(reader, installation, replace(query, start=query.as_of, end=query.as_of))
    parts = [
        Part(code=code, names=names, figures=lines.get(code, nothing), is_place=True)
        for code, names in sorted(known.items())
    ]
    elsewhere = [key for key in NOWHERE if key in lines]
    parts += [Part(code=k, names={}, figures=lines[k], is_place=False) for k in elsewhere]
    return tuple(parts)


def _bars(
    reader: Reader, installation: Installation, query: Query, *, by_hour: bool
) -> tuple[Bar, ...]:
    zone = installation.desk.zone
    begin, end = query.window
    bars = []
    while begin < end:
        after = _after(begin, zone, by_hour=by_hour)
        asked = replace(query, start=begin, end=after, verdict=None)
        bars.append(Bar(start=begin, figures=_of_all(reader, installation, asked)))
        begin = after
    return tuple(bars)


def _after(begin: datetime, zone: ZoneInfo, *, by_hour: bool) -> datetime:
    if by_hour:
        return begin + timedelta(hours=1)
    return midnight(begin, zone, ago=-1)


def _row(row: Mapping[str, Any], installation: Installation) -> BoardRow:
    settings = installation.settings
    code = row["kind"] or ""
    kind = settings.kinds.get(code)
    words = [part for part in (row["address"], row["title"]) if part]
    return BoardRow(
        id=row["id"],
        kind_names=kind.name.as_dict() if kind else {"zh": code or "—", "en": code or "—"},
        shape=kind.shape if kind else "square",
        t0=datetime.fromisoformat(row["t0"]),
        grid_names=installation.grids.get(row["grid"]).names if row["grid"] else {},
        text=" · ".join(dict.fromkeys(words)),
        verdict=Verdict(row["verdict"]),
        seconds=row["seconds"],
    )


def choices_of(named: Mapping[str, Names]) -> tuple[Choice, ...]:
    """The values of a filter, in the order of the configuration."""
    return tuple(Choice(code=code, names=names) for code, names in named.items())
