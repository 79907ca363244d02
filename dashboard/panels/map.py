"""The map: grids coloured by open incidents, a marker an incident, a list that says the same."""

from dash import html

from dashboard.figures.map import grid_map, ramp_step
from dashboard.geometry import camera, position
from dashboard.panels.open_list import state_attributes, urgency
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from pipelines.snapshot import OpenIncident, Snapshot

_SHAPES = ("triangle", "square", "circle", "diamond")
_STATES = ("running", "warning", "missed", "plain")
_RAMP = ("0", "1", "2", "3+")


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """Colours by MapLibre; markers, labels and legend as elements over it, so they stay crisp."""
    return {
        "map-figure": {"figure": grid_map(snapshot)},
        "map-overlay": {"style": camera(snapshot.map)},
        "map-marks": {"children": _marks(snapshot, say)},
        "map-heading": {"children": _heading(snapshot, say)},
        "map-legend": {"children": _legend(snapshot, say)},
        "map-list": {"children": _list(snapshot, say)},
    }


def _marks(snapshot: Snapshot, say: Say) -> list[html.I]:
    # The most urgent come last, so that they lie on top.
    return [
        _mark(incident, incident.lat, incident.lon, say)
        for incident in reversed(snapshot.open)
        if incident.lat is not None and incident.lon is not None
    ]


def _mark(incident: OpenIncident, lat: float, lon: float, say: Say) -> html.I:
    kind = say.name(incident.kind_names)
    return html.I(
        html.I(className=f"shape shape--{incident.shape}"),
        className=f"mark is-{urgency(incident)}",
        style=position(lat, lon),
        title=say("map.marker", kind=kind, place=incident.grid_name),
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
    ramp = [html.Span([html.I(className=f"swatch swatch--{i}"), t]) for i, t in enumerate(_RAMP)]
    kinds = [(shape, _kinds_of(shape, snapshot, say)) for shape in _SHAPES]
    shapes = [_shape_key(shape, names, say) for shape, names in kinds if names]
    states = [_state_key(state, say) for state in _STATES]
    return [
        html.Span([*ramp, html.Em(say("map.per_grid"))], className="legend__group"),
        html.Span(shapes, className="legend__group"),
        html.Span(states, className="legend__group"),
    ]


def _kinds_of(shape: str, snapshot: Snapshot, say: Say) -> list[str]:
    return sorted({say.name(i.kind_names) for i in snapshot.open if i.shape == shape})


def _shape_key(shape: str, names: list[str], say: Say) -> html.Span:
    """A shape with the one kind that has it now, or with what all its kinds have in common."""
    text = names[0] if len(names) == 1 else say(f"map.{shape}")
    return html.Span([html.I(className=f"shape shape--{shape}"), text])


def _state_key(state: str, say: Say) -> html.Span:
    return html.Span([html.I(className=f"dot is-{state}"), say(f"map.{state}")])


def _list(snapshot: Snapshot, say: Say) -> list[object]:
    """The map in words: shown where the browser cannot draw it, read aloud elsewhere."""
    busy = sorted((g for g in snapshot.grids if g.open), key=lambda g: (-g.open, g.code))
    rows = [
        html.Li(
            [
                html.I(className=f"swatch swatch--{ramp_step(grid.open)}"),
                html.Span(say("map.grid", name=grid.name or grid.code, n=grid.open)),
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
    leaves=("map-figure", "map-overlay", "map-marks", "map-heading", "map-legend", "map-list"),
    draw=draw,
)
