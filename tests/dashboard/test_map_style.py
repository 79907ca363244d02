"""The map's style: the owner's layers in the theme's colours, from this server alone."""

import json
import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.app import ASSETS
from dashboard.figures import style
from dashboard.figures.map import STEPS, grid_map, ramp_step
from dashboard.figures.style import GRIDS, map_style, ramp
from dashboard.tokens import UnknownThemeError, colours
from pipelines.geo.backdrop import LAYERS, Backdrop, TileSettings
from tests.dashboard.builders import FakeBackend, a_snapshot
from tests.dashboard.serving import serving

NOTHING = b'{"type":"FeatureCollection","features":[]}'


def a_backdrop(*layers, tiles=None):
    """A backdrop whose layers are empty."""
    return Backdrop(layers=dict.fromkeys(layers, NOTHING), labels=(), tiles=tiles, version="v7")


def a_style(*layers, tiles=None):
    return map_style(a_backdrop(*layers, tiles=tiles), colours(), grids="g1")


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
    style = a_style()

    assert set(style["sources"]) == {GRIDS}
    assert ids(style) == ["ground", GRIDS, "grids-outlines"]
    assert style["layers"][0]["paint"]["background-color"] == colours()["surface-map"]


def test_water_and_green_lie_under_the_grids_and_main_roads_over_them():
    order = ids(a_style(*LAYERS))

    under, over = order[: order.index(GRIDS)], order[order.index(GRIDS) :]
    assert {"water", "green", "street", "roads-lanes"} <= set(under)
    assert over[2:] == ["roads-roads", "communities-communities"]


def test_a_layer_that_is_not_configured_is_not_drawn():
    style = a_style("roads")

    assert set(style["sources"]) == {"roads", GRIDS}
    assert {layer["source"] for layer in style["layers"] if "source" in layer} == {"roads", GRIDS}


def test_every_source_is_a_url_of_this_server_with_its_version():
    style = a_style(*LAYERS)

    assert urls(style) == []
    for name, source in style["sources"].items():
        assert source["data"] == f"/geo/{name}.geojson?v={'g1' if name == GRIDS else 'v7'}"


@pytest.mark.parametrize("kind", ["raster", "vector"])
def test_tiles_of_an_internal_server_lie_under_everything(kind):
    tiles = TileSettings(url="http://10.1.2.3/{z}/{x}/{y}", kind=kind)

    style = a_style("water", tiles=tiles)

    assert style["sources"]["tiles"]["tiles"] == ["http://10.1.2.3/{z}/{x}/{y}"]
    first = next(layer for layer in style["layers"] if "source" in layer)
    assert first["source"] == "tiles"
    assert all("source-layer" in x for x in style["layers"] if x.get("source") == kind == "vector")


def test_the_style_sheet_and_the_map_use_the_same_colours():
    sheet = (ASSETS / "10-tokens.css").read_text("utf-8")

    for name, colour in colours().items():
        assert f"--{name}: {colour};" in sheet
    assert ramp(a_backdrop(), colours()) == tuple(colours()[f"ramp-{i}"] for i in range(STEPS))


def test_a_theme_that_is_not_there_is_refused_by_name():
    with pytest.raises(UnknownThemeError, match=r"'pink': must be one of: .*dark"):
        colours("pink")


@given(st.integers(-5, 10_000))
def test_every_count_has_a_colour(n):
    assert ramp_step(n) == min(max(n, 0), 3)


def test_the_figure_asks_for_its_style_by_a_url_that_names_the_version():
    figure = grid_map(a_snapshot().map)

    assert re.fullmatch(
        r"/geo/style\.json\?theme=dark&ramp=ramp&v=[\w.]*", figure["layout"]["map"]["style"]
    )


def test_a_style_of_other_colours_has_another_address(tmp_path, monkeypatch):
    other = tmp_path / "tokens.css"
    other.write_text(style.TOKENS.read_text("utf-8") + ":root { --surface-map: #123456; }", "utf-8")
    before = grid_map(a_snapshot().map)["layout"]["map"]["style"]

    style.style_version.cache_clear()
    monkeypatch.setattr(style, "TOKENS", other)
    after = grid_map(a_snapshot().map)["layout"]["map"]["style"]
    style.style_version.cache_clear()

    assert before != after


def test_the_outlines_in_the_style_are_named_by_what_is_in_them(client):
    style = client.get("/geo/style.json").json()

    outlines = client.get(style["sources"][GRIDS]["data"])
    assert "immutable" in outlines.headers["cache-control"]
    assert style["sources"][GRIDS]["data"].endswith(outlines.headers["etag"].strip('"'))


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
