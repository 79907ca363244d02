"""The map with a drawn street under it, in a real browser."""

from dataclasses import replace
from functools import cache

import pytest

from pipelines.geo.backdrop import BackdropSettings
from pipelines.geo.grids import load_grids
from pipelines.geo.layers import load_backdrop
from pipelines.snapshot import GridState, MapView
from tests.browser.conftest import SCREENS, SIZES
from tests.dashboard.boards import a_device_board, some_units
from tests.dashboard.builders import FakeBackend, a_snapshot, an_incident
from tests.pipelines.geo.test_layers import DEMO

pytestmark = pytest.mark.browser

BEARING = -44.0
LAYERS = {
    "water": "river.geojson",
    "green": "green.geojson",
    "roads": "roads.geojson",
    "landmarks": "landmarks.geojson",
    "communities": "communities.geojson",
}
SCENES = ("overview", "fire", "complaints")
MAP = "document.querySelector('#map-figure .js-plotly-plot')._fullLayout.map._subplot.map"
NAMES = """() => [...document.querySelectorAll('.name:not(.is-crowded)')].map((e) => {
    const b = e.getBoundingClientRect();
    return {text: e.innerText, role: e.className.split('--')[1].split(' ')[0],
            left: b.left, right: b.right, top: b.top, bottom: b.bottom};
})"""


@cache
def ground():
    grids = load_grids(
        DEMO / "grids.geojson", code="code", name="name", parent="community", crs=None
    )
    return grids, load_backdrop(BackdropSettings(**LAYERS), DEMO.joinpath, grids)


def a_street(zoom=13.96, lat=30.2581, lon=120.2170):
    """The demo street with some incidents in it."""
    grids, backdrop = ground()
    incidents = tuple(
        an_incident(i, lat=label.spots[0].lat, lon=label.spots[0].lon, age_s=40 * i + 9)
        for i, label in enumerate(backdrop.labels[:11:2])
    )
    view = MapView(
        lat=lat,
        lon=lon,
        zoom=zoom,
        bearing=BEARING,
        grids_version=grids.version,
        has_grids=True,
        backdrop_version=backdrop.version,
        layers=tuple(backdrop.layers),
        labels=backdrop.labels,
    )
    states = tuple(GridState(code=g.code, names=g.names, open=0) for g in grids)
    backend = FakeBackend(a_snapshot(open=incidents, open_total=6, grids=states, map=view))
    backend.outlines, backend.ground = grids.geojson, backdrop
    return backend


def visible(screen, role=None):
    names = screen.page.evaluate(NAMES)
    return [name for name in names if role in (None, name["role"])]


def apart(a, b):
    """Boxes of letters, which are less tall than their lines."""
    return (
        a["left"] >= b["right"] - 2
        or b["left"] >= a["right"] - 2
        or a["top"] >= b["bottom"] - 2
        or b["top"] >= a["bottom"] - 2
    )


def test_the_street_is_drawn_with_river_roads_and_parks(serve, open_screen):
    screen = open_screen(serve(a_street()))
    screen.wait_for_map()

    drawn = screen.page.evaluate(
        f"() => [...new Set({MAP}.queryRenderedFeatures().map((f) => f.source))]"
    )

    assert {"water", "green", "roads", "communities"} <= set(drawn)


def test_markers_lie_where_a_turned_map_says(serve, open_screen):
    backend = a_street()
    screen = open_screen(serve(backend))
    screen.wait_for_map()
    incident = backend.snapshot().open[2]

    off = screen.page.evaluate(
        f"""([lon, lat]) => {{
            const frame = document.querySelector('#map-overlay').getBoundingClientRect();
            const want = {MAP}.project([lon, lat]);
            const boxes = [...document.querySelectorAll('.mark')].map((m) => {{
                const b = m.getBoundingClientRect();
                return [b.left + b.width / 2 - frame.left, b.top + b.height / 2 - frame.top];
            }});
            return Math.min(...boxes.map(([x, y]) => Math.hypot(x - want.x, y - want.y)));
        }}""",
        [incident.lon, incident.lat],
    )

    assert off < 2


@pytest.mark.parametrize(("language", "size"), SCREENS)
def test_every_community_is_named_and_no_name_lies_on_another_or_on_the_edge(
    serve, open_screen, language, size
):
    screen = open_screen(serve(a_street()), language, SIZES[size])
    screen.wait_for_map()

    names = visible(screen)
    frame = screen.page.locator("#map-overlay").bounding_box()
    marks = screen.page.evaluate(
        "() => [...document.querySelectorAll('.mark')]"
        ".map((e) => e.getBoundingClientRect().toJSON())"
    )
    assert len([name for name in names if name["role"] == "community"]) == 11
    assert any("钱塘江" in name["text"] or "River" in name["text"] for name in names)
    for i, name in enumerate(names):
        assert name["left"] > frame["x"] + 4
        assert name["right"] < frame["x"] + frame["width"] - 4
        assert name["top"] > frame["y"] + 4
        assert name["bottom"] < frame["y"] + frame["height"] - 4
        assert all(apart(name, other) for other in (*names[i + 1 :], *marks)), name


def test_grid_codes_appear_when_the_map_is_close(serve, open_screen):
    backend = a_street()
    screen = open_screen(serve(backend))
    screen.wait_for_map()
    far = visible(screen, "grid-code")

    close = replace(backend.snapshot().map, zoom=15.9, lat=30.2560, lon=120.2090)
    backend.show(replace(backend.snapshot(), map=close))
    screen.page.wait_for_function(
        "() => document.querySelectorAll('.name--grid-code:not(.is-crowded)').length > 4"
    )

    assert len(far) < 3
    assert all(len(name["text"]) == 3 for name in visible(screen, "grid-code"))


def test_a_turned_map_says_where_north_is(serve, open_screen):
    screen = open_screen(serve(a_street()), "en")

    assert screen.text("#map-north") == "N"


def test_a_map_with_north_on_top_does_not(serve, open_screen, backend):
    screen = open_screen(serve(backend), "en")

    assert screen.text("#map-north") == ""


def test_cameras_and_themes_that_change_in_quick_order_end_with_the_last(serve, open_screen):
    backend = a_street()
    screen = open_screen(serve(backend), size=(1280, 720))
    whole = backend.snapshot()

    for i in range(40):
        stage = replace(whole.stage, theme=("dark", "light")[i % 2], scene=SCENES[i % 3])
        view = replace(whole.map, zoom=13.9 + i % 5 / 4)
        backend.show(replace(whole, stage=stage, map=view))
        screen.page.wait_for_timeout(i % 4 * 60)
    last = replace(whole.stage, theme="light", scene="overview")
    busy = replace(whole.grids[0], open=2)
    backend.show(replace(whole, stage=last, grids=(busy, *whole.grids[1:])))

    screen.wait_for_scene("overview", "light")
    screen.page.wait_for_function(
        f"""([code, zoom]) => {{
            const map = {MAP}, style = map.getStyle();
            return style && map.getStyle().layers[0].paint['background-color'] === '#f3f6f8' &&
                map.getFeatureState({{source: 'grids', id: code}}).step === 2;
        }}""",
        arg=[busy.code, whole.map.zoom],
        timeout=20_000,
    )


def test_what_plotly_drew_too_early_is_drawn_again(serve, open_screen):
    screen = open_screen(serve(a_street()), size=(1280, 720))
    screen.wait_for_map()
    drawn = screen.page.evaluate("() => grid135.grids.stats.drawn")

    screen.page.evaluate("() => { Promise.reject(new Error('Style is not done loading.')); }")

    screen.page.wait_for_function("(n) => grid135.grids.stats.drawn > n", arg=drawn)
    screen.wait_for_map()


INK = """() => {
    const canvas = document.querySelector('#map-points'), pen = canvas.getContext('2d');
    const rgba = pen.getImageData(0, 0, canvas.width, canvas.height).data;
    let inked = 0;
    for (let i = 3; i < rgba.length; i += 4) inked += rgba[i] > 0;
    return inked;
}"""
AT = f"""([lat, lon]) => {{
    const here = {MAP}.project([lon, lat]), canvas = document.querySelector('#map-points');
    const rem = grid135.fit.rem(), pen = canvas.getContext('2d');
    const alpha = (x, y) => pen.getImageData(Math.round(x), Math.round(y), 1, 1).data[3];
    const tip = 0.47 * rem - 1;
    return [
        alpha(here.x, here.y - tip), alpha(here.x - tip, here.y), alpha(here.x + tip, here.y - tip),
    ];
}}"""


def test_devices_and_units_lie_where_a_turned_map_says_and_follow_what_is_sent(serve, open_screen):
    backend = a_street()
    unit = replace(some_units()[0], lat=30.2550, lon=120.2150)
    quiet = replace(
        backend.snapshot(), devices=a_device_board(0, ailing={}), units=(unit,), open=()
    )
    backend.show(quiet)
    screen = open_screen(serve(backend))
    screen.wait_for_map()
    screen.page.wait_for_function(f"() => ({INK})() > 500")

    up, left, corner = screen.page.evaluate(AT, [unit.lat, unit.lon])
    calm = screen.page.evaluate(INK)
    backend.show(replace(quiet, devices=a_device_board(3)))

    assert (up > 200, left > 200) == (True, True)
    assert corner == 0
    screen.page.wait_for_function(f"(n) => ({INK})() > n + 300", arg=calm)
    assert not screen.page.locator(".points").is_visible()
