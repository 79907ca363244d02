"""Putting incidents into grids, by position or by the owner's own code."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from pipelines.geo.grids import Grids
from pipelines.model.fact import Reason
from pipelines.model.incident import Incident
from pipelines.model.place import NOT_ON_MAP, Place


class Spot(NamedTuple):
    """The grid of a place, and whether it lies outside all grids and so belongs to others."""

    grid: str = NOT_ON_MAP
    is_elsewhere: bool = False

    def excluded(self, reason: Reason | None) -> Reason | None:
        """Why an incident here is left out, when ``reason`` is what its source says about that."""
        return reason or Reason.OTHER_JURISDICTION if self.is_elsewhere else reason


def placed(incidents: Sequence[Incident], grids: Grids) -> list[Incident]:
    """The incidents, each with its grid."""
    spots = spots_of([incident.place for incident in incidents], grids)
    return [
        incident
        if spot == _NOWHERE
        else replace(incident, grid=spot.grid, excluded=spot.excluded(incident.excluded))
        for incident, spot in zip(incidents, spots, strict=True)
    ]


def spots_of(places: Sequence[Place], grids: Grids) -> list[Spot]:
    """Where each place lies.

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
