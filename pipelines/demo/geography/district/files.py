"""The files of the example district: what ``config/district`` holds, made from one seed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

import shapely
from shapely.geometry import shape

from pipelines.demo.geography.district.cases import make_cases
from pipelines.demo.geography.district.land import NEIGHBOURS, Cell, cells_of
from pipelines.demo.geography.files import as_csv, as_geojson, demo_files, feature

SEED = 136
STREET = ("330102014", "四季青街道", "Sijiqing")


def district_files() -> dict[str, bytes]:
    """The content of every file, by its name. The same each time."""
    cells = list(_of_the_demo())
    for neighbour in NEIGHBOURS:
        taken = shapely.union_all([cell.shape for cell in cells])
        cells.extend(cells_of(neighbour, taken))
    streets = [STREET, *((n.code, n.name, n.name_en) for n in NEIGHBOURS)]
    return {
        "grids.geojson": as_geojson(map(_grid, cells)),
        "streets.geojson": as_geojson(_outlines(cells, streets)),
        "areas.csv": as_csv(_area(*street) for street in streets),
        "cases.csv": as_csv(make_cases(cells, Random(SEED))),
    }


def _of_the_demo() -> Iterable[Cell]:
    """The grids of the demo street, as its own files have them."""
    for one in json.loads(demo_files()["grids.geojson"])["features"]:
        said: Mapping[str, Any] = one["properties"]
        yield Cell(
            code=said["code"],
            name=said["name"],
            name_en=said["name_en"],
            community=said["community"],
            community_name=said["community_name"],
            community_name_en=said["community_name_en"],
            shape=shape(one["geometry"]),
        )


def _grid(cell: Cell) -> dict[str, Any]:
    names = ("code", "name", "name_en", "community", "community_name", "community_name_en")
    return feature({name: getattr(cell, name) for name in names}, cell.shape)


def _outlines(
    cells: Sequence[Cell], streets: Iterable[tuple[str, str, str]]
) -> Iterable[dict[str, Any]]:
    for code, name, name_en in streets:
        shapes = [cell.shape for cell in cells if cell.code.startswith(code)]
        outline = shapely.normalize(shapely.union_all(shapes))
        yield feature({"code": code, "name": name, "name_en": name_en}, outline)


def _area(code: str, name: str, name_en: str) -> dict[str, str]:
    return {"code": code, "level": "street", "name": name, "name_en": name_en}
