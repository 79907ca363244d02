"""The files of the demo street: what ``config/demo`` holds, made from one seed."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

import shapely
from shapely import LineString, MultiLineString, Point, Polygon

from pipelines.demo.geography.blocks import Block, community_code, make_blocks
from pipelines.demo.geography.devices import Device, make_devices
from pipelines.demo.geography.frame import DECIMALS, drawn, on_map
from pipelines.demo.geography.land import (
    AROUND,
    CANAL,
    COMMUNITIES,
    LANDMARKS,
    LANES,
    OUTLINE,
    PARKS,
    RIVER,
    WITHIN,
    Line,
)
from pipelines.demo.geography.places import People, Place, make_places, settle
from pipelines.demo.geography.register import register_rows
from pipelines.demo.geography.units import Unit, make_units

SEED = 135

Feature = dict[str, Any]


def demo_files() -> dict[str, bytes]:
    """The content of every file, by its name. The same each time."""
    blocks = make_blocks(Random(SEED))
    people = settle(blocks, Random(SEED + 1))
    places = make_places(blocks, people, Random(SEED + 2))
    units = make_units(blocks, places, Random(SEED + 3))
    devices = make_devices(places, units, Random(SEED + 4))
    return {
        "grids.geojson": as_geojson(_grids(blocks, people)),
        "communities.geojson": as_geojson(_communities(blocks)),
        "river.geojson": as_geojson(_water()),
        "green.geojson": as_geojson(_green()),
        "roads.geojson": as_geojson(_roads()),
        "landmarks.geojson": as_geojson(_landmarks()),
        "places.csv": as_csv(map(_place_row, places)),
        "units.csv": as_csv(map(_unit_row, units)),
        "devices.csv": as_csv(map(_device_row, devices)),
        "grid_register.csv": as_csv(register_rows(blocks, people, places, Random(SEED + 5))),
    }


def _grids(blocks: Sequence[Block], people: Mapping[str, People]) -> Iterable[Feature]:
    for leader, block in enumerate(blocks, 1):
        home = block.community
        properties = {
            "code": block.code,
            "name": f"{home.name}第{block.serial}网格",
            "name_en": f"{home.name_en} {block.serial}",
            "community": community_code(home),
            "community_name": f"{home.name}社区",
            "community_name_en": home.name_en,
            "leader": f"网格长 {leader:02d}",
            "population": people[block.code].population,
            "households": people[block.code].households,
        }
        yield feature(properties, block.shape)


def _communities(blocks: Sequence[Block]) -> Iterable[Feature]:
    for home in COMMUNITIES:
        shapes = [block.shape for block in blocks if block.community is home]
        properties = {
            "code": community_code(home),
            "name": f"{home.name}社区",
            "name_en": home.name_en,
        }
        yield feature(properties, shapely.normalize(shapely.coverage_union_all(shapes)))


def _water() -> Iterable[Feature]:
    yield feature({"name": "钱塘江", "name_en": "Qiantang River"}, _area(RIVER))
    yield feature({"name": "京杭运河", "name_en": "Grand Canal"}, _area(CANAL))


def _green() -> Iterable[Feature]:
    for park in PARKS:
        yield feature({"name": park.name, "name_en": park.name_en}, _area(park.ring))


def _roads() -> Iterable[Feature]:
    street = Polygon(OUTLINE)
    for road in (*AROUND, *LANES, *WITHIN):
        line = LineString(road.line)
        shape = line.intersection(street) if road in LANES else line
        parts = shape.geoms if isinstance(shape, MultiLineString) else [shape]
        lines = [drawn(part.coords) for part in parts]
        properties = {
            "name": road.name,
            "name_en": road.name_en,
            "class": "main" if road.main else "secondary",
        }
        drawn_shape = LineString(lines[0]) if len(lines) == 1 else MultiLineString(lines)
        yield feature(properties, drawn_shape)


def _landmarks() -> Iterable[Feature]:
    for landmark in LANDMARKS:
        properties = {"name": landmark.name, "name_en": landmark.name_en}
        yield feature(properties, Point(on_map(*landmark.at)))


def _area(ring: Line) -> Polygon:
    return Polygon(drawn((*ring, ring[0])))


def feature(properties: Mapping[str, Any], shape: shapely.Geometry) -> Feature:
    """A GeoJSON feature with six decimals."""
    geometry = json.loads(shapely.to_geojson(shape))
    geometry["coordinates"] = _rounded(geometry["coordinates"])
    return {"type": "Feature", "properties": dict(properties), "geometry": geometry}


def _rounded(coordinates: Any) -> Any:
    if isinstance(coordinates, list):
        return [_rounded(part) for part in coordinates]
    return round(coordinates, DECIMALS)


def as_geojson(features: Iterable[Feature]) -> bytes:
    """A FeatureCollection with a feature a line, so that a change can be read."""
    lines = ",\n".join(
        json.dumps(feature, ensure_ascii=False, separators=(",", ":")) for feature in features
    )
    return f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n'.encode()


def as_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows that all have the columns of the first."""
    every = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(every[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(every)
    return text.getvalue().encode()


def _place_row(place: Place) -> dict[str, Any]:
    return {
        "code": place.code,
        "type": place.type,
        "name": place.name,
        "name_en": place.name_en,
        "community": community_code(place.block.community),
        "grid": place.block.code,
        "address": place.address,
        "lat": f"{place.lat:.6f}",
        "lon": f"{place.lon:.6f}",
        "floors": place.floors,
        "households": place.households,
        "population": place.population,
    }


def _unit_row(unit: Unit) -> dict[str, Any]:
    return {
        "code": unit.code,
        "type": unit.type,
        "name": unit.name,
        "name_en": unit.name_en,
        "community": community_code(unit.block.community),
        "grid": unit.block.code,
        "lat": f"{unit.lat:.6f}",
        "lon": f"{unit.lon:.6f}",
        "strength": unit.strength,
    }


def _device_row(device: Device) -> dict[str, Any]:
    return {
        "source": device.source,
        "device": device.device,
        "name": device.name,
        "name_en": device.name_en,
        "type": device.type,
        "building": device.place.code,
        "address": f"{device.place.address}{device.place.name}{device.where[0]}",
        "lat": f"{device.lat:.6f}",
        "lon": f"{device.lon:.6f}",
        "grid": device.place.block.code,
        "unit": device.unit,
    }
