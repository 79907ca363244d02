"""The street's grids: loaded once from the owner's boundary file, asked by position or code."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import shapely
from pyproj.exceptions import CRSError

from pipelines.errors import SettingsError
from pipelines.geo.coordinates import KNOWN, converter
from pipelines.model.place import NOT_ON_MAP

_MARGIN_DEG = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """One grid (网格): its code, its name, the community (社区) it belongs to.

    ``street`` is filled in where the boundary file says which street it lies in.
    """

    code: str
    name: str
    parent: str
    name_en: str = ""
    parent_name: str = ""
    parent_name_en: str = ""
    street: str = ""
    street_name: str = ""
    street_name_en: str = ""

    @property
    def names(self) -> Mapping[str, str]:
        """What it is called, by language."""
        return {"zh": self.name, "en": self.name_en or self.name}

    @property
    def street_names(self) -> Mapping[str, str]:
        """What its street is called, by language; its code where it has no name."""
        name = self.street_name or self.street
        return {"zh": name, "en": self.street_name_en or name}

    @property
    def parent_names(self) -> Mapping[str, str]:
        """What its community is called, by language; its code where it has no name."""
        name = self.parent_name or self.parent
        return {"zh": name, "en": self.parent_name_en or name}


class Grids:
    """All grids of the area, with a spatial index.

    ``repaired`` names the grids whose polygons were invalid and were mended. Without a boundary
    file there are none, and the owner's own grid codes are taken as they come. ``version`` is a
    hash of all that is drawn of them, ``boundaries`` of what says where an incident lies: names
    do not count.
    """

    def __init__(
        self, grids: Sequence[Grid], shapes: Sequence[shapely.Geometry], repaired: Sequence[str]
    ) -> None:
        self._by_code: Mapping[str, Grid] = {grid.code: grid for grid in grids}
        self._codes = [grid.code for grid in grids]
        self._tree = shapely.STRtree(list(shapes))
        self._shapes = list(shapes)
        self.repaired = tuple(repaired)
        self.geojson = _geojson(grids, shapes)
        self.version = hashlib.sha256(self.geojson).hexdigest()[:12]
        self.boundaries = _boundaries(grids, shapes)
        self.bounds = _bounds(shapes)
        self.corners = _corners(shapes)

    def __len__(self) -> int:
        return len(self._codes)

    def __iter__(self) -> Iterator[Grid]:
        return iter(self._by_code.values())

    def shapes(self) -> Iterator[tuple[Grid, shapely.Geometry]]:
        """Every grid with its polygon."""
        return zip(self._by_code.values(), self._shapes, strict=True)

    def only(self, codes: Collection[str]) -> "Grids":
        """Some of the grids alone."""
        chosen = [(grid, shape) for grid, shape in self.shapes() if grid.code in codes]
        return Grids([grid for grid, _ in chosen], [shape for _, shape in chosen], ())

    def corners_of(self, codes: Collection[str]) -> tuple[tuple[float, float], ...]:
        """The (longitude, latitude) of the hull around some of the grids."""
        return _corners([shape for grid, shape in self.shapes() if grid.code in codes])

    def get(self, code: str) -> Grid:
        """The grid with this code; an unknown code stands for itself, in no community."""
        return self._by_code.get(code) or Grid(code=code, name=code, parent=NOT_ON_MAP)

    def has(self, code: str) -> bool:
        """True when the code is one of ours, or when there is no list to compare with."""
        return code in self._by_code or not self._by_code

    def locate(self, points: Sequence[tuple[float, float]]) -> list[str]:
        """The grid code of each (lat, lon), or NOT_ON_MAP; a shared border goes to the first."""
        found = [NOT_ON_MAP] * len(points)
        if not self._codes or not points:
            return found
        lats, lons = zip(*points, strict=True)
        inputs, trees = self._tree.query(shapely.points(lons, lats), predicate="intersects")
        at = inputs.tolist()
        of = trees.tolist()
        if len(set(at)) < len(at):  # a shared border
            at, of = zip(*sorted(zip(at, of, strict=True), reverse=True), strict=True)
        for i, j in zip(at, of, strict=True):
            found[i] = self._codes[j]
        return found

    def doubt(self, lat: float, lon: float) -> str | None:
        """Why a position cannot be right, if it cannot: zero, out of range, or swapped."""
        if lat == 0 and lon == 0:
            return "is (0, 0): a missing position"
        if self._near(lat, lon):
            return None
        if self._near(lon, lat):
            return "is latitude and longitude swapped; swap the columns in position"
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            return "is no place on earth: latitude is −90…90, longitude −180…180"
        return None

    def _near(self, lat: float, lon: float) -> bool:
        if self.bounds is None:
            return False
        west, south, east, north = self.bounds
        inside_lat = south - _MARGIN_DEG <= lat <= north + _MARGIN_DEG
        return inside_lat and west - _MARGIN_DEG <= lon <= east + _MARGIN_DEG


def no_grids() -> Grids:
    """No boundary file: nothing can be located by position."""
    return Grids((), (), ())


def load_grids(
    file: Path,
    *,
    code: str,
    name: str | None,
    parent: str | None,
    crs: str | None,
    more: Mapping[str, str] | None = None,
) -> Grids:
    """Read a GeoJSON, GeoPackage or Shapefile; mend invalid polygons; turn all into WGS-84.

    The columns are named by what is in them; ``more`` names those of further fields of a grid.

    Raises SettingsError when the file or a named column is missing, a code repeats, or the file
    does not state a CRS and none is configured.
    """
    named = tuple(filter(None, (code, name, parent, *(more or {}).values())))
    frame = read_boundaries(file, named, crs)
    return grids_of(frame, file, code=code, name=name, parent=parent, more=more)


def read_boundaries(file: Path, columns: Sequence[str], crs: str | None) -> geopandas.GeoDataFrame:
    """A boundary file in WGS-84, with at least these columns; raises SettingsError."""
    if not file.exists():
        raise SettingsError(f"{file}: no such boundary file; set file under [grids]")
    try:
        frame = geopandas.read_file(file)
    except Exception as error:  # the readers below raise a family of their own
        raise SettingsError(f"{file}: cannot be read as a boundary file: {error}") from error
    for column in columns:
        if column not in frame.columns:
            known = ", ".join(c for c in frame.columns if c != "geometry")
            raise SettingsError(f"{file}: no column {column!r}; there are: {known}")
    return in_wgs84(frame, crs, file)


def grids_of(
    frame: geopandas.GeoDataFrame,
    file: Path,
    *,
    code: str,
    name: str | None,
    parent: str | None,
    more: Mapping[str, str] | None = None,
) -> Grids:
    """The grids in the rows of a boundary file; raises SettingsError as ``load_grids`` does."""
    codes = _texts(frame[code])
    _check_codes(codes, file)
    valid = frame.geometry.is_valid
    shapes = [shapely.make_valid(shape) for shape in frame.geometry]
    _check_shapes(codes, shapes, file)
    repaired = [c for c, ok in zip(codes, valid, strict=True) if not ok]
    names = codes if name is None else _texts(frame[name])
    parents = [NOT_ON_MAP] * len(codes) if parent is None else _texts(frame[parent])
    further = {field: _texts(frame[column]) for field, column in (more or {}).items()}
    grids = [
        Grid(code=c, name=n or c, parent=p, **{field: t[i] for field, t in further.items()})
        for i, (c, n, p) in enumerate(zip(codes, names, parents, strict=True))
    ]
    return Grids(grids, shapes, repaired)


def _texts(column: Any) -> list[str]:
    return [
        "" if missing else str(v).strip() for v, missing in zip(column, column.isna(), strict=True)
    ]


def in_wgs84(
    frame: geopandas.GeoDataFrame, crs: str | None, file: Path, block: str = "[grids]"
) -> geopandas.GeoDataFrame:
    """The frame in WGS-84; ``crs`` is that of a file that does not say its own.

    Raises SettingsError naming the ``block`` of the configuration when neither says it.
    """
    if crs in ("GCJ-02", "BD-09"):
        return _from_china(frame, crs)
    if crs is not None:
        try:
            frame = frame.set_crs(crs, allow_override=True)
        except CRSError as error:
            raise SettingsError(f"{file}: crs = {crs!r}: must be {KNOWN}") from error
    if frame.crs is None:
        raise SettingsError(f"{file}: does not say its CRS; set crs under {block}")
    return frame.to_crs("EPSG:4326")


def _from_china(frame: geopandas.GeoDataFrame, crs: str) -> geopandas.GeoDataFrame:
    convert = converter(crs)
    assert convert is not None

    def moved(coordinates: "list[list[float]]") -> "list[tuple[float, float]]":
        points = convert([(lat, lon) for lon, lat in coordinates])
        return [(lon, lat) for lat, lon in points]

    shapes = shapely.transform(frame.geometry.to_numpy(), moved)
    return frame.set_geometry(geopandas.GeoSeries(shapes, crs="EPSG:4326"))


def _check_codes(codes: Sequence[str], file: Path) -> None:
    seen: set[str] = set()
    for code in codes:
        if not code:
            raise SettingsError(f"{file}: a grid has no code; every grid needs one")
        if code in seen:
            raise SettingsError(f"{file}: the code {code!r} occurs twice; codes must differ")
        seen.add(code)


def _check_shapes(codes: Sequence[str], shapes: Any, file: Path) -> None:
    for code, shape in zip(codes, shapes, strict=True):
        if shape is None or not shape.area > 0:
            raise SettingsError(f"{file}: grid {code!r} has no area; every grid needs a polygon")


def _bounds(shapes: Sequence[shapely.Geometry]) -> tuple[float, float, float, float] | None:
    if not shapes:
        return None
    west, south, east, north = shapely.total_bounds(list(shapes)).tolist()
    return (west, south, east, north)


def _corners(shapes: Sequence[shapely.Geometry]) -> tuple[tuple[float, float], ...]:
    """The (longitude, latitude) of the hull around all grids; nothing lies outside them."""
    hull = shapely.convex_hull(shapely.geometrycollections(list(shapes)))
    return tuple((lon, lat) for lon, lat in shapely.get_coordinates(hull).tolist())


def _boundaries(grids: Sequence[Grid], shapes: Sequence[shapely.Geometry]) -> str:
    """A hash of codes, communities and outlines."""
    digest = hashlib.sha256()
    for grid, outline in zip(grids, shapely.to_wkb(list(shapes)), strict=True):
        digest.update(f"{grid.code}\x1f{grid.parent}\x1f".encode() + outline)
    return digest.hexdigest()[:12]


def _geojson(grids: Sequence[Grid], shapes: Sequence[shapely.Geometry]) -> bytes:
    features = [
        {
            "type": "Feature",
            "id": grid.code,
            "properties": {"code": grid.code, "name": grid.name, "parent": grid.parent},
            "geometry": json.loads(shapely.to_geojson(shapely.set_precision(shape, 1e-6))),
        }
        for grid, shape in zip(grids, shapes, strict=True)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()
