"""The demo street as its files describe it: grids, places, units and devices."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, hypot, radians
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

_METRES_A_DEGREE = 111_320.0
_CENTRE = "市民中心"
_BUSINESS_M = 750.0
_BY_THE_RIVER_M = 650.0
_STEPS_M = 25.0


class Point(NamedTuple):
    """A position, WGS-84."""

    lat: float
    lon: float


class Grid(NamedTuple):
    """One grid: ``is_business`` near the civic centre, ``is_riverside`` near the river."""

    code: str
    name: str
    community: str
    centre: Point
    is_business: bool
    is_riverside: bool


class Place(NamedTuple):
    """A building or an estate, with its address.

    ``room_m`` is how far one may step from its point and surely not leave the street.
    """

    code: str
    name: str
    grid: str
    address: str
    point: Point
    room_m: float


class Unit(NamedTuple):
    """Who responds."""

    code: str
    type: str
    community: str
    grid: str
    point: Point


class Device(NamedTuple):
    """A device of the register; ``unit`` is the fire station that answers its alarms."""

    source: str
    device: str
    type: str
    name: str
    grid: str
    unit: str
    point: Point


@dataclass(frozen=True, kw_only=True, slots=True)
class Street:
    """Everything there is on the street."""

    grids: dict[str, Grid]
    places: tuple[Place, ...]
    units: tuple[Unit, ...]
    devices: tuple[Device, ...]

    def somewhere(self, random: Random) -> Place:
        """A place, any."""
        return random.choice(self.places)

    def patrol(self, grid: str) -> str:
        """The patrol of the community that a grid belongs to."""
        community = self.grids[grid].community
        return next(u.code for u in self.units if u.type == "patrol" and u.community == community)

    def unit(self, code: str) -> Unit:
        """The unit of that code."""
        return next(unit for unit in self.units if unit.code == code)

    def next_to(self, code: str) -> str:
        """The unit of the same type that is nearest to another."""
        left = self.unit(code)
        others = [u for u in self.units if u.type == left.type and u.code != code]
        return min(others, key=lambda u: _apart_m(u.point, left.point)).code

    def slowness(self, grid: str, hour: int) -> float:
        """How much longer the way takes there at that hour of the day."""
        where = self.grids[grid]
        if where.is_riverside and (hour >= 22 or hour < 6):
            return 1.4
        if where.is_business and hour in (8, 17, 18):
            return 1.35
        return 1.0


def read_street(folder: Path) -> Street:
    """Read the files of a folder such as ``config/demo``."""
    river = _corners(_features(folder / "river.geojson")[0]["geometry"]["coordinates"])
    marks = {
        f["properties"]["name"]: f["geometry"] for f in _features(folder / "landmarks.geojson")
    }
    lon, lat = marks[_CENTRE]["coordinates"]
    centre = Point(lat, lon)
    features = _features(folder / "grids.geojson")
    rings = [_corners(feature["geometry"]["coordinates"][0]) for feature in features]
    grids = [_grid(feature, centre, river) for feature in features]
    return Street(
        grids={grid.code: grid for grid in grids},
        places=tuple(
            Place(
                r["code"], r["name"], r["grid"], r["address"], _point(r), _room_m(_point(r), rings)
            )
            for r in _rows(folder / "places.csv")
        ),
        units=tuple(
            Unit(r["code"], r["type"], r["community"], r["grid"], _point(r))
            for r in _rows(folder / "units.csv")
        ),
        devices=tuple(
            Device(r["source"], r["device"], r["type"], r["name"], r["grid"], r["unit"], _point(r))
            for r in _rows(folder / "devices.csv")
        ),
    )


def near(point: Point, random: Random, metres: float = _STEPS_M) -> Point:
    """A point a few steps away."""
    turn = metres / _METRES_A_DEGREE
    lat = point.lat + random.uniform(-turn, turn)
    return Point(round(lat, 6), round(point.lon + random.uniform(-turn, turn), 6))


def _room_m(point: Point, rings: Sequence[Sequence[Point]]) -> float:
    """A few steps, or none for what stands at the very edge of the street."""
    turn = _STEPS_M / _METRES_A_DEGREE
    around = [
        Point(point.lat + north * turn, point.lon + east * turn)
        for north in (-1, 0, 1)
        for east in (-1, 0, 1)
    ]
    inside = all(any(_holds(ring, step) for ring in rings) for step in around)
    return _STEPS_M if inside else 0.0


def _holds(ring: Sequence[Point], point: Point) -> bool:
    """Whether a ring goes around a point: a ray to the east crosses it an odd number of times."""
    inside = False
    for one, other in pairwise(ring):
        if (one.lat > point.lat) != (other.lat > point.lat):
            share = (point.lat - one.lat) / (other.lat - one.lat)
            inside ^= point.lon < one.lon + share * (other.lon - one.lon)
    return inside


def _grid(feature: Any, centre: Point, river: Sequence[Point]) -> Grid:
    corners = _corners(feature["geometry"]["coordinates"])
    middle = Point(
        sum(p.lat for p in corners) / len(corners), sum(p.lon for p in corners) / len(corners)
    )
    said = feature["properties"]
    return Grid(
        said["code"],
        said["name"],
        said["community"],
        middle,
        _apart_m(middle, centre) < _BUSINESS_M,
        min(_apart_m(middle, bank) for bank in river) < _BY_THE_RIVER_M,
    )


def _apart_m(one: Point, other: Point) -> float:
    north = one.lat - other.lat
    east = (one.lon - other.lon) * cos(radians(one.lat))
    return hypot(north, east) * _METRES_A_DEGREE


def _corners(coordinates: Any) -> list[Point]:
    if isinstance(coordinates[0], int | float):
        return [Point(coordinates[1], coordinates[0])]
    return [point for part in coordinates for point in _corners(part)]


def _point(row: dict[str, str]) -> Point:
    return Point(float(row["lat"]), float(row["lon"]))


def _features(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))["features"]


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
