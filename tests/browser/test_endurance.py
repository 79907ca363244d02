"""A wall that is left alone for months, in a real browser."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from pipelines.wall.endurance import Chime, Endurance, Tone
from tests.browser.legibility import scrolls
from tests.dashboard.builders import a_snapshot, an_incident

pytestmark = pytest.mark.browser

NEVER_RELOADED = "() => window.before === true"
RELOADED = "() => window.before === undefined"
READY = "body:not(.is-connecting)"

SPY_ON_SOUND = """
    window.notes = [];
    const create = AudioContext.prototype.createOscillator;
    AudioContext.prototype.createOscillator = function () {
        const oscillator = create.call(this);
        const start = oscillator.start.bind(oscillator);
        oscillator.start = (at) => { window.notes.push(oscillator.frequency.value); start(at); };
        return oscillator;
    };"""
BLOCK_SOUND = """
    window.allowed = false;
    Object.defineProperty(AudioContext.prototype, 'state', {
        get() { return window.allowed ? 'running' : 'suspended'; }});
    AudioContext.prototype.resume = function () {
        window.allowed = true; return Promise.resolve(); };"""
CLOCK_AHEAD = "const real = Date.now; Date.now = () => real() + 185000;"
SPY_ON_WAKE_LOCK = """
    window.locks = [];
    Object.defineProperty(navigator, 'wakeLock', { value: { request: async () => {
        const lock = new EventTarget(); window.locks.push(lock); return lock; } } });"""
IMPATIENT = """
    const wait = window.setTimeout;
    window.setTimeout = (f, ms, ...rest) => wait(f, ms === 20000 ? 300 : ms, ...rest);"""
SHIFT = "() => getComputedStyle(document.querySelector('main')).left"
LOSE_GRAPHICS = """() => document.querySelector('#map-figure canvas.maplibregl-canvas')
    .getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()"""


def enduring(**orders):
    return a_snapshot(endurance=Endurance(**orders))


def sounding(*ids, tone=Tone.URGENT):
    chimes = tuple(Chime(id=name, tone=tone) for name in ids)
    return enduring(sounds=True, volume=0.1, chimes=chimes)


def small(open_screen, server, language="zh", script=""):
    """A small screen: what is promised here does not depend on its size, and it draws faster."""
    return open_screen(server, language, (1280, 720), script)


def mark(screen):
    """So that a page that has been loaded anew is recognised."""
    screen.page.evaluate("window.before = true")


def hear(screen, backend, snapshot):
    """Show a snapshot and return when the page has taken it in."""
    said = json.dumps([[chime.id, chime.tone] for chime in snapshot.endurance.chimes])
    backend.show(snapshot)
    screen.page.wait_for_function(
        "(t) => document.querySelector('#endurance-state > div').dataset.chimes === t", arg=said
    )
    screen.page.wait_for_timeout(100)


def notes(screen):
    return screen.page.evaluate("() => window.notes.splice(0)")


def test_a_wall_loads_its_page_anew_at_its_hour(serve, open_screen, backend):
    screen = small(open_screen, serve(backend))
    mark(screen)

    backend.show(enduring(reload_at=backend.now() + timedelta(seconds=1)))

    screen.page.wait_for_function(RELOADED, timeout=10_000)
    screen.page.wait_for_selector(READY, timeout=15_000)


def test_a_wall_stays_while_a_grave_incident_is_open_and_loads_anew_after_it(
    serve, open_screen, backend
):
    orders = Endurance(reload_at=backend.now() - timedelta(seconds=1), is_busy=True)
    backend.show(a_snapshot(endurance=orders))
    screen = small(open_screen, serve(backend))
    mark(screen)
    screen.page.wait_for_timeout(2500)
    assert screen.page.evaluate(NEVER_RELOADED)

    tomorrow = backend.now() + timedelta(days=1)
    backend.show(a_snapshot(endurance=replace(orders, reload_at=tomorrow, is_busy=False)))

    screen.page.wait_for_function(RELOADED, timeout=10_000)


def test_walls_that_are_told_to_load_anew_do_so(serve, open_screen, backend):
    screen = small(open_screen, serve(backend))
    mark(screen)

    backend.mark = "2026-11-22T06:43:07+00:00"
    backend.touch()

    screen.page.wait_for_function(RELOADED, timeout=10_000)
    screen.page.wait_for_selector(READY, timeout=15_000)


def test_a_page_is_not_loaded_anew_while_there_is_no_server(serve, open_screen, backend):
    server = serve(backend)
    screen = small(open_screen, server)
    screen.may_lose_the_server = True
    mark(screen)

    server.stop()
    screen.page.evaluate("() => grid135.anew()")
    screen.page.wait_for_timeout(2500)
    assert screen.page.evaluate(NEVER_RELOADED)
    server.start()

    screen.page.wait_for_function(RELOADED, timeout=10_000)


def test_the_picture_wanders_and_stays_whole(serve, open_screen, backend):
    backend.show(enduring(shift_px=2, shift_every_s=0.5))
    screen = small(open_screen, serve(backend))

    seen = set()
    for _ in range(40):
        seen.add(screen.page.evaluate(SHIFT))
        screen.page.wait_for_timeout(150)

    assert seen == {"-2px", "0px", "2px"}
    assert not scrolls(screen.page)


def test_a_wall_dims_when_nothing_happens_and_wakes_for_an_incident(serve, open_screen, backend):
    orders = Endurance(idle_after_s=1, idle_brightness=0.6)
    backend.show(a_snapshot(endurance=orders))
    screen = small(open_screen, serve(backend))

    screen.page.wait_for_selector("body.is-idle", timeout=5000)
    fresh = an_incident(0, age_s=0, stopped=0)
    backend.show(a_snapshot(endurance=orders, open=(fresh, *a_snapshot().open), open_total=8))

    screen.page.wait_for_selector("body:not(.is-idle)", timeout=5000)


def test_the_screen_is_kept_awake_again_when_the_lock_was_taken_away(serve, open_screen, backend):
    screen = small(open_screen, serve(backend), script=SPY_ON_WAKE_LOCK)
    screen.page.wait_for_function("() => window.locks.length === 1", timeout=5000)

    screen.page.evaluate("() => locks[0].dispatchEvent(new Event('release'))")

    screen.page.wait_for_function("() => window.locks.length === 2", timeout=5000)


def test_a_tab_that_wakes_asks_for_everything(serve, open_screen, backend):
    screen = small(open_screen, serve(backend))
    connects = screen.page.evaluate("() => grid135.live.stats.connects")

    screen.page.evaluate("() => document.dispatchEvent(new Event('resume'))")
    screen.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    screen.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")

    screen.page.wait_for_function("(n) => grid135.live.stats.connects === n + 3", arg=connects)
    backend.show(a_snapshot(open=(), open_total=0))
    screen.wait_for_text("#open-rows", "当前无在办事件")


def test_a_map_that_stays_lost_is_loaded_anew_once_and_then_is_a_list(serve, open_screen, backend):
    screen = small(open_screen, serve(backend), script=IMPATIENT)
    screen.wait_for_map()
    mark(screen)

    screen.page.evaluate(LOSE_GRAPHICS)
    screen.page.wait_for_function(RELOADED, timeout=10_000)
    screen.page.wait_for_selector(READY, timeout=15_000)
    screen.wait_for_map()
    screen.page.evaluate(LOSE_GRAPHICS)

    screen.page.wait_for_selector("body.is-without-webgl", timeout=5000)
    assert screen.page.locator("#map-list li:visible").count() == 6


def test_a_screen_whose_own_clock_is_off_says_so_and_by_how_much(serve, open_screen, backend):
    screen = small(open_screen, serve(backend), script=CLOCK_AHEAD)

    screen.wait_for_text(".clock__note", "本屏时钟快 3 分")


def test_a_screen_whose_own_clock_is_right_says_nothing(serve, open_screen, backend):
    screen = small(open_screen, serve(backend))

    screen.page.wait_for_function("() => grid135.screenClock.found()", timeout=10_000)

    assert screen.text(".clock__note") == ""
    assert abs(screen.page.evaluate("() => grid135.screenClock.found().offMs")) < 500


def test_the_clock_on_the_wall_follows_the_server_whose_clock_is_set_an_hour_on(
    serve, open_screen, backend
):
    screen = small(open_screen, serve(backend))
    hour = int(screen.text(".clock__time")[:2])
    before = backend.now()

    backend.step(timedelta(hours=1))

    after = (before + timedelta(hours=9)).strftime("%H:")  # UTC+8, and one on
    screen.wait_for_text(".clock__time", after)
    assert int(after[:2]) == (hour + 1) % 24


def test_a_wall_is_silent_unless_it_is_told_to_sound(serve, open_screen, backend):
    screen = small(open_screen, serve(backend), script=SPY_ON_SOUND)
    chime = Chime(id="a", tone=Tone.URGENT)

    hear(screen, backend, enduring(chimes=(chime,)))

    assert notes(screen) == []
    assert screen.text("#sound") == ""


def test_a_new_incident_is_heard_once(serve, open_screen, backend):
    backend.show(sounding("a"))
    screen = small(open_screen, serve(backend), script=SPY_ON_SOUND)
    screen.page.mouse.click(900, 500)
    assert notes(screen) == []

    hear(screen, backend, sounding("b", "a"))
    urgent = notes(screen)
    hear(screen, backend, sounding("c", "b", "a", tone=Tone.CALM))
    calm = notes(screen)

    assert len(urgent) > len(calm) > 0
    assert max(urgent) > max(calm)


def test_a_new_connection_or_a_new_page_repeats_no_sound(serve, open_screen, backend):
    backend.show(sounding("a"))
    screen = small(open_screen, serve(backend), script=SPY_ON_SOUND)
    screen.page.mouse.click(900, 500)
    hear(screen, backend, sounding("b", "a"))
    assert notes(screen)

    applied = screen.page.evaluate("() => grid135.live.stats.applied")
    screen.page.evaluate("() => grid135.live.connect()")
    screen.page.wait_for_function("(n) => grid135.live.stats.applied > n", arg=applied)
    assert notes(screen) == []
    screen.page.reload()
    screen.page.wait_for_selector(READY, timeout=15_000)
    screen.page.mouse.click(900, 500)

    assert notes(screen) == []


def test_what_has_been_heard_is_not_remembered_without_bound(serve, open_screen, backend):
    backend.show(sounding("first"))
    screen = small(open_screen, serve(backend))

    for i in range(15):
        hear(screen, backend, sounding(*(f"{i}-{j}" for j in range(20))))

    heard = screen.page.evaluate("() => JSON.parse(sessionStorage['grid135.heard']).length")
    assert heard == 200


def test_a_wall_is_muted_with_m_and_remembers_it(serve, open_screen, backend):
    backend.show(sounding("a"))
    screen = small(open_screen, serve(backend), script=SPY_ON_SOUND)
    screen.page.mouse.click(900, 500)

    screen.page.keyboard.press("m")
    screen.wait_for_text("#sound", "已静音")
    hear(screen, backend, sounding("b", "a"))
    assert notes(screen) == []
    screen.page.reload()
    screen.page.wait_for_selector(READY, timeout=15_000)
    screen.wait_for_text("#sound", "已静音")
    screen.page.keyboard.press("M")
    hear(screen, backend, sounding("c", "b", "a"))

    assert notes(screen)


def test_a_small_control_comes_with_the_mouse_and_goes(serve, open_screen, backend):
    backend.show(sounding("a"))
    screen = small(open_screen, serve(backend), script="window.muchLater = true")
    assert not screen.page.locator("#sound button").is_visible()

    screen.page.mouse.move(300, 300)
    screen.page.mouse.move(400, 400)

    screen.page.wait_for_selector("#sound button:visible", timeout=3000)
    screen.page.wait_for_selector("#sound button", state="hidden", timeout=7000)


def test_a_browser_that_blocks_sound_is_said_on_the_wall_until_somebody_touches_it(
    serve, open_screen, backend
):
    backend.show(sounding("a"))
    screen = small(open_screen, serve(backend), script=SPY_ON_SOUND + BLOCK_SOUND)
    screen.wait_for_text("#sound", "声音被浏览器阻止")
    hear(screen, backend, sounding("b", "a"))
    assert notes(screen) == []

    screen.page.mouse.click(900, 500)
    screen.page.wait_for_function("() => grid135.sound.state() === 'on'", timeout=3000)
    hear(screen, backend, sounding("c", "b", "a"))

    assert notes(screen)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_debug_says_how_the_screen_is_doing(serve, open_screen, backend, language):
    screen = small(open_screen, serve(backend), language)
    assert screen.page.locator("#debug").count() == 0

    screen.page.goto(f"{screen.server.url}/wall?lang={language}&debug")
    screen.page.wait_for_selector("#debug p:nth-child(10)", timeout=15_000)

    screen.page.wait_for_function("document.querySelector('#debug').innerText.includes('test+s1')")
    lines = screen.text("#debug").split("\n")
    assert len([line for line in lines if line.strip()]) == 10
    assert "test+s1" in lines[-1]
    assert "NaN" not in screen.text("#debug")
    assert "undefined" not in screen.text("#debug")
