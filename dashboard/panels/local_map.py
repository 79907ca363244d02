"""The small map of one grid: its outline among its neighbours, the place, and who is near."""

from dashboard.elements import html
from dashboard.figures.map import grid_map
from dashboard.geometry import camera, position
from dashboard.panels.map import names, north, painted
from dashboard.panels.panel import Leaves
from dashboard.text import Say
from pipelines.desk.local_map import LocalMap, Mark, MarkRole

LEAVES = (
    "map-figure",
    "map-overlay",
    "map-grids",
    "map-names",
    "map-marks",
    "map-north",
    "map-heading",
    "map-list",
)


def drawn_map(local: LocalMap | None, theme: str, say: Say) -> Leaves:
    """The leaves of the map; without a map they are empty."""
    if local is None:
        return {
            "map-figure": {},
            "map-overlay": {},
            **{leaf: {"children": []} for leaf in LEAVES[2:]},
        }
    roles = [role for role in MarkRole if any(mark.role is role for mark in local.marks)]
    return {
        "map-figure": {"figure": grid_map(local.map, theme)},
        "map-grids": {"children": painted({g.code: 1 for g in local.grids if g.open})},
        "map-overlay": {"style": camera(local.map)},
        "map-names": {"children": names(local.map, say)},
        "map-marks": {"children": [_mark(mark, say) for mark in local.marks]},
        "map-north": {"children": north(local.map, say)},
        "map-heading": {"children": _heading(local, roles, say)},
        "map-list": {"children": _list(local, say)},
    }


def _mark(mark: Mark, say: Say) -> html.I:
    return html.I(
        html.I(className=f"shape shape--{mark.shape}"),
        className=f"mark mark--{mark.role} is-plain",
        style=position(mark.lat, mark.lon),
        title=say.name(mark.names),
    )


def _heading(local: LocalMap, roles: list[MarkRole], say: Say) -> list[html.Span]:
    if not local.is_placed:
        return [html.Span(say("place.none"), className="map__title")]
    return [_key(role, say) for role in roles]


def _key(role: MarkRole, say: Say) -> html.Span:
    return html.Span(
        [html.I(className=f"place-key place-key--{role}"), say(f"place.{role}")],
        className="map__title",
    )


def _list(local: LocalMap, say: Say) -> list[object]:
    """The map in words: shown where the browser cannot draw it, read aloud elsewhere."""
    return [
        html.P(say("map.no_webgl"), className="map__nogl"),
        html.Ul([html.Li(say.name(mark.names)) for mark in local.marks]),
    ]
