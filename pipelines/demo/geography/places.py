"""Schools, estates and towers of the demo street: invented, in real communities."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

import shapely
from shapely import LineString, Point

from pipelines.demo.geography.blocks import Block
from pipelines.demo.geography.frame import DECIMALS, distance_m, drawn
from pipelines.demo.geography.land import AROUND, LANES, WITHIN

PEOPLE_A_HOUSEHOLD = 2.6
_APART_M = 30.0
_MARGIN_DEG = 0.00014
_HOUSE_NUMBER_M = 6.0

SHARES = {
    1: (2, 7, 3), 2: (2, 8, 4), 3: (2, 4, 8), 4: (2, 7, 3), 5: (2, 8, 3), 6: (2, 6, 5),
    7: (1, 2, 18), 8: (2, 7, 5), 9: (1, 1, 21), 10: (2, 2, 16), 11: (1, 2, 13),
}  # fmt: skip
"""Schools, estates and towers of each community: 19, 54 and 99 in all, towers by the river."""

_ESTATES = (
    ("江韵", "Jiangyun"), ("云锦", "Yunjin"), ("澜庭", "Lanting"), ("映月", "Yingyue"),
    ("桂语", "Guiyu"), ("新禾", "Xinhe"), ("怡和", "Yihe"), ("锦绣", "Jinxiu"),
    ("春晓", "Chunxiao"), ("晴川", "Qingchuan"), ("和润", "Herun"), ("知岸", "Zhi'an"),
)  # fmt: skip
_ESTATE_KINDS = (
    ("苑", "Court"), ("花园", "Garden"), ("公寓", "Apartments"), ("新村", "Village"),
    ("名邸", "Residence"),
)  # fmt: skip
_TOWERS = (
    ("江澜", "Jianglan"), ("潮升", "Chaosheng"), ("云帆", "Yunfan"), ("星汇", "Xinghui"),
    ("远图", "Yuantu"), ("恒川", "Hengchuan"), ("天启", "Tianqi"), ("泰禾", "Taihe"),
    ("明岸", "Ming'an"), ("汇泽", "Huize"), ("金帆", "Jinfan"), ("启航", "Qihang"),
    ("华谷", "Huagu"), ("盛弘", "Shenghong"), ("新川", "Xinchuan"), ("博远", "Boyuan"),
    ("凌云", "Lingyun"), ("众望", "Zhongwang"), ("信达", "Xinda"), ("同川", "Tongchuan"),
    ("锦程", "Jincheng"), ("开元", "Kaiyuan"),
)  # fmt: skip
_TOWER_KINDS = (
    ("大厦", "Tower"), ("中心", "Center"), ("国际", "International"), ("广场", "Plaza"),
    ("商务楼", "Business Building"),
)  # fmt: skip
_SCHOOLS = (
    ("晨曦", "Chenxi"), ("育新", "Yuxin"), ("江畔", "Jiangpan"), ("百合", "Baihe"),
    ("启明", "Qiming"), ("学林", "Xuelin"), ("青禾", "Qinghe"),
)  # fmt: skip
_SCHOOL_KINDS = (("幼儿园", "Kindergarten"), ("小学", "Primary School"), ("中学", "Middle School"))
_PUPILS = {"幼儿园": (180, 420), "小学": (700, 1500), "中学": (800, 1700)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One building or estate. ``households`` is 0 where nobody lives."""

    code: str
    type: str
    name: str
    name_en: str
    block: Block
    address: str
    lat: float
    lon: float
    floors: int
    households: int
    population: int


@dataclass(frozen=True, kw_only=True, slots=True)
class People:
    """Who lives in a grid."""

    households: int
    population: int


def settle(blocks: Sequence[Block], random: Random) -> dict[str, People]:
    """The households and people of every grid, by its code."""
    people = {}
    for block in blocks:
        hectares = block.shape.area * 110_861 * 96_160 / 10_000
        here = hectares * block.community.dense * random.uniform(0.8, 1.2)
        households = round(here / PEOPLE_A_HOUSEHOLD)
        people[block.code] = People(households=households, population=round(here))
    return people


def make_places(
    blocks: Sequence[Block], people: dict[str, People], random: Random
) -> tuple[Place, ...]:
    """All places: schools, then estates, then towers, each in order of its community."""
    sites = _Sites(random)
    made: list[Place] = []
    for index, (kind, names) in enumerate(_names(random).items()):
        left = iter(names)
        serial = 0
        for community, shares in SHARES.items():
            own = [block for block in blocks if block.community.serial == community]
            for block in _spread(own, shares[index], random):
                serial += 1
                made.append(_place(f"{kind}-{serial:02d}", kind, next(left), block, sites, people))
    return tuple(made)


def _names(random: Random) -> dict[str, list[tuple[str, str]]]:
    """A name of its own for every place, by kind."""
    pools = {
        "school": (_SCHOOLS, _SCHOOL_KINDS),
        "estate": (_ESTATES, _ESTATE_KINDS),
        "tower": (_TOWERS, _TOWER_KINDS),
    }
    needed = dict(zip(pools, map(sum, zip(*SHARES.values(), strict=True)), strict=True))
    names = {}
    for kind, (first, second) in pools.items():
        every = [(f"{a}{b}", f"{en} {kind_en}") for (a, en), (b, kind_en) in product(first, second)]
        names[kind] = random.sample(every, needed[kind])
    return names


def _spread(blocks: Sequence[Block], n: int, random: Random) -> Iterator[Block]:
    """``n`` of the grids, none twice before each was used once."""
    order: list[Block] = []
    while len(order) < n:
        order.extend(random.sample(list(blocks), len(blocks)))
    return iter(sorted(order[:n], key=lambda block: block.code))


class _Sites:
    """Finds room: inside a grid, away from its border and from other places."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._taken: list[tuple[float, float]] = []

    def find(self, block: Block) -> tuple[float, float]:
        """A free (longitude, latitude) in the grid."""
        room = block.shape.buffer(-_MARGIN_DEG)
        west, south, east, north = room.bounds
        for _ in range(400):
            at = (
                round(self.random.uniform(west, east), DECIMALS),
                round(self.random.uniform(south, north), DECIMALS),
            )
            if room.contains(Point(at)) and all(distance_m(at, o) > _APART_M for o in self._taken):
                self._taken.append(at)
                return at
        raise AssertionError(f"grid {block.code} has no room for another place")


def _place(
    code: str,
    kind: str,
    name: tuple[str, str],
    block: Block,
    sites: _Sites,
    people: dict[str, People],
) -> Place:
    lon, lat = sites.find(block)
    random = sites.random
    floors, households, population = _size(kind, name[0], people[block.code], random)
    return Place(
        code=code,
        type=kind,
        name=name[0],
        name_en=name[1],
        block=block,
        address=_address(lon, lat),
        lat=lat,
        lon=lon,
        floors=floors,
        households=households,
        population=population,
    )


def _size(kind: str, name: str, people: People, random: Random) -> tuple[int, int, int]:
    """Floors, households, and people who live, work or learn there."""
    if kind == "school":
        low, high = next(span for word, span in _PUPILS.items() if name.endswith(word))
        return random.randint(3, 6), 0, random.randint(low, high)
    if kind == "tower":
        floors = random.randint(18, 58)
        return floors, 0, floors * random.randint(28, 62)
    households = round(people.households * random.uniform(0.25, 0.42))
    floors = random.choice((6, 7, 7, 11, 18, 26, 33))
    return floors, households, round(households * PEOPLE_A_HOUSEHOLD)


def _address(lon: float, lat: float) -> str:
    """The nearest road with a name, and a number that grows along it."""
    named = [road for road in (*WITHIN, *AROUND, *LANES) if road.name]
    at = Point(lon, lat)
    lines = {road.name: LineString(drawn(road.line)) for road in named}
    name = min(lines, key=lambda n: lines[n].distance(at))
    start = lines[name].interpolate(lines[name].project(at))
    first = shapely.get_point(lines[name], 0)
    metres = distance_m((start.x, start.y), (first.x, first.y))
    number = int(metres / _HOUSE_NUMBER_M) % 900 + 1
    return f"{name}{number}号"
