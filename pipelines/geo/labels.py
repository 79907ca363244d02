"""Where names stand on the map: in the middle of an area, beside a point, along a line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import atan2, cos, degrees, radians

import shapely

from pipelines.geo.grids import Grid, Grids
from pipelines.snapshot import LabelRole, MapLabel, Spot

_ROLES = {
    "communities": LabelRole.COMMUNITY,
    "water": LabelRole.WATER,
    "landmarks": LabelRole.LANDMARK,
    "roads": LabelRole.ROAD,
}
"""Which layers are named on the map, in the order in which their names get room."""

_SPOTS_M = 260.0
_MOST_SPOTS = 60
_DEGREE_M = 111_000.0
_COURSE_STEPS = 40
_SHARES = (0.5, 0.25, 0.75)
"""How far from one side of a river to the other its name may stand, best first."""
_TOLERANCE = 1e-6
_CENTRAL = 0.5
"""The centre of an area is taken when it has this share of the room its widest place has."""

Row = tuple[Mapping[str, str], shapely.Geometry]


def layer_labels(layers: Mapping[str, Sequence[Row]]) -> Iterator[MapLabel]:
    """The names of all layers; of the same name in one layer there is one label."""
    for layer, role in _ROLES.items():
        shapes: dict[str, list[shapely.Geometry]] = {}
        english: dict[str, str] = {}
        for properties, shape in layers.get(layer, ()):
            name = properties.get("name", "").strip()
            if name:
                shapes.setdefault(name, []).append(shape)
                english.setdefault(name, properties.get("name_en", "").strip() or name)
        found = [_label(name, english[name], role, parts) for name, parts in shapes.items()]
        yield from sorted(found, key=lambda label: -label.room)


def grid_labels(grids: Grids, *, short: bool) -> Iterator[MapLabel]:
    """The grids' names, the roomiest first; ``short``: only what follows the community's code."""
    role = LabelRole.GRID_CODE if short else LabelRole.GRID
    labels = [
        _label(text, english, role, [shape])
        for grid, shape in grids.shapes()
        for text, english in [_texts(grid, short=short)]
        if text
    ]
    yield from sorted(labels, key=lambda label: (-label.room, label.names["zh"]))


def _texts(grid: Grid, *, short: bool) -> tuple[str, str]:
    """What a grid is called on the map, in Chinese and in English."""
    tail = grid.code.removeprefix(grid.parent) if short and grid.parent else ""
    return (tail, tail) if tail else (grid.names["zh"], grid.names["en"])


def _label(name: str, english: str, role: LabelRole, parts: Sequence[shapely.Geometry]) -> MapLabel:
    shape = shapely.union_all(list(parts))
    line = role in (LabelRole.ROAD, LabelRole.WATER)
    spots, room = _along(shape) if line else _inside(shape)
    return MapLabel(names={"zh": name, "en": english}, role=role, spots=tuple(spots), room=room)


def _inside(shape: shapely.Geometry) -> tuple[list[Spot], float]:
    """The centre of an area or of its widest place, and how wide that is; or the point itself."""
    area = _largest(shape)
    if area.geom_type != "Polygon":
        at = area.representative_point()
        return [Spot(lat=at.y, lon=at.x, turn=None)], 0.0
    squeeze = cos(radians(area.centroid.y))
    flat = shapely.transform(area, lambda c: c * (squeeze, 1.0))
    circle = shapely.maximum_inscribed_circle(flat)
    at = flat.centroid
    if not flat.contains(at) or flat.exterior.distance(at) < _CENTRAL * circle.length:
        at = shapely.get_point(circle, 0)
    return [Spot(lat=at.y, lon=at.x / squeeze, turn=None)], 2 * circle.length


def _along(shape: shapely.Geometry) -> tuple[list[Spot], float]:
    """Places along a line, or in a long area, with the way it runs there."""
    lines = [line for part in shapely.get_parts(_merged(shape)) for line in _courses(part)]
    spots = [spot for line in lines for spot in _spots(line)]
    step = max(1, len(spots) // _MOST_SPOTS)
    return spots[::step], max((float(line.length) for line in lines), default=0.0)


def _merged(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.line_merge(shape) if shape.geom_type == "MultiLineString" else shape


def _courses(part: shapely.Geometry) -> list[shapely.Geometry]:
    """A line itself; of an area, lines from end to end: down the middle, then near each side."""
    if part.geom_type == "LineString":
        return [part]
    if part.geom_type != "Polygon":
        return []
    ring = part.exterior
    first, second = sorted(ring.project(shapely.Point(end)) for end in _far_ends(ring.coords))
    around = ring.length - (second - first)
    steps = [i / _COURSE_STEPS for i in range(_COURSE_STEPS + 1)]
    there = [ring.interpolate(first + (second - first) * i) for i in steps]
    back = [ring.interpolate((second + around * (1 - i)) % ring.length) for i in steps]
    return [
        shapely.LineString(
            [
                (a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share)
                for a, b in zip(there, back, strict=True)
            ]
        )
        for share in _SHARES
    ]


def _far_ends(coordinates: Iterable[tuple[float, ...]]) -> list[tuple[float, ...]]:
    points = list(coordinates)
    start = max(points, key=lambda p: _squared(p, points[0]))
    return [start, max(points, key=lambda p: _squared(p, start))]


def _squared(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2


def _spots(line: shapely.Geometry) -> Iterator[Spot]:
    """From the middle of the line outwards, one every few hundred metres."""
    if line.is_empty or line.length < _TOLERANCE:
        return
    n = max(1, int(line.length * _DEGREE_M / _SPOTS_M))
    half = line.length / n / 2
    for i in sorted(range(n), key=lambda i: abs(i - (n - 1) / 2)):
        middle = (i + 0.5) * line.length / n
        span = [line.interpolate(middle + d) for d in (-half / 3, 0, half / 3)]
        ((a, b),) = pairwise((span[0], span[2]))
        turn = degrees(atan2((b.x - a.x) * cos(radians(a.y)), b.y - a.y))
        yield Spot(lat=span[1].y, lon=span[1].x, turn=round(turn % 180, 1))


def _largest(shape: shapely.Geometry) -> shapely.Geometry:
    return max(shapely.get_parts(shape), key=lambda part: part.area)
