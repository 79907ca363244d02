"""The map of a board: its grids by a figure, and the incidents of its list, thinned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any

from pipelines.desk.board_filters import Asked, Shade
from pipelines.desk.listing import Listing
from pipelines.figures.census import Chosen, Part
from pipelines.figures.query import UNLOCATED
from pipelines.geo.camera import camera_over, extent_over
from pipelines.installation import Installation
from pipelines.kpis.comparison import shrunk
from pipelines.model.area import Area, AreaLevel, AreaTree
from pipelines.snapshot import MapView, Names
from pipelines.wall.overview import camera_of

STEPS = 5
"""How many colours there are; the first is for nothing, or for the best."""
RATE_STEPS = (0.98, 0.95, 0.90, 0.80)
"""Shrunk rates below which the next colour begins."""
_MARKS_FROM = 400
"""How many of the newest incidents are looked at for marks."""
_LISTS_MOST = 256
_CELLS = 26
"""A cell of so many across the map has one mark."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shaded:
    """One grid or part: its value by the figure the map is coloured by, and its colour.

    ``way`` is the filter that a click leads to. ``n`` is how many cases stand behind the value.
    ``step`` is None where there is nothing to measure.
    """

    code: str
    names: Names
    way: Mapping[str, str]
    value: float
    n: int
    step: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Where an incident of the list is, and for how many others near it it stands."""

    id: str
    shape: str
    verdict: str
    kind_names: Names
    lat: float
    lon: float
    others: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardMap:
    """What the map shows. ``bounds`` are the least values of the colours after the first."""

    view: MapView
    shade: Shade
    bounds: tuple[float, ...]
    grids: tuple[Shaded, ...]
    n: int
    not_on_map: int
    marks: tuple[Mark, ...]
    marked_from: int


class MapDesk:
    """The cameras, which seldom change, and the marks of lists that have not changed."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._closer: dict[tuple[str, str], MapView] = {}
        self._marks: dict[str, tuple[tuple[Mark, ...], int]] = {}

    def camera(self, area: str | None, now: datetime) -> MapView:
        """Where the map looks: at the whole, or at one area of it."""
        whole = camera_of(self._installation, now)
        if area is None or area == self._installation.desk.areas.top.code:
            return whole
        key = (whole.grids_version, area)
        if key not in self._closer:
            self._closer[key] = self._look(whole, area, now)
        near = self._closer[key]
        return replace(whole, lat=near.lat, lon=near.lon, zoom=near.zoom, extent=near.extent)

    def _look(self, whole: MapView, area: str, now: datetime) -> MapView:
        grids, bearing = self._installation.chart_at(now).grids, whole.bearing
        corners = grids.corners_of(frozenset(self._installation.desk.areas.grids(area)))
        if not corners:
            return whole
        lat, lon, zoom = camera_over(corners, bearing=bearing)
        extent = extent_over(corners, bearing=bearing)
        return replace(whole, lat=lat, lon=lon, zoom=zoom, extent=extent)

    def marks(self, listing: Listing) -> tuple[tuple[Mark, ...], int]:
        """The marks of a list, and how many incidents they were chosen from."""
        if listing.token not in self._marks:
            if len(self._marks) > _LISTS_MOST:
                self._marks.clear()
            rows = listing.page(0, _MARKS_FROM)
            self._marks[listing.token] = (_thinned(rows, self._installation), len(rows))
        return self._marks[listing.token]


def read_map(
    installation: Installation, desk: MapDesk, asked: Asked, *, here: Chosen, listing: Listing
) -> BoardMap:
    """The map of a board, of which ``here`` are all incidents."""
    query, areas = asked.query, installation.desk.areas
    chart = installation.chart_at(query.as_of)
    cell_of = {grid: cell for cell, grids in chart.members.items() for grid in grids}
    clock = (query.milestone, query.reading)
    by_cell = here.once(
        ("by cell", *clock),
        lambda: here.by_place(*clock, "grid", lambda grid: cell_of.get(grid, UNLOCATED)),
    )
    scope = query.community or query.area
    if query.grid is not None and (line := areas.path(query.grid)):
        scope = line[-1].code
    values = here.once(("shades", *clock, asked.shade), lambda: _values(by_cell, asked.shade))
    bounds = _bounds(values, asked.shade)
    marks, marked_from = desk.marks(listing)
    return BoardMap(
        view=desk.camera(scope, query.as_of),
        shade=asked.shade,
        bounds=bounds,
        grids=tuple(
            Shaded(
                code=cell.code,
                names=cell.names,
                way=_way(areas, scope or areas.top.code, cell.code),
                value=values[cell.code][0] if cell.code in values else 0.0,
                n=values[cell.code][1] if cell.code in values else 0,
                step=_step(values.get(cell.code), bounds, asked.shade),
            )
            for cell in chart.cells
        ),
        n=sum(n for _, n in values.values()),
        not_on_map=by_cell[UNLOCATED].incidents if UNLOCATED in by_cell else 0,
        marks=marks,
        marked_from=marked_from,
    )


def _way(areas: AreaTree, scope: str, cell: str) -> dict[str, str]:
    """The filter one step nearer to a grid or part: from a street its community, then the grid."""
    codes = [area.code for area in areas.path(cell)]
    following = codes.index(scope) + 1 if scope in codes else len(codes) - 1
    if 0 < following < len(codes):
        return place_filter(areas.path(cell)[following])
    area = areas.get(cell)
    return {"grid": cell} if area is None else place_filter(area)


def place_filter(area: Area) -> dict[str, str]:
    """The filter that leaves one area alone."""
    return {"community" if area.level is AreaLevel.COMMUNITY else "area": area.code}


def _values(by_cell: Mapping[str, Part], shade: Shade) -> dict[str, tuple[float, int]]:
    """The value of each grid on the map that has one, and how many cases stand behind it."""
    located = {code: part for code, part in by_cell.items() if code != UNLOCATED}
    if shade is Shade.INCIDENTS:
        return {code: (part.incidents, part.incidents) for code, part in located.items()}
    known = {code: part.tally.hit + part.tally.miss for code, part in located.items()}
    if shade is Shade.MISSED:
        return {code: (p.tally.miss, known[code]) for code, p in located.items() if known[code]}
    found = shrunk({code: (part.tally.hit, known[code]) for code, part in located.items()})
    return {code: (rate, known[code]) for code, rate in found.items()}


def _bounds(values: Mapping[str, tuple[float, int]], shade: Shade) -> tuple[float, ...]:
    if shade is Shade.RATE:
        return RATE_STEPS
    most = max((value for value, _ in values.values()), default=0)
    return tuple(float(bound) for bound in _counts_from(int(most)))


def _counts_from(most: int) -> Sequence[int]:
    """Whole numbers from one on that part the counts up to ``most``, none twice."""
    width = _round(most / (STEPS - 1))
    return list(dict.fromkeys(1 + i * width for i in range(STEPS - 1)))


def _round(width: float) -> int:
    """The next of 1, 2, 3, 5, 10, 20, 30, 50 and so on."""
    unit = 1
    while True:
        for step in (1, 2, 3, 5):
            if step * unit >= width:
                return step * unit
        unit *= 10


def _step(found: tuple[float, int] | None, bounds: Sequence[float], shade: Shade) -> int | None:
    if shade is Shade.RATE:
        return None if found is None else sum(found[0] < bound for bound in bounds)
    value = 0.0 if found is None else found[0]
    return sum(value >= bound for bound in bounds)


def _thinned(rows: Sequence[Mapping[str, Any]], installation: Installation) -> tuple[Mark, ...]:
    """One mark a cell, the newest of its incidents; where misses lie among them, a miss."""
    located = [row for row in rows if row["lat"] is not None and row["lon"] is not None]
    if not located:
        return ()
    points = [(row["lon"], row["lat"]) for row in located]
    wide = max(lon for lon, _ in points) - min(lon for lon, _ in points)
    size = max(wide / _CELLS, 1e-6)
    cells: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for row in located:
        cells.setdefault((ceil(row["lat"] / size), ceil(row["lon"] / size)), []).append(row)
    kinds = installation.settings.kinds
    marks = []
    for several in cells.values():
        row = next((one for one in several if one["verdict"] == "miss"), several[0])
        code = row["kind"] or ""
        kind = kinds.get(code)
        marks.append(
            Mark(
                id=row["id"],
                shape=kind.shape if kind else "square",
                verdict=row["verdict"],
                kind_names=kind.name.as_dict() if kind else {"zh": code or "—", "en": code or "—"},
                lat=row["lat"],
                lon=row["lon"],
                others=len(several) - 1,
            )
        )
    return tuple(marks)
