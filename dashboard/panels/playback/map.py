"""The map at the moment shown: grids by what was open then, a mark an incident; nothing ticks."""

from dashboard.elements import html
from dashboard.figures.map import grid_map, ramp_step
from dashboard.geometry import camera, position
from dashboard.panels.map import names, north, painted
from dashboard.panels.open_list import place_name, urgency
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from pipelines.desk.playback import Playback
from pipelines.snapshot import OpenIncident


def draw(page: Playback, say: Say) -> Leaves:
    """The same map as the wall's, of another moment."""
    missing = say("map.not_on_map", n=page.unlocated)
    rows = [
        html.Li(say("map.grid", name=say.name(g.names), n=g.open)) for g in page.grids if g.open
    ]
    return {
        "map-figure": {"figure": grid_map(page.map, page.theme)},
        "map-grids": {"children": painted(_steps(page))},
        "map-overlay": {"style": camera(page.map)},
        "map-names": {"children": names(page.map, say)},
        "map-marks": {"children": _marks(page, say)},
        "map-north": {"children": north(page.map, say)},
        "map-heading": {
            "children": [
                html.Span(say("playback.word"), className="play__stamp"),
                html.Span(missing, className="map__missing"),
            ]
        },
        "map-list": {
            "children": [html.P(say("map.no_webgl"), className="map__nogl"), html.Ul(rows)]
        },
    }


def _steps(page: Playback) -> dict[str, int]:
    """The step of every grid with something open, by code."""
    return {grid.code: ramp_step(grid.open, page.map.step) for grid in page.grids if grid.open}


def _marks(page: Playback, say: Say) -> list[html.I]:
    return [
        _mark(incident, incident.lat, incident.lon, say)
        for incident in reversed(page.open)
        if incident.lat is not None and incident.lon is not None
    ]


def _mark(incident: OpenIncident, lat: float, lon: float, say: Say) -> html.I:
    place = place_name(incident, say)
    return html.I(
        html.I(className=f"shape shape--{incident.shape}"),
        className=f"mark is-{urgency(incident)}",
        style=position(lat, lon),
        title=say("map.marker", kind=say.name(incident.kind_names), place=place),
    )


MAP = Panel(
    id="map",
    leaves=(
        "map-figure",
        "map-grids",
        "map-overlay",
        "map-names",
        "map-marks",
        "map-north",
        "map-heading",
        "map-list",
    ),
    draw=draw,
)
