"""Where things lie on the map: web Mercator, for the elements that lie over it."""

from math import cos, log, pi, radians, sin, tan

from pipelines.snapshot import MapView

_TILE_REM = 512 / 16
"""MapLibre's world at zoom 0 is 512 px wide; the overlay counts in rem of 16 px."""


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
    turn = radians(view.bearing)
    return {
        "--centre-x": f"{x:.9f}",
        "--centre-y": f"{y:.9f}",
        "--world": f"{_TILE_REM * 2**view.zoom:.3f}",
        "--turn-cos": f"{cos(turn):.9f}",
        "--turn-sin": f"{sin(turn):.9f}",
    }
