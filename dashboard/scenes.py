"""What one view shows of the wall's picture: which scene, in which theme, with which camera.

The scene is decided once, by the clock of the server, and drawn once a view: every wall of a room
shows the same, changes at the same moment, and needs no message to agree. A screen that a person
touches asks for a view with one scene instead, and so stays live while it stands still.
"""

from collections.abc import Mapping
from dataclasses import replace

from pipelines.snapshot import CommunityState, MapView, Snapshot, Stage

SCENES = ("overview", "fire", "complaints", "figures", "community")
INCIDENT = "incident"
"""The scene of an incident that has taken over; nobody can ask for it."""
THEMES = ("dark", "light", "auto")
_CLOSER = 2.0
"""Zoom levels by which the camera moves in on an incident."""
_CLOSEST = 17.0


def looked_at(snapshot: Snapshot, looks: Mapping[str, str]) -> Snapshot:
    """The snapshot as a view with these looks shows it."""
    stage = _stage(snapshot, looks.get("scene"))
    theme = looks.get("theme") or stage.theme
    if theme == "auto":
        theme = "dark" if stage.is_night else "light"
    stage = replace(stage, theme=theme)
    return replace(snapshot, stage=stage, map=_camera(snapshot, stage))


def _stage(snapshot: Snapshot, wanted: str | None) -> Stage:
    stage = snapshot.stage
    if wanted is not None:
        scene, _, code = wanted.partition(":")
        community = (code or _first(snapshot)) if scene == "community" else ""
        return replace(stage, scene=scene, community=community, rotates=False, until=None)
    if snapshot.critical:
        until = max(critical.until for critical in snapshot.critical)
        return replace(stage, scene=INCIDENT, community="", until=until)
    return stage


def _first(snapshot: Snapshot) -> str:
    board = snapshot.communities
    return board.communities[0].code if board is not None and board.communities else ""


def _camera(snapshot: Snapshot, stage: Stage) -> MapView:
    """Where the scene looks; anything without a place is looked at from where one sees all."""
    view = snapshot.map
    if stage.scene == INCIDENT:
        incident = snapshot.critical[0].incident
        if incident.lat is None or incident.lon is None:
            return view
        zoom = min(view.zoom + _CLOSER, _CLOSEST)
        return replace(view, lat=incident.lat, lon=incident.lon, zoom=zoom, extent=None)
    place = _in_turn(snapshot, stage)
    if place is None or place.lat is None or place.lon is None or place.zoom is None:
        return view
    return replace(view, lat=place.lat, lon=place.lon, zoom=place.zoom, extent=place.extent)


def _in_turn(snapshot: Snapshot, stage: Stage) -> CommunityState | None:
    board = snapshot.communities
    if board is None or stage.scene != "community":
        return None
    return next((c for c in board.communities if c.code == stage.community), None)
