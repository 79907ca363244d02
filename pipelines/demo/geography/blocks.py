"""The street's grids: blocks between roads, divided along lanes until each is one patrol area.

Every line is laid on one lattice of a ten-millionth of a turn before areas are read off it, so
that neighbours share each point of their border: no gaps, no overlaps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import atan2, cos, hypot, pi, sin
from random import Random

import shapely
from shapely import LineString, Point, Polygon
from shapely.ops import polygonize, split

from pipelines.demo.geography.frame import DECIMALS, drawn
from pipelines.demo.geography.land import COMMUNITIES, LANES, OUTLINE, STREET, WITHIN, Community

_BAND_M = 230
_LATTICE = 10.0**-DECIMALS


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One grid: its code, its community, its polygon in (longitude, latitude)."""

    code: str
    serial: int
    community: Community
    shape: Polygon


def community_code(community: Community) -> str:
    """The twelve digits of the National Bureau of Statistics."""
    return f"{STREET}{community.serial:03d}"


def make_blocks(random: Random) -> tuple[Block, ...]:
    """All grids, in order of their codes."""
    street = Polygon(OUTLINE)
    roads = [LineString(road.line) for road in WITHIN]
    parts = _areas([street.exterior, *roads], within=street)
    homes = {c.serial: [p for p in parts if _home(p) is c] for c in COMMUNITIES}
    cuts: list[LineString] = []
    for community in COMMUNITIES:
        for part, n in _shares(homes[community.serial], community.grids):
            cuts.extend(_divided(part, n, random))
    borders = shapely.union_all([street.exterior, *(_clipped(r, street) for r in roads), *cuts])
    shapes = _read_off(borders, street)
    return tuple(_numbered(shapes))


def _areas(lines: Sequence[shapely.Geometry], *, within: Polygon) -> list[Polygon]:
    areas = polygonize(shapely.union_all(list(lines)))
    return [area for area in areas if within.contains(area.representative_point())]


def _home(part: Polygon) -> Community:
    """The community between whose roads a block lies; the street's rim belongs to the nearest."""
    at = part.representative_point()

    def outside(c: Community) -> float:
        du = max(c.u[0] - at.x, 0, at.x - c.u[1])
        dv = max(c.v[0] - at.y, 0, at.y - c.v[1])
        return hypot(du, dv)

    return min(COMMUNITIES, key=outside)


def _shares(parts: Sequence[Polygon], grids: int) -> Iterable[tuple[Polygon, int]]:
    """How many grids each block of a community gets: by area, at least one, by largest need."""
    given = [1] * len(parts)
    for _ in range(grids - len(parts)):
        neediest = max(range(len(parts)), key=lambda i: parts[i].area / given[i])
        given[neediest] += 1
    return zip(parts, given, strict=True)


def _divided(area: Polygon, n: int, random: Random) -> list[LineString]:
    """The lines that part an area into ``n``: across its length, a little crooked."""
    if n == 1:
        return []
    line, parts = _parting(area, n, random)
    first, second = parts
    few = min(n - 1, max(1, round(n * first.area / area.area)))
    rest = [*_divided(first, few, random), *_divided(second, n - few, random)]
    return [_clipped(line, area), *rest]


def _parting(area: Polygon, n: int, random: Random) -> tuple[LineString, list[Polygon]]:
    """A line and the two parts it makes: a lane that is there, or a cut of its own."""
    lane = _lane(area)
    if lane is not None:
        return lane, list(split(area, lane).geoms)
    for attempt in range(20):
        line = _cut(area, (n // 2) / n, random, straight=attempt > 12)
        parts = list(split(area, line).geoms)
        if len(parts) == 2:
            return line, parts
    raise AssertionError(f"an area of {area.area:.0f} m² cannot be parted in two")


def _lane(area: Polygon) -> LineString | None:
    """A lane that parts the area into two of comparable size."""
    for road in LANES:
        parts = list(split(area, LineString(road.line)).geoms)
        if len(parts) == 2 and min(p.area for p in parts) > 0.3 * area.area:
            return LineString(road.line)
    return None


def _cut(area: Polygon, share: float, random: Random, *, straight: bool) -> LineString:
    """A line across the area that leaves ``share`` of it on one side, within a tenth."""
    corners = list(area.minimum_rotated_rectangle.exterior.coords)
    sides = sorted(
        ((hypot(b[0] - a[0], b[1] - a[1]), a, b) for a, b in pairwise(corners[:3])), reverse=True
    )
    length, a, b = sides[0]
    along = atan2(b[1] - a[1], b[0] - a[0])
    if along > pi / 2 or along <= -pi / 2:
        along += pi
    across = along + pi / 2 + random.uniform(-0.07, 0.07)
    share *= random.uniform(0.9, 1.1)
    jog = 0.0 if straight or random.random() < 0.45 else random.uniform(18, 46)
    jog *= random.choice((-1, 1))
    low, high = -length, length
    middle = area.centroid
    for _ in range(40):
        offset = (low + high) / 2
        line = _crooked(middle, along, across, offset, jog)
        if _before(area, line, along, middle) < share * area.area:
            low = offset
        else:
            high = offset
    return line


def _crooked(middle: Point, along: float, across: float, offset: float, jog: float) -> LineString:
    """A line through the area with one step to the side in its middle."""
    reach = 1500.0
    u, v = middle.x + offset * cos(along), middle.y + offset * sin(along)
    step = (jog * cos(along) / 2, jog * sin(along) / 2)
    far = (reach * cos(across), reach * sin(across))
    if not jog:
        return LineString([(u - far[0], v - far[1]), (u + far[0], v + far[1])])
    return LineString(
        [
            (u - far[0] - step[0], v - far[1] - step[1]),
            (u - step[0], v - step[1]),
            (u + step[0], v + step[1]),
            (u + far[0] + step[0], v + far[1] + step[1]),
        ]
    )


def _before(area: Polygon, line: LineString, along: float, middle: Point) -> float:
    """The part of the area that lies before the line."""
    a, b = line.coords[0], line.coords[-1]
    back = (-4000 * cos(along), -4000 * sin(along))
    shadow = Polygon(
        [*line.coords, (b[0] + back[0], b[1] + back[1]), (a[0] + back[0], a[1] + back[1])]
    )
    return float(area.intersection(shapely.make_valid(shadow)).area)


def _clipped(line: LineString, area: Polygon) -> shapely.Geometry:
    """The part of a line inside an area, half a metre longer at its ends so that it meets them."""
    return line.intersection(area.buffer(0.5, join_style="mitre"))


def _read_off(borders: shapely.Geometry, street: Polygon) -> list[tuple[Polygon, Community]]:
    """The areas between the borders, on the map, each with its community."""
    noded = shapely.union_all([borders])
    on_map = [LineString(drawn(line.coords)) for line in noded.geoms]
    snapped = shapely.union_all(on_map, grid_size=_LATTICE)
    inside = Polygon(drawn(street.exterior.coords))
    shapes = [s for s in polygonize(snapped) if inside.contains(s.representative_point())]
    homes = [
        (Polygon(drawn(part.exterior.coords)), _home(part))
        for part in _areas(
            [street.exterior, *(LineString(road.line) for road in WITHIN)], within=street
        )
    ]
    return [(s, _holder(s, homes)) for s in shapes]


def _holder(shape: Polygon, homes: Sequence[tuple[Polygon, Community]]) -> Community:
    at = shape.representative_point()
    return min(homes, key=lambda home: home[0].distance(at))[1]


def _numbered(shapes: Sequence[tuple[Polygon, Community]]) -> Iterable[Block]:
    """Codes by community, from west to east in bands from north to south."""
    for community in COMMUNITIES:
        own = [shape for shape, home in shapes if home is community]
        band = _BAND_M / 110_861
        north = max(shape.centroid.y for shape in own)
        own.sort(key=lambda s: (int((north - s.centroid.y) / band), s.centroid.x))
        for serial, shape in enumerate(own, 1):
            code = f"{community_code(community)}{serial:03d}"
            yield Block(code=code, serial=serial, community=community, shape=_rounded(shape))


def _rounded(shape: Polygon) -> Polygon:
    ring = [(round(x, DECIMALS), round(y, DECIMALS)) for x, y in shape.exterior.coords]
    return shapely.normalize(Polygon(ring))
