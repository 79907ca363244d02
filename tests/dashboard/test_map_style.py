"""The map's style: the owner's layers in the theme's colours, from this server alone."""

import json
import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.app import ASSETS
from dashboard.figures.map import STEPS, grid_map, ramp, ramp_step
from dashboard.figures.style import OVER_GRIDS, map_style
from dashboard.tokens import UnknownThemeError, colours
from pipelines.backdrop import LAYERS, Backdrop, TileSettings
from tests.dashboard.builders import FakeBackend, a_snapshot
from tests.dashboard.serving import serving

NOTHING = b'{"type":"FeatureCollection","features":[]}'


def a_backdrop(*layers, tiles=None):
    """A backdrop whose layers are empty."""
    return Backdrop(layers=dict.fromkeys(layers, NOTHING), labels=(), tiles=tiles, version="v7")


def ids(style):
    return [layer["id"] for layer in style["layers"]]


def urls(tree):
    """Every text in a style that is an address."""
    return re.findall(r"(?:https?:)?//[^\"]+", json.dumps(tree))


@pytest.fixture
def client():
    backend = FakeBackend()
    backend.ground = a_backdrop("water", "roads")
    with (
        serving(backend) as server,
        httpx.Client(base_url=server.url, timeout=10, trust_env=False) as client,
    ):
        yield client


def test_without_layers_the_map_is_plain_ground():
    style = map_style(a_backdrop(), colours())

    assert style["sources"] == {}
    assert ids(style) == ["ground", OVER_GRIDS]
    assert style["layers"][0]["paint"]["background-color"] == colours()["surface-map"]


def test_water_and_green_lie_under_the_grids_and_main_roads_over_them():
    order = ids(map_style(a_backdrop(*LAYERS), colours()))

    under, over = order[: order.index(OVER_GRIDS)], order[order.index(OVER_GRIDS) :]
    assert {"water", "green", "street", "roads-lanes"} <= set(under)
    assert over[1:] == ["roads-roads", "communities-communities"]


def test_a_layer_that_is_not_configured_is_not_drawn():
    style = map_style(a_backdrop("roads"), colours())

    assert set(style["sources"]) == {"roads"}
    assert {layer["source"] for layer in style["layers"] if "source" in layer} == {"roads"}


def test_every_source_is_a_url_of_this_server_with_its_version():
    style = map_style(a_backdrop(*LAYERS), colours())

    assert urls(style) == []
    for source in style["sources"].values():
        assert source["data"].startswith("/geo/")
        assert source["data"].endswith("?v=v7")


@pytest.mark.parametrize("kind", ["raster", "vector"])
def test_tiles_of_an_internal_server_lie_under_everything(kind):
    tiles = TileSettings(url="http://10.1.2.3/{z}/{x}/{y}", kind=kind)

    style = map_style(a_backdrop("water", tiles=tiles), colours())

    assert style["sources"]["tiles"]["tiles"] == ["http://10.1.2.3/{z}/{x}/{y}"]
    first = next(layer for layer in style["layers"] if "source" in layer)
    assert first["source"] == "tiles"
    assert all("source-layer" in x for x in style["layers"] if x.get("source") == kind == "vector")


def test_the_style_sheet_and_the_map_use_the_same_colours():
    sheet = (ASSETS / "10-tokens.css").read_text("utf-8")

    for name, colour in colours().items():
        assert f"--{name}: {colour};" in sheet
    assert ramp(a_snapshot().map) == tuple(colours()[f"ramp-{i}"] for i in range(STEPS))


def test_a_theme_that_is_not_there_is_refused_by_name():
    with pytest.raises(UnknownThemeError, match=r"'pink': must be one of: .*dark"):
        colours("pink")


@given(st.integers(-5, 10_000))
def test_every_count_has_a_colour(n):
    assert ramp_step(n) == min(max(n, 0), 3)


def test_the_figure_asks_for_its_style_by_a_url_that_names_the_version():
    figure = grid_map(a_snapshot())

    assert re.fullmatch(r"/geo/style\.json\?theme=dark&v=\w*", figure["layout"]["map"]["style"])
    assert figure["data"][0]["below"] == OVER_GRIDS


def test_layers_and_style_are_kept_by_the_browser_when_their_version_is_named(client):
    for url in ("/geo/water.geojson", "/geo/style.json"):
        kept, asked = client.get(f"{url}?v=v7"), client.get(url)

        assert kept.status_code == asked.status_code == 200
        assert "immutable" in kept.headers["cache-control"]
        assert asked.headers["cache-control"] == "no-cache"
        again = client.get(url, headers={"If-None-Match": asked.headers["etag"]})
        assert again.status_code == 304


def test_a_layer_that_is_not_configured_is_404_and_says_how_to_set_it(client):
    missing, unknown = client.get("/geo/green.geojson"), client.get("/geo/trees.geojson")

    assert (missing.status_code, unknown.status_code) == (404, 404)
    assert missing.text == "the layer 'green' is not configured; set green under [backdrop]"
    assert "'trees'; there are: grids, water, green" in unknown.text
