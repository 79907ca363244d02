import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.app import ASSETS
from dashboard.figures.map import GROUND, OUTLINE, RAMP, ramp_step
from dashboard.geometry import places, world
from tests.dashboard.builders import street_geojson


def ring_of(feature):
    return feature["geometry"]["coordinates"][0]


def contains(ring, x, y):
    inside = False
    for (ax, ay), (bx, by) in pairwise(ring):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            inside = not inside
    return inside


def test_every_name_lies_inside_its_grid():
    features = json.loads(street_geojson())["features"]
    rings = {f["properties"]["name"]: ring_of(f) for f in features}

    found = places(street_geojson())

    assert len(found) == len(rings)
    for place in found:
        assert contains(rings[place.name], place.lon, place.lat)


def test_the_name_of_a_bent_grid_lies_inside_it_too():
    bent = [[0, 0], [4, 0], [4, 4], [3, 4], [3, 1], [0, 1], [0, 0]]
    feature = {"properties": {"name": "L"}, "geometry": {"type": "Polygon", "coordinates": [bent]}}

    (place,) = places(json.dumps({"features": [feature]}).encode())

    assert contains(bent, place.lon, place.lat)


@pytest.mark.parametrize("geojson", [b"", b'{"features": []}', b'{"features": [{}]}'])
def test_a_map_without_grids_has_no_names(geojson):
    assert places(geojson) == ()


def test_the_middle_of_the_world_is_in_the_middle():
    assert world(0, 0) == pytest.approx((0.5, 0.5))
    assert world(85.0511287798, 180) == pytest.approx((1, 0), abs=1e-9)


@given(st.integers(-5, 10_000))
def test_every_count_has_a_colour(n):
    assert ramp_step(n) == min(max(n, 0), 3)


def test_the_figure_and_the_legend_use_the_same_colours():
    tokens = dict(re.findall(r"--([\w-]+): (#\w+);", (ASSETS / "10-tokens.css").read_text("utf-8")))

    assert tuple(tokens[f"ramp-{i}"] for i in range(4)) == RAMP
    assert tokens["outline"] == OUTLINE
    assert tokens["surface-map"] == GROUND
    style = json.loads((ASSETS / "map" / "style.json").read_text("utf-8"))
    assert style["layers"][0]["paint"]["background-color"] == GROUND
