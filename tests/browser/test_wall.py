"""The wall in a real browser, on a made-up street."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from pipelines.snapshot import SourceState
from tests.browser.conftest import SCREENS, SIZES
from tests.browser.legibility import faults, scrolls
from tests.dashboard.builders import (
    NOW,
    a_snapshot,
    a_source,
    an_empty_snapshot,
    an_incident,
    figures,
    grid_states,
)

pytestmark = pytest.mark.browser

SMALLEST_PX = {"hd": 17, "4k": 34, "wide": 17}
"""22 arc-minutes at 5 m on a wall 3.6 m wide; 16 would be 12.4 px on 1920."""

COLOURS = """() => Object.fromEntries(
    grid135.grids.map().querySourceFeatures('grids').map(({id}) =>
        [id, grid135.grids.map().getFeatureState({source: 'grids', id: id}).step || 0]))"""


def a_hard_snapshot(language):
    """Long names, long titles, many incidents, sources in every state."""
    many = tuple(
        an_incident(i, age_s=11 * i, stopped=i % 4, title="长" * 300, units=i % 3)
        for i in range(40)
    )
    tiles = a_snapshot().tiles
    return a_snapshot(
        area_names={"zh": "杭州市上城区四季青街道综合信息指挥中心", "en": "Sijiqing " * 9},
        open=many,
        open_total=866,
        open_emergencies=800,
        open_unlocated=120,
        grids=grid_states(many),
        sources=tuple(a_source(f"很长的数据源{i}") for i in range(12)),
        tiles=(
            replace(tiles[0], figures=figures(5, 0, 0, 0)),
            replace(tiles[1], figures=figures(18, 2, 9, 38)),
            replace(tiles[2], figures=figures(12_345, 1_655, 1_400, 112), window="30d"),
        ),
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_opens_and_says_what_the_snapshot_says(serve, open_screen, backend, language):
    screen = open_screen(serve(backend), language)

    assert screen.text("#tile-arrived .tile__fraction").replace("\n", "") == "184/186"
    assert screen.text("#tile-arrived .tile__percent").replace("\n", "") == "98.9%"
    title = {"zh": "四季青街道综合信息指挥室", "en": "Sijiqing Command Centre"}
    assert screen.text("#header-title") == title[language]
    assert (
        screen.page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[language]
    )
    assert screen.page.locator("#open-rows .row:visible").count() == 7


def test_the_map_holds_every_grid_in_the_colour_of_its_count(serve, open_screen, backend):
    screen = open_screen(serve(backend))
    screen.wait_for_map()

    colours = screen.page.evaluate(COLOURS)
    drawn = screen.page.evaluate(
        """() => new Set(grid135.grids.map().queryRenderedFeatures({layers: ['grids']})
            .map((f) => f.id)).size"""
    )
    assert len(colours) == 72
    assert {code for code, z in colours.items() if z} == {
        incident.grid for incident in a_snapshot().open if incident.grid
    }
    assert drawn > 0
    assert screen.page.locator(".mark").count() == 6


def test_markers_lie_on_the_map_where_the_map_says(serve, open_screen, backend):
    screen = open_screen(serve(backend))
    screen.wait_for_map()
    incident = a_snapshot().open[0]

    off = screen.page.evaluate(
        """([lon, lat]) => {
            const map = document.querySelector('#map-figure .js-plotly-plot')
                ._fullLayout.map._subplot.map;
            const frame = document.querySelector('#map-overlay').getBoundingClientRect();
            const want = map.project([lon, lat]);
            const boxes = [...document.querySelectorAll('.mark')].map((m) => {
                const b = m.getBoundingClientRect();
                return [b.left + b.width / 2 - frame.left, b.top + b.height / 2 - frame.top];
            });
            return Math.min(...boxes.map(([x, y]) => Math.hypot(x - want.x, y - want.y)));
        }""",
        [incident.lon, incident.lat],
    )

    assert off < 2


def test_a_change_appears_by_itself(serve, open_screen, backend):
    screen = open_screen(serve(backend))
    screen.wait_for_map()
    fire = an_incident(0, kind_names={"zh": "新火警", "en": "New fire"}, age_s=1, stopped=0)
    everything = (fire, *a_snapshot().open)

    backend.show(a_snapshot(open=everything, open_total=8, grids=grid_states(everything)))

    screen.wait_for_text("#open-rows", "新火警")
    screen.page.wait_for_function(f"() => ({COLOURS})()['001-01'] === 1", timeout=10_000)
    assert screen.page.locator(".mark").count() == 7
    assert screen.page.locator(".mark.is-new").count() >= 1


def test_clocks_tick_and_turn_by_themselves_without_traffic(serve, open_screen, backend):
    soon = an_incident(5, age_s=3, stopped=0, kind_names={"zh": "将超时", "en": "Soon"})
    backend.show(a_snapshot(open=(soon,), open_total=1))
    server = serve(backend)
    screen = open_screen(server)
    pushes = server.hub.counters.pushes
    row = "#open-rows .row"

    screen.page.wait_for_selector(f"{row}.is-running", timeout=10_000)
    # the page hears of the time with the next beat, however slowly it came up
    backend.step(NOW + timedelta(seconds=40) - backend.now())
    screen.page.wait_for_selector(f"{row}.is-warning", timeout=15_000)
    backend.step(NOW + timedelta(seconds=58) - backend.now())
    screen.page.wait_for_selector(f"{row}.is-missed", timeout=15_000)

    assert "超" in screen.text("#open-rows .row .row__times strong")
    assert server.hub.counters.pushes == pushes


def test_a_wall_that_loses_the_server_says_so_and_recovers_within_3_s(serve, open_screen, backend):
    server = serve(backend)
    screen = open_screen(server)
    screen.may_lose_the_server = True
    screen.wait_for_map()

    server.stop()
    screen.wait_for_text("#banner", "与服务器失去联系", timeout_s=5)
    assert "is-stale" in (screen.page.locator("body").get_attribute("class") or "")
    first = screen.text("#banner")
    screen.page.wait_for_function(
        "(t) => document.querySelector('#banner').innerText !== t", arg=first, timeout=5000
    )
    backend.show(a_snapshot(open=(), open_total=0))
    server.start()
    back = time.monotonic()
    screen.wait_for_text("#open-rows", "当前无在办事件")
    screen.page.wait_for_function(
        "() => !document.body.classList.contains('is-stale')"
        " && !document.querySelector('#banner').innerText",
        timeout=5000,
    )

    assert time.monotonic() - back < 3


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "新数据无法入库"), ("en", "cannot be stored")]
)
def test_that_nothing_can_be_stored_is_said_on_the_screen(
    serve, open_screen, backend, language, said
):
    screen = open_screen(serve(backend), language)

    backend.unstored = backend.now()

    screen.wait_for_text("#banner", said)
    backend.unstored = None
    screen.page.wait_for_function("() => !document.getElementById('banner').innerText")


def test_a_store_that_cannot_be_read_is_said_on_the_screen(serve, open_screen, backend):
    screen = open_screen(serve(backend))

    backend.error = OSError("disk gone")
    backend.touch()
    screen.wait_for_text("#banner", "数据读取失败")
    assert "184" in screen.text("#tile-arrived")
    backend.error = None

    screen.page.wait_for_function("() => !document.querySelector('#banner').innerText")


def test_a_page_that_hears_of_another_build_reloads_itself(serve, open_screen, backend):
    server = serve(backend)
    screen = open_screen(server)
    screen.may_lose_the_server = True
    screen.wait_for_map()
    screen.page.evaluate("window.before = true")

    server.stop()
    server.build = "newer"
    server.start()

    screen.page.wait_for_function("() => window.before === undefined", timeout=15_000)
    screen.page.wait_for_selector("body:not(.is-connecting)", timeout=15_000)


def test_a_page_that_was_cut_off_while_it_loaded_begins_anew(chromium, serve, backend):
    page = chromium.new_page()
    page.add_init_script(
        "const real = performance.now.bind(performance);"
        "performance.now = () => real() + (window.muchLater ? 60000 : 0);"
    )
    cut = []
    page.route(
        "**/_dash-layout",
        lambda route: route.continue_() if cut else (cut.append(1), route.abort())[1],
    )
    with page.expect_event("requestfailed"):
        page.goto(f"{serve(backend).url}/wall", wait_until="commit")
    page.evaluate("window.muchLater = true")

    page.wait_for_selector(".wall", timeout=20_000)
    page.close()

    assert cut


@pytest.mark.parametrize("part", ["live.js", "clock.js", "dash_renderer", "10-tokens.css"])
def test_a_page_one_of_whose_parts_was_lost_on_its_way_begins_anew(chromium, serve, backend, part):
    page = chromium.new_page()
    lost = []
    page.route(
        f"**/*{part}*",
        lambda route: route.continue_() if lost else (lost.append(1), route.abort())[1],
    )
    page.goto(f"{serve(backend).url}/wall")

    page.wait_for_function(
        "() => window.grid135?.live?.stats.applied && !document.querySelector('.is-connecting')"
    )
    coloured = page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--ground')"
    )
    page.close()

    assert lost
    assert coloured


def test_a_page_that_never_gets_a_part_asks_for_it_less_and_less_often(chromium, serve, backend):
    page = chromium.new_page()
    page.route("**/*sound.js*", lambda route: route.abort())
    page.add_init_script("""
        const wait = window.setTimeout;
        window.setTimeout = (f, ms, ...rest) => {
            if (f.name === 'knock') window.name += `${Math.round(ms / 30000) / 2} `;
            return wait(f, f.name === 'knock' ? 0 : ms, ...rest);
        };""")
    page.goto(f"{serve(backend).url}/wall")

    page.wait_for_function("() => window.name.split(' ').length > 4")
    waited = page.evaluate("window.name").split()
    page.close()

    assert waited[:4] == ["0", "1", "2", "4"]  # minutes


def test_a_page_that_waits_for_a_part_is_loaded_anew_at_once_when_it_is_told_to(
    chromium, serve, backend
):
    page = chromium.new_page()
    page.route("**/*sound.js*", lambda route: route.abort())
    page.add_init_script("""
        sessionStorage.setItem('grid135.in_vain', 5);
        sessionStorage.setItem('grid135.reloaded', Date.now());
        const wait = window.setTimeout;
        window.setTimeout = (f, ms, ...rest) => {
            if (f.name === 'knock') window.name += `${Math.round(ms / 30000) / 2} `;
            return wait(f, ms, ...rest);
        };""")
    page.goto(f"{serve(backend).url}/wall")

    page.wait_for_function("() => window.name === '16 '")
    page.evaluate("() => grid135.anew()")
    waited = page.evaluate("window.name").split()
    page.close()

    assert waited == ["16", "0.5"]  # minutes


def test_without_webgl_the_map_is_a_list(serve, open_screen, backend):
    no_webgl = """
        const original = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
            return kind.startsWith('webgl') ? null : original.call(this, kind, ...rest);
        };"""
    screen = open_screen(serve(backend), script=no_webgl)

    assert "WebGL" in screen.text("#map-list")
    assert screen.page.locator("#map-list li:visible").count() == 6


def test_a_map_that_loses_its_graphics_context_catches_up_when_it_is_back(
    serve, open_screen, backend
):
    screen = open_screen(serve(backend))
    screen.wait_for_map()
    screen.page.evaluate(
        """() => {
            const canvas = document.querySelector('#map-figure canvas.maplibregl-canvas');
            window.graphics = canvas.getContext('webgl2').getExtension('WEBGL_lose_context');
            window.graphics.loseContext();
        }"""
    )
    everything = (an_incident(0, age_s=1, stopped=0), *a_snapshot().open)
    backend.show(a_snapshot(open=everything, open_total=8, grids=grid_states(everything)))
    screen.wait_for_text("#open-heading", "8")

    screen.page.evaluate("() => window.graphics.restoreContext()")

    screen.page.wait_for_function(f"() => ({COLOURS})()['001-01'] === 1", timeout=15_000)


def test_a_title_cannot_put_markup_onto_the_page(serve, open_screen, backend):
    evil = "<img src=x onerror=alert(1)>"
    backend.show(a_snapshot(open=(an_incident(title=evil, address=None),), open_total=1))
    screen = open_screen(serve(backend))

    assert evil in screen.text("#open-rows")
    assert screen.page.locator("#open-rows img").count() == 0


def test_hidden_rows_are_counted(serve, open_screen, backend):
    backend.show(a_hard_snapshot("zh"))
    screen = open_screen(serve(backend))

    shown = screen.page.locator("#open-rows .row:visible").count()
    assert 6 <= shown < 40
    assert screen.text(".open__more") == f"另有 {866 - shown} 件未显示"


@pytest.mark.parametrize("size", SIZES)
def test_every_source_of_a_small_street_has_room(serve, open_screen, backend, size):
    backend.show(a_snapshot(sources=tuple(a_source(f"源{i}") for i in range(5))))
    screen = open_screen(serve(backend), "zh", SIZES[size])

    assert screen.page.locator("#header-sources .chip[data-rank]:visible").count() == 5
    assert screen.text("#header-sources .chip--more") == ""


def test_sources_without_room_are_counted_and_the_broken_one_is_shown(serve, open_screen, backend):
    live = [a_source(f"很长的数据源{i}") for i in range(30)]
    down = a_source("断开的源", SourceState.DOWN)
    backend.show(a_snapshot(sources=(*live, down)))
    screen = open_screen(serve(backend))

    shown = screen.page.locator("#header-sources .chip[data-rank]:visible").count()

    assert 6 <= shown < 31
    assert "断开的源" in screen.text("#header-sources")
    assert screen.text("#header-sources .chip--more") == f"另有 {31 - shown} 路"


@pytest.mark.parametrize(("language", "size"), SCREENS)
def test_no_text_is_cut_covered_or_too_small(serve, open_screen, backend, language, size):
    screen = open_screen(serve(backend), language, SIZES[size])
    found = {}
    snapshots = {
        "hard": a_hard_snapshot(language),
        "empty": an_empty_snapshot(),
        "full": a_snapshot(),
    }

    for name, snapshot in snapshots.items():
        backend.show(snapshot)
        screen.wait_for_text("#open-heading", str(snapshot.open_total))
        screen.page.wait_for_timeout(300)
        found[name] = faults(screen.page, smallest_px=SMALLEST_PX[size])

    assert found == {name: [] for name in snapshots}
    assert not scrolls(screen.page)
