"""Coordinates of sources become WGS-84."""

from math import cos, hypot, radians

import pytest

from pipelines.errors import SettingsError
from pipelines.geo.coordinates import Point, converter

METRES_A_DEGREE = 111_320

# (WGS-84, GCJ-02, BD-09) as (lat, lon): computed with prcoords, four other libraries agree
KNOWN: list[tuple[Point, Point, Point]] = [
    ((30.2478, 120.2119), (30.24537046, 120.21643255), (30.251491, 120.22290795)),
    ((30.2436, 120.2168), (30.24116411, 120.22132141), (30.2473659, 120.22777191)),
    ((30.27, 120.225), (30.26755791, 120.22950745), (30.27387036, 120.23594924)),
    ((30.24, 120.205), (30.23757945, 120.20954843), (30.24357031, 120.21604812)),
    ((30.2755, 120.2204), (30.27306291, 120.22491664), (30.27932165, 120.23137185)),
    ((31.1774276, 121.5272106), (31.17530398, 121.53154186), (31.18132861, 121.53801569)),
    ((22.543847, 113.912316), (22.54079613, 113.91717648), (22.54666744, 113.92368473)),
    ((39.911954, 116.377817), (39.91334546, 116.38404722), (39.91957555, 116.39045471)),
]


def metres(a: Point, b: Point) -> float:
    across = (a[1] - b[1]) * METRES_A_DEGREE * cos(radians(a[0]))
    return hypot((a[0] - b[0]) * METRES_A_DEGREE, across)


def converted(crs: str, point: Point) -> Point:
    convert = converter(crs)
    assert convert is not None
    (moved,) = convert([point])
    return moved


@pytest.mark.parametrize(("wgs", "gcj", "bd"), KNOWN)
def test_chinese_coordinates_are_right_to_a_centimetre(wgs: Point, gcj: Point, bd: Point) -> None:
    assert metres(converted("GCJ-02", gcj), wgs) < 0.01
    assert metres(converted("BD-09", bd), wgs) < 0.012  # twice inverted: 11 mm in Beijing


@pytest.mark.parametrize("crs", ["WGS-84", "EPSG:4326", "CGCS2000", "EPSG:4490"])
def test_what_is_wgs84_already_is_left_alone(crs: str) -> None:
    assert converter(crs) is None


@pytest.mark.parametrize(
    ("crs", "y", "x"),
    [
        ("EPSG:32651", 3349533.995, 231712.275),
        ("EPSG:4549", 3347602.149, 520394.479),
        ("EPSG:3857", 3535442.157, 13381927.495),
    ],
)
def test_a_projected_position_is_given_as_y_and_x(crs: str, y: float, x: float) -> None:
    assert metres(converted(crs, (y, x)), (30.2478, 120.2119)) < 0.01


@pytest.mark.parametrize("crs", ["WGS84", "gcj02", "EPSG:999999", "", "EPSG:abc"])
def test_an_unknown_name_stops_the_start_and_the_known_ones_are_named(crs: str) -> None:
    with pytest.raises(SettingsError, match='one of "WGS-84"'):
        converter(crs)
