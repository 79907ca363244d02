"""The map as a Plotly figure: the ground and the camera. What changes on it is drawn over it.

The figure is drawn anew only when the camera or the theme is another one, which costs a browser a
quarter of a second. The colours of the grids are a state of the style's own layer
(:mod:`dashboard.figures.style`), which ``assets/grids.js`` sets in less than a millisecond.
"""

from dashboard.figures.style import DEFAULT_RAMP, style_version
from dashboard.tokens import DEFAULT_THEME, colours
from pipelines.snapshot import MapView, Snapshot

STEPS = 4
"""Open incidents in a grid: 0, 1, 2, 3 and more; the tokens ramp-0 to ramp-3.

A part of a district is as dark with several times as many.
"""


def ramp_step(n: int, step: int = 1) -> int:
    """Which step of the ramp a count falls on, when each holds ``step`` counts."""
    return min(max(-(-n // step), 0), STEPS - 1)


def grid_steps(snapshot: Snapshot) -> dict[str, int]:
    """The step of every grid or part with open incidents, by code; all others are on step 0."""
    size = snapshot.map.step
    return {grid.code: ramp_step(grid.open, size) for grid in snapshot.grids if grid.open}


def grid_map(
    view: MapView, theme: str = DEFAULT_THEME, ramp: str = DEFAULT_RAMP
) -> dict[str, object]:
    """The ground, as the camera sees it; ``ramp`` names the colours of the grids' steps.

    A plain dict rather than ``go.Figure``: validation costs more than everything else in it.
    """
    return {"data": [_anchor(view)], "layout": _layout(view, theme, ramp)}


def _anchor(view: MapView) -> dict[str, object]:
    """A point that nobody sees: without a trace Plotly draws no map."""
    return {
        "type": "scattermap",
        "lat": [view.lat],
        "lon": [view.lon],
        "mode": "markers",
        "marker": {"size": 1, "opacity": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _layout(view: MapView, theme: str, ramp: str) -> dict[str, object]:
    version = f"{view.backdrop_version}.{view.grids_version}.{style_version()}"
    return {
        "map": {
            "style": f"/geo/style.json?theme={theme}&ramp={ramp}&v={version}",
            "center": {"lat": view.lat, "lon": view.lon},
            "zoom": view.zoom,
            "bearing": view.bearing,
        },
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "paper_bgcolor": colours(theme)["surface-map"],
        "uirevision": "constant",
        "meta": {"extent": view.extent},
        "dragmode": False,
        "hovermode": False,
        "template": None,
    }
