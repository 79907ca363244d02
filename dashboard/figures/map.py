"""The grid map as a Plotly figure: numbers only, the outlines are a URL the browser keeps."""

from dashboard.figures.style import OVER_GRIDS
from dashboard.tokens import DEFAULT_THEME, colours
from pipelines.snapshot import MapView, Snapshot

STEPS = 4
"""Open incidents in a grid: 0, 1, 2, 3 and more; the tokens ramp-0 to ramp-3."""
_CLEAR = "rgba(0,0,0,0)"


def ramp_step(n: int) -> int:
    """Which step of the ramp a count falls on."""
    return min(max(n, 0), STEPS - 1)


def grid_map(snapshot: Snapshot, theme: str = DEFAULT_THEME) -> dict[str, object]:
    """Every grid, coloured by its open incidents.

    A plain dict rather than ``go.Figure``: it is drawn many times a minute, and validation
    costs more than everything else in it.
    """
    return {"data": [_grids(snapshot, theme)], "layout": _layout(snapshot.map, theme)}


def ramp(view: MapView, theme: str = DEFAULT_THEME) -> tuple[str, ...]:
    """The colours of the steps. Over a drawn street a quiet grid is clear: parks show through."""
    steps = tuple(colours(theme)[f"ramp-{i}"] for i in range(STEPS))
    return (_CLEAR, *steps[1:]) if "communities" in view.layers else steps


def _grids(snapshot: Snapshot, theme: str) -> dict[str, object]:
    return {
        "type": "choroplethmap",
        "geojson": f"/geo/grids.geojson?v={snapshot.map.grids_version}",
        "featureidkey": "id",
        "locations": [grid.code for grid in snapshot.grids],
        "z": [ramp_step(grid.open) for grid in snapshot.grids],
        "zmin": -0.5,
        "zmax": STEPS - 0.5,
        "colorscale": _steps(ramp(snapshot.map, theme)),
        "showscale": False,
        "hoverinfo": "skip",
        "below": OVER_GRIDS,
        "marker": {"line": _outline(snapshot.map, theme), "opacity": 1},
    }


def _outline(view: MapView, theme: str) -> dict[str, object]:
    """Grids stand back where communities are outlined."""
    within = "communities" in view.layers
    name, width = ("map-grid", 1.0) if within else ("outline", 1.25)
    return {"color": colours(theme)[name], "width": width}


def _steps(ramp: tuple[str, ...]) -> list[list[object]]:
    n = len(ramp)
    edges = [(i / n, (i + 1) / n, colour) for i, colour in enumerate(ramp)]
    return [[edge, colour] for low, high, colour in edges for edge in (low, high)]


def _layout(view: MapView, theme: str) -> dict[str, object]:
    return {
        "map": {
            "style": f"/geo/style.json?theme={theme}&v={view.backdrop_version}",
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
