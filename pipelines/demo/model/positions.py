"""Positions as sources write them: in their own coordinate system, and sometimes wrong."""

import warnings
from importlib import import_module
from random import Random
from typing import Any

from pipelines.demo.model.street import Point

_DECIMALS = 6
SWAPPED = "coordinates swapped"
ZERO = "coordinates zero"


def gcj02(point: Point) -> Point:
    """A WGS-84 position in GCJ-02."""
    lat, lon = _prcoords().wgs_gcj(point)
    return Point(round(lat, _DECIMALS), round(lon, _DECIMALS))


def bd09(point: Point) -> Point:
    """A WGS-84 position in BD-09."""
    lat, lon = _prcoords().wgs_bd(point)
    return Point(round(lat, _DECIMALS), round(lon, _DECIMALS))


def spoilt(point: Point, random: Random, wrong: list[str], share: float = 0.05) -> Point:
    """The position, or in some cases what becomes of it when a clerk is in a hurry."""
    if random.random() >= share:
        return point
    if random.random() < 0.5:
        wrong.append(SWAPPED)
        return Point(point.lon, point.lat)
    wrong.append(ZERO)
    return Point(0.0, 0.0)


def _prcoords() -> Any:
    # its warning about a point outside China has the coordinates in its text: not for a log
    warnings.filterwarnings("ignore", module="prcoords")
    return import_module("prcoords")
