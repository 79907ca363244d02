"""A small map of one grid: its outline, what lies around it, and a few marks."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pipelines.geo.camera import camera_over, extent_over
from pipelines.installation import Installation
from pipelines.snapshot import GridState, MapView, Names
from pipelines.wall.overview import camera_of

_AROUND = 0.35
"""How much is seen beyond the grid, as a share of its size, on each side."""


class MarkRole(StrEnum):
    """What a mark stands for."""

    INCIDENT = "incident"
    UNIT = "unit"
    DEVICE = "device"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One point of the map; ``shape`` is that of an incident's kind."""

    role: MarkRole
    names: Names
    lat: float
    lon: float
    shape: str = "circle"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalMap:
    """The map of one grid, which is marked among the others.

    ``is_placed`` is False where nothing has a place, and the whole street is shown.
    """

    map: MapView
    grids: tuple[GridState, ...]
    marks: tuple[Mark, ...]
    is_placed: bool


def local_map(
    installation: Installation, code: str, marks: Iterable[Mark], *, now: datetime
) -> LocalMap:
    """The map around a grid and the incident; the whole street where neither has a place.

    A unit that is further away does not make everything else smaller.
    """
    given, chart = tuple(marks), installation.chart_at(now)
    here = [(mark.lon, mark.lat) for mark in given if mark.role is MarkRole.INCIDENT]
    points = [*chart.grids.corners_of((code,)), *here]
    whole = camera_of(installation, now)
    view = _closer(whole, _widened(points)) if points else whole
    grids = tuple(
        GridState(
            code=cell.code, names=cell.names, open=int(code in chart.members.get(cell.code, ()))
        )
        for cell in chart.cells
    )
    return LocalMap(map=view, grids=grids, marks=given, is_placed=bool(points))


def _closer(whole: MapView, points: list[tuple[float, float]]) -> MapView:
    lat, lon, zoom = camera_over(points, bearing=whole.bearing)
    extent = extent_over(points, bearing=whole.bearing)
    return replace(whole, lat=lat, lon=lon, zoom=zoom, extent=extent)


_LEAST_DEG = 0.001
"""A single point is seen with about a hundred metres around it."""


def _widened(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of a box around the points, with room on every side."""
    lons, lats = zip(*points, strict=True)
    wide = max((max(lons) - min(lons)) * _AROUND, _LEAST_DEG)
    high = max((max(lats) - min(lats)) * _AROUND, _LEAST_DEG)
    west, east = min(lons) - wide, max(lons) + wide
    south, north = min(lats) - high, max(lats) + high
    return [(west, south), (east, south), (east, north), (west, north)]
