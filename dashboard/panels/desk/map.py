"""The desk's map: grids by a figure, the incidents of the list thinned, every grid a way on."""

from collections.abc import Mapping
from itertools import pairwise

from dashboard.elements import html
from dashboard.figures.map import grid_map
from dashboard.geometry import camera, position
from dashboard.panels.desk.links import board_link, incident_link, place_link
from dashboard.panels.map import names, north, painted
from dashboard.panels.panel import Leaves, Panel, current, data, labelled
from dashboard.text import Say
from dashboard.text.rate import whole_percent
from pipelines.desk.board import Board
from pipelines.desk.board_filters import Shade
from pipelines.desk.board_map import STEPS, Mark, Shaded
from pipelines.figures.query import UNLOCATED

_RAMPS: Mapping[Shade, str] = {
    Shade.INCIDENTS: "shade",
    Shade.MISSED: "heat",
    Shade.RATE: "heat",
}


def draw(board: Board, say: Say) -> Leaves:
    """Colours by MapLibre; marks, names and legend as elements over it."""
    shown = board.map
    hints = {grid.code: _hint(grid, board, say) for grid in shown.grids}
    steps = {grid.code: grid.step for grid in shown.grids if grid.step}
    return {
        "map-figure": {"figure": grid_map(shown.view, ramp=_RAMPS[shown.shade])},
        "map-grids": {"children": painted(steps)},
        "map-overlay": {"style": camera(shown.view)},
        "map-names": {"children": names(shown.view, say)},
        "map-north": {"children": north(shown.view, say)},
        "map-marks": {"children": [_mark(mark, say) for mark in reversed(shown.marks)]},
        "map-heading": {"children": _heading(board, say)},
        "map-legend": {"children": _legend(board, say)},
        "map-list": {"children": _list(board, hints, say)},
    }


def _hint(grid: Shaded, board: Board, say: Say) -> str:
    value = whole_percent(grid.value) if board.map.shade is Shade.RATE else f"{grid.value:.0f}"
    if grid.step is None:
        return say("desk.grid_nothing", name=say.name(grid.names))
    key = f"desk.grid_{board.map.shade}"
    return say(key, name=say.name(grid.names), value=value, count=grid.n)


def _mark(mark: Mark, say: Say) -> html.A:
    """A mark that leads to its incident."""
    kind, verdict = say.name(mark.kind_names), say(f"verdict.{mark.verdict}")
    text = say("desk.mark", kind=kind, verdict=verdict)
    if mark.others:
        text = say("desk.mark_more", mark=text, n=mark.others)
    return html.A(
        html.I(className=f"shape shape--{mark.shape}"),
        href=incident_link(mark.id, say),
        className=f"mark mark--desk verdict-is-{mark.verdict}",
        style=position(mark.lat, mark.lon),
        title=text,
        tabIndex="-1",  # the list says the same, in order
        **labelled(text),
    )


def _heading(board: Board, say: Say) -> list[object]:
    chosen = board.map.shade
    ways = [
        html.A(
            say(f"desk.shade_{shade}"),
            href=board_link(board, say, shade=None if shade is Shade.INCIDENTS else str(shade)),
            className="seg" + (" is-on" if shade is chosen else ""),
            **current(shade is chosen),
        )
        for shade in Shade
    ]
    missing = board.map.not_on_map
    alert = " map__missing--some" if missing else ""
    to = place_link(board, say, {"grid": UNLOCATED})
    return [
        html.Nav(ways, className="segs", **labelled(say("desk.shade"))),
        html.A(say("map.not_on_map", n=missing), href=to, className=f"map__missing{alert}"),
    ]


def _legend(board: Board, say: Say) -> list[html.Span]:
    shown = board.map
    ramp = _RAMPS[shown.shade]
    texts = _rates(say) if shown.shade is Shade.RATE else _counts(shown.bounds)
    steps = [
        html.Span([html.I(className=f"swatch swatch--{ramp}-{i}"), text])
        for i, text in enumerate(texts)
    ]
    area = say(f"area.{shown.view.level or 'grid'}")
    n = say(f"desk.legend_{shown.shade}", area=area, count=shown.n)
    marks = say("desk.marks", n=len(shown.marks), of=shown.marked_from)
    return [
        html.Span([*steps, html.Em(n)], className="legend__group"),
        html.Span(html.Em(marks), className="legend__group"),
    ]


def _counts(bounds: tuple[float, ...]) -> list[str]:
    whole = [int(bound) for bound in bounds]
    texts = ["0"]
    for low, after in pairwise(whole):
        texts.append(f"{low}" if after == low + 1 else f"{low}–{after - 1}")
    return [*texts, f"{whole[-1]}+"]


def _rates(say: Say) -> list[str]:
    return [say(f"desk.rate_{i}") for i in range(STEPS)]


def _list(board: Board, hints: Mapping[str, str], say: Say) -> list[object]:
    """The map in words: shown where the browser cannot draw it, and where a click leads."""
    rows = [
        html.Li(
            html.A(hints[grid.code], href=place_link(board, say, grid.way), tabIndex="-1",
                   **data(grid=grid.code)),
        )
        for grid in board.map.grids
    ]  # fmt: skip
    return [
        html.P(say("map.no_webgl"), className="map__nogl"),
        html.P(say("desk.no_webgl_hint")),
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
