"""Putting incidents into grids, by position or by the owner's own code."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from pipelines.geo.grids import Grids
from pipelines.geo.history import GridHistory
from pipelines.model.fact import Flag, Reason, Statement
from pipelines.model.incident import Incident
from pipelines.model.place import NOT_ON_MAP, Place
from pipelines.store.rows import to_ms


class Spot(NamedTuple):
    """The grid of a place, and whether it lies outside all grids and so belongs to others."""

    grid: str = NOT_ON_MAP
    is_elsewhere: bool = False

    def excluded(self, reason: Reason | None) -> Reason | None:
        """Why an incident here is left out, when ``reason`` is what its source says about that."""
        return reason or Reason.OTHER_JURISDICTION if self.is_elsewhere else reason


def placed(incidents: Sequence[Incident], grids: GridHistory) -> list[Incident]:
    """The incidents, each with the grid of its day."""
    places = [incident.place for incident in incidents]
    began = [to_ms(incident.t0.at) for incident in incidents] if grids.has_several else ()
    spots = spots_of(places, began, grids)
    return [
        incident
        if spot == _NOWHERE
        else replace(incident, grid=spot.grid, excluded=spot.excluded(incident.excluded))
        for incident, spot in zip(incidents, spots, strict=True)
    ]


def spots_of(places: Sequence[Place], began: Sequence[int], grids: GridHistory) -> list[Spot]:
    """Where each place lies, by the boundaries of when it ``began``, in milliseconds.

    Boundaries that never changed need no moments.
    """
    if not grids.has_several:
        return _spots_of(places, grids.versions[0].grids)
    together: dict[int, list[int]] = {}
    for i, ms in enumerate(began):
        together.setdefault(grids.index_at(ms), []).append(i)
    spots = [_NOWHERE] * len(places)
    for version, members in together.items():
        found = _spots_of([places[i] for i in members], grids.versions[version].grids)
        for i, spot in zip(members, found, strict=True):
            spots[i] = spot
    return spots


def _spots_of(places: Sequence[Place], grids: Grids) -> list[Spot]:
    """Where each place lies, by one version of the boundaries.

    A position counts before a code. One that lies outside every grid is not on the map and
    belongs to another jurisdiction; without a position or a known code it is not on the map.
    """
    at = [i for i, place in enumerate(places) if place.lat is not None and place.lon is not None]
    found = grids.locate([(places[i].lat, places[i].lon) for i in at])  # type: ignore[misc]
    spots = [_by_code(place.grid, grids) if place.grid else _NOWHERE for place in places]
    known: dict[str, Spot] = {}
    for i, grid in zip(at, found, strict=True):
        if grid:
            spots[i] = known.get(grid) or known.setdefault(grid, Spot(grid))
        elif spots[i] is _NOWHERE and len(grids):
            spots[i] = _ELSEWHERE
    return spots


_NOWHERE = Spot()
_ELSEWHERE = Spot(is_elsewhere=True)


def _by_code(code: str, grids: Grids) -> Spot:
    return Spot(code) if grids.has(code) else _NOWHERE


def without_position(statement: Statement, doubt: str) -> Statement:
    """What a record says, but not where, which is in doubt; the doubt is kept with it."""
    place = statement.place or Place()
    flag = Flag("(position)", f"{place.lat}, {place.lon}", doubt)
    rest = place._replace(lat=None, lon=None)
    known = None if rest == Place() else rest
    return statement._replace(place=known, flags=(*statement.flags, flag))
