"""The grid map as a Plotly figure: numbers only, the outlines are a URL the browser keeps."""

from pipelines.snapshot import Snapshot

STYLE_URL = "/assets/map/style.json"
RAMP = ("#15212a", "#1d4254", "#25627e", "#96681a")
"""Open incidents in a grid: 0, 1, 2, 3 and more. The legend's swatches are the same tokens."""
OUTLINE = "#41535f"
GROUND = "#0c1319"


def ramp_step(n: int) -> int:
    """Which step of the ramp a count falls on."""
    return min(max(n, 0), len(RAMP) - 1)


def grid_map(snapshot: Snapshot) -> dict[str, object]:
    """Every grid, coloured by its open incidents.

    A plain dict rather than ``go.Figure``: it is drawn many times a minute, and validation
    costs more than everything else in it.
    """
    return {"data": [_grids(snapshot)], "layout": _layout(snapshot)}


def _grids(snapshot: Snapshot) -> dict[str, object]:
    return {
        "type": "choroplethmap",
        "geojson": f"/geo/grids.geojson?v={snapshot.map.grids_version}",
        "featureidkey": "id",
        "locations": [grid.code for grid in snapshot.grids],
        "z": [ramp_step(grid.open) for grid in snapshot.grids],
        "zmin": -0.5,
        "zmax": len(RAMP) - 0.5,
        "colorscale": _steps(),
        "showscale": False,
        "hoverinfo": "skip",
        "marker": {"line": {"color": OUTLINE, "width": 1.25}, "opacity": 1},
    }


def _steps() -> list[list[object]]:
    n = len(RAMP)
    edges = [(i / n, (i + 1) / n, colour) for i, colour in enumerate(RAMP)]
    return [[edge, colour] for low, high, colour in edges for edge in (low, high)]


def _layout(snapshot: Snapshot) -> dict[str, object]:
    return {
        "map": {
            "style": STYLE_URL,
            "center": {"lat": snapshot.map.lat, "lon": snapshot.map.lon},
            "zoom": snapshot.map.zoom,
        },
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "paper_bgcolor": GROUND,
        "uirevision": "constant",
        "dragmode": False,
        "hovermode": False,
        "template": None,
    }
