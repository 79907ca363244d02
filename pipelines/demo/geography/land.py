"""What the street is drawn from: its outline, communities, roads, water, parks and landmarks.

All in the street's own coordinates (see :mod:`pipelines.demo.geography.frame`). Names of roads,
the river and public buildings are real; where they run and stand is a sketch.
"""

from dataclasses import dataclass
from math import sin

from pipelines.demo.geography.frame import Point

Line = tuple[Point, ...]

WEST, EAST = -5200, 8600
"""How far roads and river are drawn beyond the street, so that a wide screen is full."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Community:
    """One community: its code within the street, its names, its share of the grids.

    ``u`` and ``v`` say between which roads it lies; ``dense`` is people a hectare.
    """

    serial: int
    name: str
    name_en: str
    u: tuple[int, int]
    v: tuple[int, int]
    grids: int
    dense: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Road:
    """A road, main or secondary; an unnamed one is there for the picture."""

    line: Line
    name: str = ""
    name_en: str = ""
    main: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Landmark:
    """A public place by which people find their way."""

    at: Point
    name: str
    name_en: str


STREET = "330102014"

COMMUNITIES = (
    Community(serial=1, name="三叉", name_en="Sancha", u=(0, 1100), v=(1160, 1540),
              grids=8, dense=330),
    Community(serial=2, name="五福", name_en="Wufu", u=(1650, 2200), v=(800, 1540),
              grids=9, dense=300),
    Community(serial=3, name="三堡", name_en="Sanbao", u=(2200, 3300), v=(0, 800),
              grids=7, dense=110),
    Community(serial=4, name="水湘", name_en="Shuixiang", u=(0, 1100), v=(800, 1160),
              grids=8, dense=310),
    Community(serial=5, name="钱江苑", name_en="Qianjiangyuan", u=(1100, 1650), v=(1160, 1540),
              grids=7, dense=360),
    Community(serial=6, name="钱塘", name_en="Qiantang", u=(1100, 1650), v=(800, 1160),
              grids=6, dense=320),
    Community(serial=7, name="城星", name_en="Chengxing", u=(0, 600), v=(0, 800),
              grids=5, dense=170),
    Community(serial=8, name="运新", name_en="Yunxin", u=(2200, 3300), v=(800, 1540),
              grids=9, dense=230),
    Community(serial=9, name="江锦", name_en="Jiangjin", u=(600, 1100), v=(0, 800),
              grids=5, dense=150),
    Community(serial=10, name="钱运", name_en="Qianyun", u=(1100, 1650), v=(0, 800),
              grids=6, dense=190),
    Community(serial=11, name="钱景", name_en="Qianjing", u=(1650, 2200), v=(0, 800),
              grids=5, dense=180),
)  # fmt: skip

BANK: Line = tuple((u, 14 * sin(u / 410)) for u in range(-60, 3361, 90))
OUTLINE: Line = (
    *BANK, (3350, 300), (3290, 620), (3170, 930), (3080, 1170), (2890, 1400), (2780, 1590),
    (2420, 1608), (2200, 1575), (1880, 1548), (1640, 1556), (1290, 1532), (1085, 1545),
    (1060, 1465), (740, 1438), (596, 1448), (430, 1330), (215, 1262), (40, 1060), (-25, 800),
    (-15, 610), (-85, 420), (-70, 180),
)  # fmt: skip


def _along(v: float, *, rise: float = 0, sway: float = 12, phase: float = 0) -> Line:
    """A road that follows the river at about ``v`` metres, a little out of true."""
    return tuple(
        (u, v + rise * (u - 1650) + sway * sin(u / 620 + phase)) for u in range(WEST, EAST + 1, 230)
    )


def _across(u: float, *, lean: float = 0, start: float = 0, end: float = 4300) -> Line:
    """A road from the bank inland; ``lean`` is how many metres along it goes in one metre up."""
    steps = (0, 90, 260, 430, 620, 800, 980, 1160, 1350, 1540, 1800, 2300, 3000, 3600, 4300)
    inner = [float(v) for v in steps if start < v < end]
    return tuple((u + lean * v + 11 * sin(v / 260 + u), v) for v in (start, *inner, end))


WITHIN = (
    Road(name="富春路", name_en="Fuchun Rd", line=_along(430, rise=0.016, phase=0.8)),
    Road(name="钱江路", name_en="Qianjiang Rd", line=_along(800, rise=-0.012, sway=16)),
    Road(name="新塘路", name_en="Xintang Rd", line=_along(1160, rise=0.02, sway=14, phase=2)),
    Road(name="解放东路", name_en="Jiefang East Rd", line=_across(600, lean=-0.05)),
    Road(name="新业路", name_en="Xinye Rd", line=_across(1100, lean=0.02)),
    Road(name="庆春东路", name_en="Qingchun East Rd", line=_across(1650, lean=-0.03, start=-1500)),
    Road(name="太平门直街", name_en="Taipingmen St", line=_across(2200, lean=0.05)),
    Road(name="昙花庵路", name_en="Tanhua'an Rd", line=_across(2760, lean=-0.04), main=False),
)
"""The roads that part the street into blocks; every boundary of a community runs along one."""

AROUND = (
    Road(name="之江路", name_en="Zhijiang Rd", line=_along(96, sway=5)),
    Road(name="秋涛北路", name_en="Qiutao North Rd",
         line=_along(1640, rise=0.03, sway=20, phase=1)),
    Road(name="凯旋路", name_en="Kaixuan Rd", line=_along(2130, rise=-0.01, sway=30), main=False),
    Road(name="清江路", name_en="Qingjiang Rd", line=_across(-140, lean=-0.04)),
    Road(name="运河东路", name_en="Yunhe East Rd", line=_across(3560, lean=-0.17)),
    Road(line=_along(2750, sway=40, phase=2)),
    Road(line=_along(3450, sway=40, rise=0.02)),
    Road(line=_across(-1150, lean=-0.02, start=-2600)),
    Road(line=_across(4700, lean=-0.08, start=-2600)),
    Road(line=_across(6100, lean=0.03)),
    Road(line=_across(-2500, lean=0.04)),
    Road(name="闻涛路", name_en="Wentao Rd", line=_along(-1330, sway=6)),
    Road(line=_along(-1900, sway=30, rise=0.01), main=False),
    Road(line=_along(-2600, sway=30)),
    *(Road(line=_across(u, lean=0.03 * sin(u), start=96), main=False)
      for u in (-3300, -1850, -650, 4130, 5400, 6900)),
    *(Road(line=_across(u, lean=0.04 * sin(u), start=-3400, end=-1330), main=False)
      for u in (-2900, -350, 560, 2350, 3300, 5600)),
)  # fmt: skip

LANES = (
    Road(name="民心路", name_en="Minxin Rd", line=((850, -40), (856, 300), (850, 452)), main=False),
    Road(name="丹桂街", name_en="Dangui St", main=False,
         line=((1380, -40), (1374, 430), (1390, 800), (1381, 1190))),
    Road(name="景昙路", name_en="Jingtan Rd", main=False,
         line=((540, 1040), (1100, 985), (1650, 990), (2260, 985))),
    Road(line=((300, -40), (306, 430), (292, 830), (330, 1290)), main=False),
    Road(line=((1925, -40), (1932, 430), (1940, 800), (1921, 1180), (1935, 1548)), main=False),
    Road(line=((2480, -40), (2486, 430), (2500, 790)), main=False),
    Road(line=((2260, 1370), (2720, 1365), (2880, 1400)), main=False),
)  # fmt: skip
"""Smaller streets inside; grid boundaries follow them where they can."""

RIVER: Line = (
    *((u, 14 * sin(u / 410)) for u in range(WEST - 400, EAST + 401, 150)),
    *((u, -1120 + 60 * sin(u / 1500)) for u in range(EAST + 400, WEST - 401, -150)),
)
CANAL: Line = (
    (3355, -20), (3405, 310), (3340, 640), (3225, 950), (3130, 1200), (2940, 1430), (2840, 1620),
    (2700, 2300), (2350, 3100), (2100, 4300), (2155, 4300), (2405, 3105), (2755, 2310),
    (2890, 1632), (2985, 1455), (3178, 1222), (3275, 970), (3395, 655), (3460, 310), (3440, -20),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Park:
    """A park as a ring of points."""

    ring: Line
    name: str = ""
    name_en: str = ""


def _strip(start: int, end: int, inner: float, outer: float) -> Line:
    us = range(start, end + 1, 130)
    return (*((u, inner + 14 * sin(u / 410)) for u in us), *((u, outer) for u in reversed(us)))


PARKS = (
    Park(name="城市阳台", name_en="City Balcony", ring=_strip(690, 1340, 4, 82)),
    Park(ring=_strip(-60, 560, 6, 78)),
    Park(ring=_strip(1500, 3310, 6, 80)),
    Park(ring=_strip(-4600, -420, 8, 76)),
    Park(ring=_strip(3560, 8000, 8, 78)),
    Park(ring=_strip(-4600, 8000, -1205, -1310)),
    Park(name="森林公园", name_en="Forest Park",
         ring=((740, 455), (962, 452), (968, 560), (955, 690), (745, 694), (736, 590))),
    Park(name="运河公园", name_en="Canal Park",
         ring=((3180, 330), (3330, 330), (3272, 620), (3160, 900), (3085, 890), (3160, 610))),
    Park(ring=((1460, 860), (1590, 862), (1586, 960), (1468, 955))),
    Park(ring=((2020, 1230), (2150, 1236), (2140, 1330), (2030, 1322))),
    Park(ring=((180, 1010), (400, 1004), (408, 1066), (186, 1080))),
    Park(ring=((-1900, 1750), (-1250, 1790), (-1200, 2600), (-1800, 2550))),
    Park(ring=((4300, 1500), (5150, 1540), (5060, 2420), (4360, 2300))),
    Park(ring=((1050, -1480), (1750, -1480), (1720, -1850), (1080, -1850))),
    Park(ring=((450, 2300), (900, 2290), (910, 2620), (440, 2640))),
)  # fmt: skip

LANDMARKS = (
    Landmark(name="市民中心", name_en="Civic Center", at=(850, 395)),
    Landmark(name="城市阳台", name_en="City Balcony", at=(1015, 50)),
    Landmark(name="杭州大剧院", name_en="Grand Theatre", at=(1240, 215)),
    Landmark(name="国际会议中心", name_en="Conference Center", at=(480, 215)),
    Landmark(name="森林公园", name_en="Forest Park", at=(850, 575)),
    Landmark(name="三堡船闸", name_en="Sanbao Lock", at=(3400, 150)),
    Landmark(name="运河公园", name_en="Canal Park", at=(3215, 570)),
    Landmark(name="钱江新城", name_en="Qianjiang New City", at=(1500, 560)),
    Landmark(name="奥体中心", name_en="Olympic Sports Centre", at=(1400, -1660)),
    Landmark(name="火车东站", name_en="East Railway Station", at=(3650, 2600)),
)
