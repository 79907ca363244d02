"""The two neighbours of the demo street: invented, drawn around it, and divided into grids.

Their outlines, communities and grids are cells of a bent lattice in the street's own coordinates
(see :mod:`pipelines.demo.geography.frame`), less what belongs to the street already.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sin

import shapely
from shapely import LineString, Polygon
from shapely.ops import polygonize

from pipelines.demo.geography.frame import DECIMALS, Point, drawn

_LATTICE = 10.0**-DECIMALS
_LEAST_M2 = 22_000
_DEGREE_M2 = 110_861 * 96_160


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """One invented street: its code, its names, its corners, and the lines that divide it.

    ``u`` parts its communities from each other, ``rows`` and ``columns`` each of them into grids.
    """

    code: str
    name: str
    name_en: str
    ring: tuple[Point, ...]
    u: tuple[int, ...]
    v: tuple[int, ...]
    communities: tuple[tuple[str, str], ...]
    columns: int
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One grid of the district: its code, its names, those of its community, its polygon."""

    code: str
    name: str
    name_en: str
    community: str
    community_name: str
    community_name_en: str
    shape: Polygon


def _bank(begin: int, end: int) -> tuple[Point, ...]:
    return tuple((u, 14 * sin(u / 410)) for u in range(begin, end + 1, 90))


NEIGHBOURS = (
    Neighbour(
        code="330102991", name="西邻示例街道", name_en="Western Example",
        ring=(*_bank(-2340, 180), (500, 1100), (420, 1420), (-500, 1500), (-1500, 1430),
              (-2250, 1500), (-2330, 700)),
        u=(-2400, -1780, -1150, -560, 600), v=(-60, 1600),
        communities=(("柳岸", "Liu'an"), ("桥西", "Qiaoxi"), ("长塘", "Changtang"),
                     ("新井", "Xinjing")),
        columns=2, rows=4,
    ),
    Neighbour(
        code="330102992", name="北邻示例街道", name_en="Northern Example",
        ring=((-480, 1460), (430, 1300), (1000, 1400), (2000, 1500), (2790, 1560), (2640, 2250),
              (2300, 2760), (1400, 2820), (500, 2740), (-420, 2780)),
        u=(-520, 260, 980, 1760, 2900), v=(1200, 2900),
        communities=(("北塘", "Beitang"), ("桂园", "Guiyuan"), ("书院", "Shuyuan"),
                     ("花圃", "Huapu")),
        columns=2, rows=3,
    ),
)  # fmt: skip


def cells_of(neighbour: Neighbour, taken: shapely.Geometry) -> Iterator[Cell]:
    """The grids of a neighbour, in order of their codes; none overlaps what is ``taken``."""
    outline = shapely.make_valid(Polygon(drawn((*neighbour.ring, neighbour.ring[0]))))
    whole = max(
        shapely.get_parts(shapely.difference(outline, taken, grid_size=_LATTICE)),
        key=lambda part: part.area,
    )
    for serial, (name, name_en) in enumerate(neighbour.communities, 1):
        code = f"{neighbour.code}{serial:03d}"
        west, east = neighbour.u[serial - 1], neighbour.u[serial]
        within = (west, neighbour.v[0], east, neighbour.v[1])
        for number, shape in enumerate(_grids(neighbour, within, whole), 1):
            yield Cell(
                code=f"{code}{number:03d}",
                name=f"{name}第{number}网格",
                name_en=f"{name_en} {number}",
                community=code,
                community_name=f"{name}社区",
                community_name_en=name_en,
                shape=shapely.normalize(shape),
            )


def _grids(
    neighbour: Neighbour, within: tuple[int, int, int, int], whole: Polygon
) -> list[Polygon]:
    """The cells of one community inside the whole, from north-west to south-east."""
    west, south, east, north = within
    across = [west + (east - west) * i / neighbour.columns for i in range(neighbour.columns + 1)]
    along = [south + (north - south) * i / neighbour.rows for i in range(neighbour.rows + 1)]
    lines = [
        *(LineString(drawn([(u, south - 400), (u + 25, north + 400)])) for u in across),
        *(LineString(drawn([(west - 400, v), (east + 400, v + 20)])) for v in along),
    ]
    noded = shapely.union_all([whole.exterior, *lines], grid_size=_LATTICE)
    left, right = (LineString(drawn([(u, -600), (u + 25, 4000)])) for u in (west, east))
    band = shapely.convex_hull(shapely.union(left, right))
    cells = [
        cell
        for cell in polygonize(noded)
        if whole.contains(cell.representative_point())
        and band.contains(cell.representative_point())
    ]
    merged = _merged(cells)
    return sorted(merged, key=lambda cell: (-round(cell.centroid.y, 3), cell.centroid.x))


def _merged(cells: Sequence[Polygon]) -> list[Polygon]:
    """The cells, with slivers given to the neighbour they share most of their border with."""
    left = list(cells)
    while len(left) > 1:
        smallest = min(left, key=lambda cell: cell.area)
        if smallest.area * _DEGREE_M2 >= _LEAST_M2:
            break
        left.remove(smallest)
        shared = [smallest.intersection(other).length for other in left]
        i = shared.index(max(shared))
        left[i] = shapely.union(left[i], smallest, grid_size=_LATTICE)
    return left
