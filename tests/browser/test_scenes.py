"""The scenes of the wall in a real browser: each can be read, and the round keeps its rules."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from math import atan, degrees

import pytest

from dashboard.text import LANGUAGES
from pipelines.snapshot import Intake, Stage
from tests.browser.conftest import EVERY_SCREEN, SIZES
from tests.browser.legibility import contrast, faint, faults, scrolls
from tests.dashboard.builders import (
    NOW,
    a_community_board,
    a_complaint_board,
    a_critical,
    a_dated_complaint,
    a_device_board,
    a_snapshot,
    a_source,
    an_empty_snapshot,
    an_incident,
    grid_states,
)

pytestmark = pytest.mark.browser

SCENES = ("overview", "fire", "complaints", "figures", "community:c07")
ARC_MINUTES, DISTANCE_M, SCREEN_M = 16, 5.0, 3.6


LOOK_AT = """([scene, theme]) => {
    const language = document.documentElement.lang.slice(0, 2);
    history.replaceState(null, '', `?lang=${language}&theme=${theme}`);
    grid135.live.watch(scene);
}"""
GROUND = "getComputedStyle(document.body).backgroundColor"


def smallest_px(size):
    """What 16 arc-minutes are, on a screen whose 16:9 is 3.6 m wide, from 5 m."""
    width, height = SIZES[size]
    pixels = min(width, height * 16 / 9)
    least = next(n for n in range(1, 200) if arc_minutes(n / pixels * SCREEN_M) >= ARC_MINUTES)
    return float(least)


def arc_minutes(height_m):
    return degrees(atan(height_m / DISTANCE_M)) * 60


def a_crowded_snapshot():
    """5,000 open incidents, a title of 300 characters, a grid without a name, many alarms."""
    many = tuple(
        an_incident(
            i,
            age_s=7 * i,
            stopped=i % 4,
            title="长" * 300,
            severity=i % 5,
            units=i % 12,
            address="很长的路名" * 12,
            kind_names={
                "zh": "非常长的事件类别名称" * 3,
                "en": "A very long kind of incident " * 3,
            },
        )
        for i in range(30)
    )
    drill = an_incident(31, is_drill=True, clocks=(), next_clock=None, title="演练" * 40)
    open_now = (*many[:2], drill, *many[2:])
    late = tuple(a_dated_complaint(i, left_h=i * 1.7 - 9, title="诉" * 300) for i in range(30))
    usual = tuple((1.0 + i % 3, 5.0 + i % 4) for i in range(72))
    snapshot = a_snapshot(
        open=open_now,
        open_total=5000,
        open_emergencies=4321,
        open_unlocated=1234,
        grids=(*grid_states(many)[:5], replace(grid_states(many)[5], names={})),
        devices=a_device_board(30, registered=12_345, heard=12_001, silent=1234, unknown=380),
        complaints=a_complaint_board(
            open=5000, rows=late, by_due=dict.fromkeys(a_complaint_board().by_due, 1250)
        ),
        communities=a_community_board(),
        sources=tuple(a_source(f"很长的数据源{i}") for i in range(12)),
        intake=Intake(start=a_snapshot().intake.start, counts=(300,) * 72, usual=usual),
    )
    states = snapshot.communities.communities
    long = replace(states[0], names={"zh": "名字很长的社区名字很长", "en": "Long " * 8}, open=4321)
    return replace(
        snapshot, communities=replace(snapshot.communities, communities=(long, *states[1:]))
    )


SNAPSHOTS = {
    "full": a_snapshot,
    "crowded": a_crowded_snapshot,
    "empty": lambda: an_empty_snapshot(sources=()),
}


EVERY = tuple(product(("dark", "light"), ("en", "zh"), SIZES, [tuple(SNAPSHOTS)]))
# each theme and language once; the overview is looked through at every size in test_wall.py
SOME = (("dark", "zh", "hd", ("crowded", "empty")), ("light", "en", "hd", ("full", "crowded")))


@pytest.mark.parametrize(("theme", "language", "size", "shown"), EVERY if EVERY_SCREEN else SOME)
def test_every_scene_can_be_read(serve, open_screen, backend, theme, language, size, shown):
    screen = open_screen(serve(backend), language, SIZES[size])
    found = {}
    for name in shown:
        backend.show(SNAPSHOTS[name]())
        for scene in SCENES:
            screen.page.evaluate(LOOK_AT, [scene, theme])
            screen.wait_for_scene(scene.split(":")[0], theme)
            screen.page.wait_for_timeout(250)
            # a machine with too much to do is late with a beat, and the page turns grey
            screen.page.wait_for_selector("body:not(.is-stale)")
            wrong = faults(screen.page, smallest_px=smallest_px(size))
            wrong += faint(screen.page, least=7)
            if wrong or scrolls(screen.page):
                found[f"{name} {scene}"] = wrong

    assert found == {}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_an_emergency_can_be_read(serve, open_screen, backend, theme):
    many = (a_critical(), a_critical(incident=an_incident(7, age_s=9, stopped=0)))
    backend.show(a_snapshot(critical=many, stage=replace(a_snapshot().stage, theme=theme)))
    for language in LANGUAGES:
        screen = open_screen(serve(backend), language)
        screen.wait_for_scene("incident", theme)
        screen.page.wait_for_timeout(900)
        screen.page.wait_for_selector("body:not(.is-stale)")

        assert faults(screen.page, smallest_px=smallest_px("hd")) == []
        assert faint(screen.page, least=7) == []


def test_every_wall_shows_the_scene_the_server_says(serve, open_screen, backend):
    server = serve(backend)
    screens = [open_screen(server), open_screen(server, "en")]

    backend.show(a_snapshot(stage=replace(a_snapshot().stage, scene="fire")))

    for screen in screens:
        screen.wait_for_scene("fire")
        assert screen.page.locator("#devices-counts").is_visible()
        assert not screen.page.locator("#strip-tiles").is_visible()


def test_a_new_critical_incident_takes_over_and_gives_back(serve, open_screen, backend):
    screen = open_screen(serve(backend))
    screen.wait_for_map()
    before = camera(screen)

    backend.show(a_snapshot(critical=(a_critical(),)))
    screen.wait_for_scene("incident")
    screen.wait_for_text("#stage-card", "怡和花园 5 层")
    screen.page.wait_for_function(f"(z) => ({CAMERA})().zoom > z + 0.5", arg=before["zoom"])
    close = camera(screen)
    incident = a_critical().incident

    assert abs(close["lat"] - incident.lat) < 1e-4
    assert abs(close["lon"] - incident.lon) < 1e-4
    assert "180 米" in screen.text("#stage-card")

    backend.show(a_snapshot())
    screen.wait_for_scene("overview")
    screen.page.wait_for_function(
        f"(z) => Math.abs(({CAMERA})().zoom - z) < 0.01", arg=before["zoom"]
    )
    assert abs(camera(screen)["lat"] - before["lat"]) < 1e-6
    assert screen.text("#stage-card") == ""


def test_a_touch_stops_the_round_until_a_while_has_passed(serve, open_screen, backend):
    round_of = replace(a_snapshot().stage, scene="fire", hold_s=2.0)
    backend.show(a_snapshot(stage=round_of))
    screen = open_screen(serve(backend))
    screen.wait_for_scene("fire")

    screen.page.mouse.click(900, 600)
    screen.wait_for_text("#stage-round", "已暂停轮播")
    backend.show(a_snapshot(stage=replace(round_of, scene="complaints")))
    screen.page.wait_for_timeout(500)
    held = screen.page.locator("html").get_attribute("data-scene")
    screen.wait_for_scene("complaints")

    assert held == "fire"


def test_a_held_screen_stays_live_and_is_told_of_an_emergency(serve, open_screen, backend):
    backend.show(a_snapshot(stage=replace(a_snapshot().stage, scene="fire", hold_s=60)))
    screen = open_screen(serve(backend))
    screen.wait_for_scene("fire")
    screen.page.keyboard.press("ArrowRight")
    screen.wait_for_scene("complaints")

    backend.show(a_snapshot(critical=(a_critical(),), complaints=a_complaint_board(open=77)))

    screen.wait_for_text("#complaints-heading", "77")
    screen.wait_for_text("#stage-card", "烟感火警")
    assert screen.page.locator("html").get_attribute("data-scene") == "complaints"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_at_night_the_ground_is_dimmed_and_every_text_can_still_be_read(
    serve, open_screen, backend, theme
):
    look = replace(a_snapshot().stage, theme=theme)
    backend.show(a_crowded_snapshot())
    screen = open_screen(serve(backend))
    screen.page.evaluate(LOOK_AT, ["overview", theme])
    screen.wait_for_scene("overview", theme)
    by_day = screen.page.evaluate(GROUND)

    night = replace(look, is_night=True, brightness=0.5)
    backend.show(replace(a_crowded_snapshot(), stage=night))
    screen.page.wait_for_selector("html.is-dim")

    found = {}
    for scene in SCENES:
        screen.page.evaluate(LOOK_AT, [scene, theme])
        screen.wait_for_scene(scene.split(":")[0], theme)
        screen.page.wait_for_timeout(250)
        if wrong := faint(screen.page, least=7):
            found[scene] = wrong
    assert found == {}
    assert contrast("rgb(0, 0, 0)", by_day) > contrast("rgb(0, 0, 0)", screen.page.evaluate(GROUND))


def test_viewers_who_stand_further_away_get_larger_type(serve, open_screen, backend):
    share = 8.0 * 0.004654 / 3.6  # 16 arc-minutes at 8 m on 3.6 m
    backend.show(a_snapshot(stage=replace(a_snapshot().stage, least_share=share)))
    screen = open_screen(serve(backend))
    screen.page.wait_for_function("document.documentElement.style.getPropertyValue('--least')")
    screen.page.wait_for_timeout(300)

    wrong = faults(screen.page, smallest_px=share * 1920 - 0.1)

    assert wrong == []
    assert not scrolls(screen.page)


def test_a_drill_is_hatched_labelled_and_not_counted(serve, open_screen, backend):
    drill = an_incident(3, is_drill=True, clocks=(), next_clock=None)
    backend.show(a_snapshot(open=(drill,), open_total=0, open_emergencies=0))
    screen = open_screen(serve(backend))

    assert "演练" in screen.text(".row--drill")
    assert "gradient" in screen.page.evaluate(
        "getComputedStyle(document.querySelector('.row--drill')).backgroundImage"
    )
    assert screen.text(".open__total").startswith("0 ")
    assert screen.text("#open-more") == ""


def test_a_scene_that_begins_later_needs_no_message_to_stay(serve, open_screen, backend):
    backend.show(a_snapshot(stage=Stage(scenes=("overview",), until=NOW + timedelta(days=1))))
    screen = open_screen(serve(backend))

    assert screen.text("#stage-round") == ""
    assert screen.page.locator("#strip-tiles").is_visible()


CAMERA = """() => {
    const map = document.querySelector('#map-figure .js-plotly-plot')._fullLayout.map._subplot.map;
    const centre = map.getCenter();
    return {lat: centre.lat, lon: centre.lng, zoom: map.getZoom()};
}"""


def camera(screen):
    return screen.page.evaluate(CAMERA)
