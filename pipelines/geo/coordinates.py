"""Coordinates of sources, turned into WGS-84.

GCJ-02 and BD-09 have no official inverse; the iterative one of ``prcoords`` is right to 2 mm.
CGCS2000 (EPSG:4490) is taken as WGS-84: they differ by centimetres.
"""

import re
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from pipelines.errors import SettingsError

Point = tuple[float, float]
Converter = Callable[[Sequence[Point]], list[Point]]

_SAME = frozenset({"WGS-84", "EPSG:4326", "CGCS2000", "EPSG:4490"})
_EPSG = re.compile(r"^EPSG:\d{4,6}$")
KNOWN = 'one of "WGS-84", "CGCS2000", "GCJ-02", "BD-09", or a projected "EPSG:<number>"'


def converter(crs: str) -> Converter | None:
    """A function from (lat, lon) pairs in ``crs`` to WGS-84; None when they are already.

    For a projected EPSG the pairs are (y, x). Raises SettingsError for an unknown name.
    """
    if crs in _SAME:
        return None
    if crs == "GCJ-02":
        return _from_gcj02
    if crs == "BD-09":
        return _from_bd09
    if _EPSG.match(crs):
        return _projected(crs)
    raise SettingsError(f"crs = {crs!r}: must be {KNOWN}")


def _from_gcj02(points: Sequence[Point]) -> list[Point]:
    gcj_wgs_bored = _prcoords().gcj_wgs_bored
    return [tuple(gcj_wgs_bored(point)) for point in points]


def _from_bd09(points: Sequence[Point]) -> list[Point]:
    bd_wgs_bored = _prcoords().bd_wgs_bored
    return [tuple(bd_wgs_bored(point)) for point in points]


def _prcoords() -> Any:
    # its warning about a point outside China has the coordinates in its text: not for a log
    warnings.filterwarnings("ignore", module="prcoords")
    return import_module("prcoords")


def _projected(crs: str) -> Converter:
    from pyproj import Transformer
    from pyproj.exceptions import CRSError

    try:
        transformer = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except CRSError as error:
        raise SettingsError(f"crs = {crs!r}: is not a known EPSG code; use {KNOWN}") from error

    def convert(points: Sequence[Point]) -> list[Point]:
        lons, lats = transformer.transform([p[1] for p in points], [p[0] for p in points])
        return list(zip(lats, lons, strict=True))

    return convert
