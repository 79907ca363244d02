"""The map's style: ground, the owner's layers and tiles, in the colours of a theme.

MapLibre reads it from a URL of this server. The grids are coloured by a state of each, ``step``,
which the page sets as often as it likes (``assets/grids.js``); the style itself never changes.
Names are elements over the map, so no glyphs are needed.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from dashboard.tokens import TOKENS
from pipelines.geo.backdrop import Backdrop

GRIDS = "grids"
"""The source of the outlines, and the layer of their colours."""
_CLEAR = "rgba(0,0,0,0)"
DEFAULT_RAMP = "ramp"
RAMPS = {DEFAULT_RAMP: 4, "shade": 5, "heat": 5}
"""The scales that grids can be coloured by, and how many steps each has: tokens ``ramp-0``, ….

The first is for what is open on the wall, the others for how many and how late on the desk.
"""

Layer = dict[str, Any]

_MAIN = ["==", ["get", "class"], "main"]


@lru_cache(maxsize=1)
def style_version() -> str:
    """What the style depends on beside the owner's layers: this file, and the colours.

    It is part of the style's address. A browser keeps what it got from there for a year, so after
    an update of the product it has to be another one.
    """
    made_of = Path(__file__).read_bytes() + TOKENS.read_bytes()
    return hashlib.sha256(made_of).hexdigest()[:8]


def map_style(
    backdrop: Backdrop, colour: Mapping[str, str], *, grids: str, scale: str = DEFAULT_RAMP
) -> dict[str, Any]:
    """A MapLibre style of the ground and the grids; ``grids`` is the version of their outlines."""
    paint = _paint(background=colour["surface-map"])
    return {
        "version": 8,
        "name": "Grid135",
        "sources": {**_tile_source(backdrop), **_sources(backdrop), GRIDS: _outlines(grids)},
        "layers": [
            {"id": "ground", "type": "background", "paint": paint},
            *_tiles(backdrop, colour),
            *_known(backdrop, _under(colour)),
            *_grids(backdrop, colour, scale),
            *_known(backdrop, _over(colour)),
        ],
    }


def _sources(backdrop: Backdrop) -> dict[str, Any]:
    return {
        layer: {"type": "geojson", "data": f"/geo/{layer}.geojson?v={backdrop.version}"}
        for layer in backdrop.layers
        if layer != "landmarks"
    }


def _outlines(version: str) -> dict[str, Any]:
    return {
        "type": "geojson",
        "data": f"/geo/grids.geojson?v={version}",
        "promoteId": "code",
        "buffer": 8,
    }


def ramp(
    backdrop: Backdrop, colour: Mapping[str, str], scale: str = DEFAULT_RAMP
) -> tuple[str, ...]:
    """The colours of the steps. Over a drawn street a quiet grid is clear: parks show through."""
    steps = tuple(colour[f"{scale}-{i}"] for i in range(RAMPS[scale]))
    return (_CLEAR, *steps[1:]) if "communities" in backdrop.layers else steps


def _grids(backdrop: Backdrop, colour: Mapping[str, str], scale: str) -> list[Layer]:
    """Grids stand back where communities are outlined."""
    quiet, *busy = ramp(backdrop, colour, scale)
    steps = [part for step, shade in enumerate(busy, start=1) for part in (step, shade)]
    state = ["coalesce", ["feature-state", "step"], 0]
    within = "communities" in backdrop.layers
    name, width = ("map-grid", _width(0.8, 1.6)) if within else ("outline", _width(1.0, 2.0))
    fill = {
        "id": GRIDS,
        "type": "fill",
        "source": GRIDS,
        "paint": {"fill-color": ["match", state, *steps, quiet], "fill-antialias": False},
    }
    return [fill, _line("outlines", GRIDS, colour[name], width)]


def _known(backdrop: Backdrop, layers: list[Layer]) -> list[Layer]:
    return [layer for layer in layers if layer["source"] in backdrop.layers]


def _under(colour: Mapping[str, str]) -> list[Layer]:
    return [
        _fill("street", "communities", colour["ramp-0"]),
        _fill("green", "green", colour["map-green"]),
        _fill("water", "water", colour["map-water"]),
        _line("lanes", "roads", colour["map-road"], _width(0.8, 2.2), only=["!", _MAIN]),
        # a soft bank: the water's edge, wide, blurred and mostly inside it
        _line("bank", "water", colour["map-bank"], _width(7, 14), blur=_width(6, 12)),
    ]


def _over(colour: Mapping[str, str]) -> list[Layer]:
    return [
        _line("roads", "roads", colour["map-road-main"], _width(1.8, 5.0), only=_MAIN),
        _line("communities", "communities", colour["map-community"], _width(1.4, 2.2)),
    ]


def _fill(name: str, source: str, colour: str) -> Layer:
    return {"id": name, "type": "fill", "source": source, "paint": _paint(fill=colour)}


def _line(
    name: str, source: str, colour: str, width: Any, *, blur: Any = 0, only: Any = None
) -> Layer:
    layer: Layer = {
        "id": f"{source}-{name}",
        "type": "line",
        "source": source,
        "layout": {"line-cap": "round", "line-join": "round"},
        "paint": {"line-color": colour, "line-width": width, "line-blur": blur},
    }
    return layer if only is None else {**layer, "filter": only}


def _paint(**colours: str) -> dict[str, str]:
    return {f"{kind}-color": colour for kind, colour in colours.items()}


def _width(far: float, near: float) -> list[Any]:
    """A width in pixels that grows from the whole street (13) to a few blocks (16)."""
    return ["interpolate", ["exponential", 1.5], ["zoom"], 13, far, 16, near * 1.6]


def _tile_source(backdrop: Backdrop) -> dict[str, Any]:
    tiles = backdrop.tiles
    if tiles is None:
        return {}
    source: dict[str, Any] = {
        "type": tiles.kind,
        "tiles": [tiles.url],
        "maxzoom": tiles.max_zoom,
    }
    return {"tiles": source | ({"tileSize": 256} if tiles.kind == "raster" else {})}


def _tiles(backdrop: Backdrop, colour: Mapping[str, str]) -> list[Layer]:
    """Images as they are; vectors in our colours, by the names OpenMapTiles gives its layers."""
    if backdrop.tiles is None:
        return []
    if backdrop.tiles.kind == "raster":
        return [{"id": "tiles", "type": "raster", "source": "tiles"}]
    drawn = [
        ("landcover", _fill("tiles-landcover", "tiles", colour["map-green"])),
        ("park", _fill("tiles-park", "tiles", colour["map-green"])),
        ("water", _fill("tiles-water", "tiles", colour["map-water"])),
        ("transportation", _line("roads", "tiles", colour["map-road"], _width(0.8, 2.2))),
    ]
    return [{**layer, "source-layer": name} for name, layer in drawn]
