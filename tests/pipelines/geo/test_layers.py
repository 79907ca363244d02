"""The backdrop: files of any kind in, WGS-84 and names out, and clear words for what is wrong."""

import json
from pathlib import Path

import pytest
import shapely
from shapely.geometry import mapping, shape

from pipelines.errors import SettingsError
from pipelines.geo.backdrop import BackdropSettings, TileSettings
from pipelines.geo.grids import load_grids, no_grids
from pipelines.geo.layers import load_backdrop
from pipelines.snapshot import LabelRole

DEMO = Path("config/demo")
SQUARE = shapely.box(120.20, 30.24, 120.22, 30.26)
BENT = shapely.Polygon([(0, 0), (4, 0), (4, 4), (3, 4), (3, 1), (0, 1)])


def write(folder, name, *features, crs=None):
    collection = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": properties, "geometry": mapping(geometry)}
            for properties, geometry in features
        ],
    }
    if crs:
        collection["crs"] = {"type": "name", "properties": {"name": crs}}
    (folder / name).write_text(json.dumps(collection), "utf-8")
    return name


def load(folder, grids=None, **layers):
    return load_backdrop(
        BackdropSettings(**layers), lambda file: folder / file, grids or no_grids()
    )


def street(folder=DEMO, **more):
    grids = load_grids(
        DEMO / "grids.geojson", code="code", name="name", parent="community", crs=None
    )
    layers = {"communities": "communities.geojson", "roads": "roads.geojson", **more}
    return load(folder, grids, water="river.geojson", landmarks="landmarks.geojson", **layers)


def named(backdrop, role):
    return {label.names["zh"]: label for label in backdrop.labels if label.role is role}


def test_without_files_there_is_nothing_to_draw():
    backdrop = load(DEMO)

    assert backdrop.layers == {}
    assert backdrop.labels == ()


def test_a_layer_keeps_names_and_class_and_nothing_else(tmp_path):
    properties = {"name": "解放路", "class": "main", "owner": "somebody", "lanes": 4}
    file = write(tmp_path, "r.geojson", (properties, shapely.LineString([(120, 30), (121, 31)])))

    (feature,) = json.loads(load(tmp_path, roads=file).layers["roads"])["features"]

    assert feature["properties"] == {"name": "解放路", "class": "main"}


def test_a_layer_in_another_crs_is_moved_to_wgs84(tmp_path):
    file = write(tmp_path, "w.geojson", ({}, SQUARE))

    moved = load(tmp_path, water=file, crs="GCJ-02").layers["water"]

    corner = shape(json.loads(moved)["features"][0]["geometry"]).bounds[:2]
    assert corner[0] == pytest.approx(120.20 - 0.0046, abs=3e-4)
    assert corner[1] == pytest.approx(30.24 + 0.0024, abs=3e-4)


@pytest.mark.parametrize(
    ("layer", "content", "words"),
    [
        ("water", None, "no such file; set water under"),
        ("green", "not a map", "cannot be read as a map layer"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_way_out(tmp_path, layer, content, words):
    if content is not None:
        (tmp_path / "x.geojson").write_text(content, "utf-8")

    with pytest.raises(SettingsError, match=words) as error:
        load(tmp_path, **{layer: "x.geojson"})

    assert "x.geojson" in str(error.value)


@pytest.mark.parametrize(
    "url", ["tiles/{z}/{x}/{y}", "ftp://10.0.0.1/{z}/{x}/{y}", "//h/{z}/{x}/{y}", "http://h/{z}"]
)
def test_a_tile_url_that_is_no_template_is_refused(url):
    with pytest.raises(ValueError, match="must"):
        TileSettings(url=url)


def test_the_version_changes_with_what_is_drawn(tmp_path):
    file = write(tmp_path, "w.geojson", ({}, SQUARE))
    first = load(tmp_path, water=file).version

    again = load(tmp_path, water=file).version
    as_green = load(tmp_path, green=file).version
    write(tmp_path, "w.geojson", ({}, SQUARE.buffer(0.01)))

    assert first == again
    assert len({first, as_green, load(tmp_path, water=file).version}) == 3


@pytest.mark.parametrize("area", [SQUARE, BENT], ids=["square", "bent"])
def test_the_name_of_an_area_lies_inside_it(tmp_path, area):
    file = write(tmp_path, "c.geojson", ({"name": "甲", "name_en": "A"}, area))

    (label,) = load(tmp_path, communities=file).labels

    (spot,) = label.spots
    assert area.contains(shapely.Point(spot.lon, spot.lat))
    assert label.names == {"zh": "甲", "en": "A"}
    assert label.room > 0


def test_every_community_and_grid_of_the_street_is_named_inside_itself():
    backdrop = street()
    homes = {f["properties"]["name"]: f for f in features(backdrop, "communities")}

    found = named(backdrop, LabelRole.COMMUNITY)

    assert sorted(found) == sorted(homes)
    for name, label in found.items():
        at = shapely.Point(label.spots[0].lon, label.spots[0].lat)
        assert shape(homes[name]["geometry"]).contains(at)
    codes = [label for label in backdrop.labels if label.role is LabelRole.GRID_CODE]
    assert len(codes) == 75
    assert all(len(label.names["zh"]) == 3 for label in codes)


def features(backdrop, layer):
    return json.loads(backdrop.layers[layer])["features"]


def test_grids_go_by_their_names_where_communities_are_not_drawn():
    backdrop = street(communities=None)

    assert "江锦第1网格" in named(backdrop, LabelRole.GRID)
    assert not named(backdrop, LabelRole.COMMUNITY)


def test_a_river_is_named_in_the_water_and_a_road_on_itself():
    backdrop = street()
    water = {f["properties"]["name"]: shape(f["geometry"]) for f in features(backdrop, "water")}
    roads = [shape(f["geometry"]) for f in features(backdrop, "roads")]

    river = named(backdrop, LabelRole.WATER)["钱塘江"]
    road = named(backdrop, LabelRole.ROAD)["富春路"]

    assert len(river.spots) > 10
    for spot in river.spots:
        assert water["钱塘江"].contains(shapely.Point(spot.lon, spot.lat))
    for spot in road.spots:
        assert min(r.distance(shapely.Point(spot.lon, spot.lat)) for r in roads) < 1e-6
        assert 25 < spot.turn < 70


def test_names_that_matter_more_come_first():
    roles = [label.role for label in street().labels]

    assert list(dict.fromkeys(roles)) == [
        LabelRole.COMMUNITY,
        LabelRole.WATER,
        LabelRole.LANDMARK,
        LabelRole.ROAD,
        LabelRole.GRID_CODE,
    ]
