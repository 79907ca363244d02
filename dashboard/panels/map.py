"""The map: grids coloured by open incidents, a marker an incident, a list that says the same."""

import json
from collections.abc import Mapping
from functools import lru_cache
from math import cos, radians

from dashboard.elements import html
from dashboard.figures.map import grid_map, grid_steps, ramp_step
from dashboard.geometry import camera, position, world
from dashboard.panels import points
from dashboard.panels.open_list import place_name, state_attributes, urgency
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from pipelines.snapshot import MapLabel, MapView, OpenIncident, Snapshot, Spot

_SHAPES = ("triangle", "square", "circle", "diamond")
_STATES = ("running", "warning", "missed", "plain")
_RAMP = ("0", "1", "2", "3+")


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """Colours by MapLibre; markers, labels and legend as elements over it, so they stay crisp."""
    return {
        "map-figure": {"figure": grid_map(snapshot.map, snapshot.stage.theme)},
        "map-grids": {"children": painted(grid_steps(snapshot))},
        "map-overlay": {"style": camera(snapshot.map)},
        "map-names": {"children": names(snapshot.map, say)},
        "map-north": {"children": north(snapshot.map, say)},
        "map-marks": {"children": _marks(snapshot, say)},
        "map-heading": {"children": _heading(snapshot, say)},
        "map-legend": {"children": _legend(snapshot, say)},
        "map-list": {"children": _list(snapshot, say)},
    }


def painted(steps: Mapping[str, int]) -> html.Div:
    """What colour each grid has that is not on step 0, for the script that paints them."""
    return html.Div(**data(steps=json.dumps(steps, ensure_ascii=False, separators=(",", ":"))))


def names(view: MapView, say: Say) -> list[html.Span]:
    """Every name with the places it may take; the page shows those that have room."""
    return [_name(label, view.bearing, say) for label in view.labels if label.spots]


def _name(label: MapLabel, bearing: float, say: Say) -> html.Span:
    first = label.spots[0]
    spots = _places(label.spots, bearing)
    room = label.room / 360 / cos(radians(first.lat))
    return html.Span(
        say.name(label.names),
        className=f"name name--{label.role.value}",
        style=position(first.lat, first.lon),
        **data(spots=spots, room=f"{room:.2e}"),
    )


# names never change while the product runs, and are drawn anew with every change of the map
@lru_cache(maxsize=1024)
def _places(spots: tuple[Spot, ...], bearing: float) -> str:
    return "|".join(_spot(spot, bearing) for spot in spots)


def _spot(spot: Spot, bearing: float) -> str:
    """World coordinates, and how far the text is turned, clockwise, never upside down."""
    x, y = world(spot.lat, spot.lon)
    turn = "" if spot.turn is None else f" {(spot.turn - bearing) % 180 - 90:.1f}"
    return f"{x:.8f} {y:.8f}{turn}"


def north(view: MapView, say: Say) -> list[object]:
    """Where north is, on a map that is turned."""
    if not view.bearing:
        return []
    turn = {"--north": f"{-view.bearing:g}deg"}
    return [html.I(className="north__arrow", style=turn), html.Span(say("map.north"))]


def _marks(snapshot: Snapshot, say: Say) -> list[html.I]:
    # The most urgent come last, so that they lie on top.
    critical = {one.incident.id for one in snapshot.critical}
    return [
        _mark(incident, incident.lat, incident.lon, incident.id in critical, say)
        for incident in reversed(snapshot.open)
        if incident.lat is not None and incident.lon is not None
    ]


def _mark(
    incident: OpenIncident,
    lat: float,
    lon: float,
    is_critical: bool,
    say: Say,
) -> html.I:
    kind = say.name(incident.kind_names)
    drill = " mark--drill" if incident.is_drill else ""
    critical = " mark--critical" if is_critical else ""
    return html.I(
        html.I(className=f"shape shape--{incident.shape}"),
        className=f"mark is-{urgency(incident)}{drill}{critical}",
        style=position(lat, lon),
        title=say("map.marker", kind=kind, place=place_name(incident, say)),
        **state_attributes(incident),
    )


def _heading(snapshot: Snapshot, say: Say) -> list[html.Span]:
    missing = snapshot.open_unlocated
    alert = " map__missing--some" if missing else ""
    left = say("map.title") if snapshot.map.has_grids else say("map.no_grids")
    return [
        html.Span(left, className="map__title"),
        html.Span(say("map.not_on_map", n=missing), className=f"map__missing{alert}"),
    ]


def _legend(snapshot: Snapshot, say: Say) -> list[html.Span]:
    steps = _steps(snapshot.map.step)
    ramp = [html.Span([html.I(className=f"swatch swatch--{i}"), t]) for i, t in enumerate(steps)]
    level = snapshot.map.level or "grid"
    kinds = [(shape, _kinds_of(shape, snapshot, say)) for shape in _SHAPES]
    shapes = [_shape_key(shape, called, say) for shape, called in kinds if called]
    states = [_state_key(state, say) for state in _STATES]
    return [
        html.Span(
            [*ramp, html.Em(say("map.per_area", area=say(f"area.{level}")))],
            className="legend__group",
        ),
        html.Span(shapes, className="legend__group"),
        html.Span(states, className="legend__group"),
        *_points(snapshot, say),
    ]


def _points(snapshot: Snapshot, say: Say) -> list[html.Span]:
    keys = points.keys(snapshot, say)
    return [html.Span(keys, className="legend__group")] if keys else []


def _steps(step: int) -> tuple[str, ...]:
    """What each colour of the ramp means, in numbers."""
    if step == 1:
        return _RAMP
    return ("0", f"1–{step}", f"{step + 1}–{2 * step}", f"{2 * step + 1}+")


def _kinds_of(shape: str, snapshot: Snapshot, say: Say) -> list[str]:
    return sorted({say.name(i.kind_names) for i in snapshot.open if i.shape == shape})


def _shape_key(shape: str, called: list[str], say: Say) -> html.Span:
    """A shape with the one kind that has it now, or with what all its kinds have in common."""
    text = called[0] if len(called) == 1 else say(f"map.{shape}")
    return html.Span([html.I(className=f"shape shape--{shape}"), text])


def _state_key(state: str, say: Say) -> html.Span:
    return html.Span([html.I(className=f"dot is-{state}"), say(f"map.{state}")])


def _list(snapshot: Snapshot, say: Say) -> list[object]:
    """The map in words: shown where the browser cannot draw it, read aloud elsewhere."""
    step = snapshot.map.step
    busy = sorted((g for g in snapshot.grids if g.open), key=lambda g: (-g.open, g.code))
    rows = [
        html.Li(
            [
                html.I(className=f"swatch swatch--{ramp_step(grid.open, step)}"),
                html.Span(say("map.grid", name=say.name(grid.names), n=grid.open)),
            ]
        )
        for grid in busy
    ]
    return [
        html.P(say("map.no_webgl"), className="map__nogl"),
        html.P(say("map.no_webgl_hint") if rows else say("map.all_quiet")),
        html.Ul(rows),
    ]


MAP = Panel(
    id="map",
    leaves=(
        "map-figure",
        "map-grids",
        "map-overlay",
        "map-names",
        "map-north",
        "map-marks",
        "map-heading",
        "map-legend",
        "map-list",
    ),
    draw=draw,
)
