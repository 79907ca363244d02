"""Putting incidents into grids, by position or by the owner's own code."""

from collections.abc import Sequence
from dataclasses import replace

from pipelines.geo.grids import Grids
from pipelines.model.fact import Reason
from pipelines.model.incident import Incident
from pipelines.model.place import NOT_ON_MAP


def placed(incidents: Sequence[Incident], grids: Grids) -> list[Incident]:
    """The incidents, each with its grid.

    A position counts before a code. One that lies outside every grid is not on the map and
    belongs to another jurisdiction; without a position or a known code it is not on the map.
    """
    at = [i for i, incident in enumerate(incidents) if incident.place.has_position]
    points = [(incidents[i].place.lat, incidents[i].place.lon) for i in at]
    found = dict(zip(at, grids.locate(points), strict=True))  # type: ignore[arg-type]
    return [_in_grid(incident, found.get(i), grids) for i, incident in enumerate(incidents)]


def _in_grid(incident: Incident, found: str | None, grids: Grids) -> Incident:
    """``found`` is the grid of its position, empty outside all; None without a position."""
    own = incident.place.grid
    if found:
        return replace(incident, grid=found)
    if own is not None and grids.has(own):
        return replace(incident, grid=own)
    if found is not None and len(grids):
        reason = incident.excluded or Reason.OTHER_JURISDICTION
        return replace(incident, grid=NOT_ON_MAP, excluded=reason)
    return incident
