"""The street's own coordinates: metres along the river and metres inland from its bank.

``u`` follows the bank down the stream, towards the north-east; ``v`` is the distance from it,
positive inland. The bank is an arc, so that whatever is drawn in straight lines here bends with
the river on the map.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil, cos, hypot, radians, sin

Point = tuple[float, float]

_LAT, _LON = 30.2440, 120.2095
"""Where u = v = 0 lies, WGS-84: a point of the bank at the street's south-western end."""
_HEADING = radians(41.5)
_TURN = radians(7) / 3300
"""The river's heading at the origin, clockwise from north, and how much it turns a metre."""
_LAT_M, _LON_M = 110_861.0, 96_160.0
"""Metres in a degree at latitude 30.26°, WGS-84."""
_STEP_M = 130.0
DECIMALS = 6


def on_map(u: float, v: float) -> Point:
    """A point of the street as (longitude, latitude), WGS-84."""
    heading = _HEADING + _TURN * u
    east = (cos(_HEADING) - cos(heading)) / _TURN - v * cos(heading)
    north = (sin(heading) - sin(_HEADING)) / _TURN + v * sin(heading)
    return round(_LON + east / _LON_M, DECIMALS), round(_LAT + north / _LAT_M, DECIMALS)


def drawn(line: Sequence[Point]) -> list[Point]:
    """A line of the street on the map, with enough points to bend as the river does."""
    return [on_map(u, v) for u, v in _fine(line)]


def distance_m(a: Point, b: Point) -> float:
    """Metres between two (longitude, latitude) of the street."""
    return hypot((a[0] - b[0]) * _LON_M, (a[1] - b[1]) * _LAT_M)


def _fine(line: Sequence[Point]) -> Iterable[Point]:
    yield line[0]
    for (u0, v0), (u1, v1) in pairwise(line):
        n = max(1, ceil(hypot(u1 - u0, v1 - v0) / _STEP_M))
        yield from ((u0 + (u1 - u0) * i / n, v0 + (v1 - v0) * i / n) for i in range(1, n + 1))
