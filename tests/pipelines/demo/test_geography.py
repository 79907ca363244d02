"""The demo street: it tiles, it counts, everything lies where it says, and it is reproducible."""

import csv
import io
import json
from collections import Counter
from functools import cache
from itertools import pairwise

import pytest
import shapely
from shapely import Point
from shapely.geometry import shape

from pipelines.demo.geography.__main__ import FOLDER, main
from pipelines.demo.geography.files import demo_files
from pipelines.demo.geography.frame import distance_m
from pipelines.geo.grids import load_grids

SOURCES = {"fire_alarm": 240, "smoke_mqtt": 80, "smoke_push": 60}
DEGREE_M2 = 110_861 * 96_160


@cache
def files():
    return demo_files()


@cache
def features(name):
    return tuple(json.loads(files()[name])["features"])


@cache
def rows(name):
    return tuple(csv.DictReader(io.StringIO(files()[name].decode())))


@cache
def grids():
    return {f["properties"]["code"]: shape(f["geometry"]) for f in features("grids.geojson")}


def communities():
    return {f["properties"]["code"]: shape(f["geometry"]) for f in features("communities.geojson")}


def test_the_files_in_the_repository_are_what_the_code_writes(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["geography", str(tmp_path)])

    main()

    written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert written == {name: (FOLDER / name).read_bytes() for name in written}
    assert len(written) == 10


def test_the_grids_tile_the_street_without_gaps_or_overlaps():
    shapes = list(grids().values())

    street = shapely.union_all(shapes)

    assert shapely.coverage_is_valid(shapes)
    assert all(s.is_valid and s.geom_type == "Polygon" for s in shapes)
    assert street.geom_type == "Polygon"
    assert not street.interiors
    assert sum(s.area for s in shapes) == pytest.approx(street.area, rel=1e-9)


def test_there_are_sixty_to_eighty_grids_from_small_to_large():
    areas = sorted(s.area * DEGREE_M2 for s in grids().values())

    assert 60 <= len(areas) <= 80
    assert areas[0] > 10_000
    assert areas[-1] > 5 * areas[0]


def test_no_grid_is_a_splinter():
    for code, grid in grids().items():
        roundness = 12.566 * grid.area / grid.length**2

        assert roundness > 0.3, code


def test_the_street_has_its_eleven_communities_and_every_grid_lies_in_exactly_one():
    homes = communities()

    assert sorted(homes) == [f"330102014{n:03d}" for n in range(1, 12)]
    for feature in features("grids.geojson"):
        code, own = feature["properties"]["code"], feature["properties"]["community"]
        inside = [home for home, area in homes.items() if area.covers(grids()[code])]
        assert inside == [own]
        assert code.startswith(own)


def test_a_community_is_the_sum_of_its_grids():
    for home, area in communities().items():
        own = shapely.union_all([grid for code, grid in grids().items() if code.startswith(home)])

        assert area.symmetric_difference(own).area == pytest.approx(0, abs=1e-12)


def test_grids_are_numbered_without_a_gap_from_north_west():
    for home in communities():
        serials = [int(code[-3:]) for code in grids() if code.startswith(home)]
        first, last = (
            max(grids()[f"{home}{n:03d}"].bounds[3] for n in numbers)
            for numbers in ((1, 2), (serials[-1], serials[-2]))
        )

        assert serials == list(range(1, len(serials) + 1))
        assert first >= last


def test_the_product_reads_the_grids_without_mending_any():
    read = load_grids(
        FOLDER / "grids.geojson", code="code", name="name", parent="community", crs=None
    )

    assert len(read) == len(grids())
    assert read.repaired == ()
    assert all(len(grid.name) <= 8 for grid in read)


def test_there_are_as_many_places_and_units_as_the_street_has():
    assert Counter(row["type"] for row in rows("places.csv")) == {
        "school": 19,
        "estate": 54,
        "tower": 99,
    }
    assert Counter(row["type"] for row in rows("units.csv")) == {
        "patrol": 11,
        "squad": 54,
        "building": 60,
        "fire_station": 12,
    }


@pytest.mark.parametrize("name", ["places.csv", "units.csv", "devices.csv"])
def test_everything_lies_in_the_grid_it_names(name):
    for row in rows(name):
        at = Point(float(row["lon"]), float(row["lat"]))

        assert grids()[row["grid"]].contains(at), row
        assert row.get("community", row["grid"][:12]) == row["grid"][:12]


@pytest.mark.parametrize(
    ("name", "key"),
    [("places.csv", "code"), ("places.csv", "name"), ("units.csv", "code"), ("units.csv", "name")],
)
def test_no_two_have_the_same_name_or_code(name, key):
    values = [row[key] for row in rows(name)]

    assert len(set(values)) == len(values)
    assert all(values)


def test_towers_stand_mostly_in_the_new_town():
    new_town = {f"330102014{n:03d}" for n in (7, 9, 10, 11)}
    homes = [row["community"] in new_town for row in rows("places.csv") if row["type"] == "tower"]

    assert sum(homes) / len(homes) > 0.6


def test_no_more_households_live_in_estates_than_in_their_grid():
    homes = Counter()
    for row in rows("places.csv"):
        homes[row["grid"]] += int(row["households"])
    for feature in features("grids.geojson"):
        properties = feature["properties"]

        assert homes[properties["code"]] <= properties["households"] < properties["population"]


def test_devices_are_named_as_their_source_names_them():
    devices = rows("devices.csv")
    keys = {(row["source"], row["device"]) for row in devices}
    panels = {row["device"] for row in devices if row["type"] == "transmission"}

    assert len(keys) == len(devices)
    assert Counter(row["source"] for row in devices) == SOURCES
    assert len(panels) == 40
    for source, device in keys:
        if source == "fire_alarm" and device not in panels:
            address, system, number, component = device.split("/")
            assert address in panels
            assert (system, number) == ("1", "1")
            assert 0 < int(component) < 2**32
        if source == "fire_alarm":
            assert int(device.split("/")[0]) < 2**48
        if source == "smoke_push":
            assert len(device) == 15
            assert luhn(device)


def luhn(digits):
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def test_every_device_guards_a_place_and_has_the_nearest_fire_station():
    places = {row["code"]: row for row in rows("places.csv")}
    stations = {row["code"]: row for row in rows("units.csv") if row["type"] == "fire_station"}
    for row in rows("devices.csv"):
        at = (float(row["lon"]), float(row["lat"]))
        far = {
            code: distance_m(at, (float(s["lon"]), float(s["lat"]))) for code, s in stations.items()
        }

        assert row["grid"] == places[row["building"]]["grid"]
        assert far[row["unit"]] == min(far.values())


def test_the_river_runs_along_the_street_and_not_through_it():
    street = shapely.union_all(list(grids().values()))
    river = shape(features("river.geojson")[0]["geometry"])

    overlap = street.intersection(river).area * DEGREE_M2
    shore = street.buffer(0.0002).intersection(river).area * DEGREE_M2

    assert overlap < 3_000
    assert shore > 20_000
    west, south, east, north = river.bounds
    assert west < street.bounds[0] < street.bounds[2] < east
    assert south < street.bounds[1] < street.bounds[3] < north


def test_most_borders_follow_a_road():
    roads = shapely.union_all([shape(f["geometry"]) for f in features("roads.geojson")])
    near = roads.buffer(0.00005)
    borders = shapely.union_all([area.exterior for area in communities().values()])
    street = shapely.union_all(list(grids().values())).exterior.buffer(0.00005)

    inner = borders.difference(street)

    assert inner.intersection(near).length > 0.95 * inner.length


def test_positions_have_six_decimals_and_files_are_small():
    for feature in features("roads.geojson"):
        lines = feature["geometry"]["coordinates"]
        flat = lines if isinstance(lines[0][0], float) else [p for line in lines for p in line]
        assert all(round(c, 6) == c for point in flat for c in point)
        assert all(a != b for a, b in pairwise(flat))

    assert sum(map(len, files().values())) < 300_000
