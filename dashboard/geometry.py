"""Where things lie on the map: web Mercator, and a name's place inside its grid."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import log, pi, radians, tan

from pipelines.snapshot import MapView

_TILE_REM = 512 / 16
"""MapLibre's world at zoom 0 is 512 px wide; the overlay counts in rem of 16 px."""

Ring = Sequence[Sequence[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A grid's name and where to write it. ``size`` orders names that compete for room."""

    name: str
    lat: float
    lon: float
    size: float


def world(lat: float, lon: float) -> tuple[float, float]:
    """Web Mercator: the world as a unit square, from its north-west corner."""
    x = (lon + 180) / 360
    y = (1 - log(tan(pi / 4 + radians(lat) / 2)) / pi) / 2
    return x, y


def position(lat: float, lon: float) -> dict[str, str]:
    """The style that puts an element of the overlay onto a point."""
    x, y = world(lat, lon)
    return {"--x": f"{x:.9f}", "--y": f"{y:.9f}"}


def camera(view: MapView) -> dict[str, str]:
    """The style of the overlay that matches the map's camera."""
    x, y = world(view.lat, view.lon)
    return {
        "--centre-x": f"{x:.9f}",
        "--centre-y": f"{y:.9f}",
        "--world": f"{_TILE_REM * 2**view.zoom:.3f}",
    }


@lru_cache(maxsize=4)
def places(geojson: bytes) -> tuple[Place, ...]:
    """Where each grid's name goes, the largest grid first; grids without a name are left out."""
    features = json.loads(geojson or b"{}").get("features", [])
    found = [place for feature in features if (place := _place(feature)) is not None]
    return tuple(sorted(found, key=lambda p: (-p.size, p.name)))


def _place(feature: dict[str, object]) -> Place | None:
    properties, geometry = feature.get("properties"), feature.get("geometry")
    if not isinstance(properties, dict) or not isinstance(geometry, dict):
        return None
    name = properties.get("name") or properties.get("code")
    rings = list(_outer_rings(geometry))
    if not name or not rings:
        return None
    ring = max(rings, key=lambda r: abs(_area(r)))
    lon, lat = _inside(ring)
    return Place(name=str(name), lat=lat, lon=lon, size=abs(_area(ring)))


def _outer_rings(geometry: dict[str, object]) -> Iterable[Ring]:
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list):
        return
    polygons = [coordinates] if geometry.get("type") == "Polygon" else coordinates
    for polygon in polygons:
        if polygon:
            yield polygon[0]


def _area(ring: Ring) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) / 2


def _inside(ring: Ring) -> tuple[float, float]:
    """The middle of the widest east-west stretch near the ring's middle: it is always inside."""
    ys = [p[1] for p in ring]
    low, high = min(ys), max(ys)
    stretches: list[tuple[float, float, float]] = []
    for step in (0.5, 0.42, 0.58, 0.34, 0.66, 0.25, 0.75):
        y = low + (high - low) * step
        crossings = sorted(_crossings(ring, y))
        pairs = zip(crossings[::2], crossings[1::2], strict=False)
        stretches.extend((b - a, (a + b) / 2, y) for a, b in pairs)
    if not stretches:
        return ring[0][0], ring[0][1]
    _, x, y = max(stretches)
    return x, y


def _crossings(ring: Ring, y: float) -> Iterable[float]:
    for a, b in pairwise(ring):
        if (a[1] > y) != (b[1] > y):
            yield a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1])
