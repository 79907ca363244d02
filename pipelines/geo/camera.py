"""Where the map has to look to show everything."""

from collections.abc import Sequence
from math import asinh, atan, cos, degrees, log2, pi, radians, sin, sinh, tan

WORLD_PX = 512
ROOM_PX = (1240, 480)
"""The map of a wall of 1920 × 1080, less a margin."""
_LEAST = 1e-9

LonLat = tuple[float, float]


def camera_over(points: Sequence[LonLat], *, bearing: float) -> tuple[float, float, float]:
    """Latitude, longitude and zoom that show all points with ``bearing`` degrees upwards.

    Web Mercator. At least one point is needed.
    """
    flat = [_turned(_mercator(lon, lat), bearing) for lon, lat in points]
    xs, ys = [x for x, _ in flat], [y for _, y in flat]
    middle = _turned(((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2), -bearing)
    across = ROOM_PX[0] / WORLD_PX / max(max(xs) - min(xs), _LEAST)
    up = ROOM_PX[1] / WORLD_PX / max(max(ys) - min(ys), _LEAST)
    lon, lat = _from_mercator(*middle)
    return lat, lon, round(log2(min(across, up)), 2)


def extent_over(points: Sequence[LonLat], *, bearing: float) -> tuple[float, float]:
    """How wide and how high all points are together, as shares of the world, ``bearing`` up."""
    flat = [_turned(_mercator(lon, lat), bearing) for lon, lat in points]
    xs, ys = [x for x, _ in flat], [y for _, y in flat]
    return max(xs) - min(xs), max(ys) - min(ys)


def _mercator(lon: float, lat: float) -> tuple[float, float]:
    """The world as a unit square, y to the south."""
    return (lon + 180) / 360, (1 - asinh(tan(radians(lat))) / pi) / 2


def _from_mercator(x: float, y: float) -> LonLat:
    return x * 360 - 180, degrees(atan(sinh(pi * (1 - 2 * y))))


def _turned(point: tuple[float, float], bearing: float) -> tuple[float, float]:
    turn = radians(bearing)
    x, y = point
    return x * cos(turn) + y * sin(turn), y * cos(turn) - x * sin(turn)
