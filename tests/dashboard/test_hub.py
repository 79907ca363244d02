"""One drawing for all screens, only what changed, and nobody waits for the slow."""

import asyncio
import json
import logging
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.hub import Hub, Pace
from dashboard.pages import PAGES
from dashboard.panels import PANELS
from dashboard.stream import EventStream
from dashboard.text.format import epoch_ms
from dashboard.views import View
from tests.dashboard.builders import NOW, FakeBackend, a_snapshot

ZH = View(page="wall", language="zh")
EN = View(page="wall", language="en")
FAST = Pace(poll_s=0.005, refresh_s=60, beat_s=0.2, send_timeout_s=0.2, retry_s=0.02, rest_share=0)
IDS = {"header-title", "strip-tiles", "map-figure", "open-rows", "intake-bars", "quality-counts"}


def read(message):
    """The fields of one message, and its id."""
    lines = dict(line.split(": ", 1) for line in message.decode().strip().split("\n"))
    return {**json.loads(lines["data"]), "id": lines.get("id"), "event": lines.get("event")}


@asynccontextmanager
async def running(backend, pace=FAST, pages=PAGES):
    hub = Hub(backend, build="b1", pace=pace, pages=pages)
    task = asyncio.create_task(hub.run())
    try:
        async with asyncio.timeout(60):
            yield hub
    finally:
        task.cancel()


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - counters have no event
            await asyncio.sleep(0.002)


async def news(screen):
    """The next message that is not a heartbeat."""
    while True:
        message = read(await screen.next())
        if message["event"] != "beat":
            return message


def test_a_new_screen_gets_the_full_state():
    async def story():
        async with running(FakeBackend()) as hub:
            message = await news(hub.join(ZH))

            assert message["full"]
            assert set(message["props"]) >= IDS
            assert message["rate"] == 1.0
            assert message["build"] == "b1+s1"

    asyncio.run(story())


def test_many_screens_cost_one_drawing():
    async def story():
        backend = FakeBackend()
        async with running(backend) as hub:
            screens = [hub.join(ZH) for _ in range(50)]
            await asyncio.gather(*(news(screen) for screen in screens))
            backend.show(a_snapshot(open=(), open_total=0))
            messages = await asyncio.gather(*(news(screen) for screen in screens))

            assert hub.counters.draws == 2
            assert hub.counters.pushes == 2
            assert len({message["id"] for message in messages}) == 1

    asyncio.run(story())


def test_only_what_changed_is_pushed():
    async def story():
        backend = FakeBackend()
        async with running(backend) as hub:
            screen = hub.join(ZH)
            await news(screen)
            backend.show(a_snapshot(quality=replace(a_snapshot().quality, unknown=99)))
            message = await news(screen)

            assert not message["full"]
            assert set(message["props"]) == {"quality-counts"}

    asyncio.run(story())


def test_a_change_that_nobody_can_see_is_not_pushed():
    async def story():
        backend = FakeBackend()
        async with running(backend) as hub:
            await news(hub.join(ZH))
            reads = backend.reads
            backend.touch()
            await until(lambda: backend.reads > reads)
            await asyncio.sleep(0.02)

            assert hub.counters.pushes == 1

    asyncio.run(story())


def test_two_languages_are_two_drawings_of_one_snapshot():
    async def story():
        backend = FakeBackend()
        async with running(backend) as hub:
            zh, en = hub.join(ZH), hub.join(EN)
            chinese, english = await news(zh), await news(en)

            title = "header-title"
            assert chinese["props"][title] != english["props"][title]
            assert backend.reads == 1
            assert hub.counters.draws == 2

    asyncio.run(story())


def test_nothing_is_drawn_while_nobody_watches():
    async def story():
        backend = FakeBackend()
        async with running(backend) as hub:
            screen = hub.join(ZH)
            await news(screen)
            hub.leave(screen)
            backend.touch()
            await asyncio.sleep(0.05)

            assert backend.reads == 1
            assert hub.counters.screens == 0

    asyncio.run(story())


class Desks:
    """Desks of one room, beside a wall; which was read is noted, and reading can be held up."""

    def __init__(self):
        self.read = []
        self.go_on = threading.Event()
        self.go_on.set()
        wall = PAGES["wall"]
        self.pages = {
            "wall": replace(wall, read=self._read("wall")),
            "desk": replace(wall, read=self._read("desk"), filters=("grid",)),
        }

    def _read(self, page):
        def read(backend, filters):
            self.read.append(filters.get("grid", page))
            if len(self.read) > 1:
                assert self.go_on.wait(10)
            return backend.snapshot()

        return read


def desk(grid):
    return View(page="desk", language="zh", filters=(("grid", grid),))


def test_a_view_is_pushed_when_it_is_drawn_and_waits_for_no_other():
    async def story():
        backend, desks = FakeBackend(), Desks()
        async with running(backend, pages=desks.pages) as hub:
            screens = [hub.join(desk(grid)) for grid in ("G1", "G2")]
            for screen in screens:
                await news(screen)
            desks.read.clear()
            desks.go_on.clear()
            backend.show(a_snapshot(quality=replace(a_snapshot().quality, unknown=99)))

            assert "quality-counts" in (await news(screens[0]))["props"]
            assert hub.counters.pushes == 3
            desks.go_on.set()
            assert "quality-counts" in (await news(screens[1]))["props"]

    asyncio.run(story())


def test_what_a_page_does_not_show_is_no_reason_to_draw_it():
    async def story():
        backend, pages = FakeBackend(), Desks().pages
        pages["desk"] = replace(pages["desk"], shown=lambda picture: picture.open_total)
        async with running(backend, pages=pages) as hub:
            screen = hub.join(desk("G1"))
            await news(screen)
            reads = backend.reads
            backend.show(a_snapshot(quality=replace(a_snapshot().quality, unknown=99)))
            await until(lambda: backend.reads > reads)
            await asyncio.sleep(0.02)
            assert hub.counters.draws == 1

            backend.show(a_snapshot(open_total=77))
            assert "77" in json.dumps((await news(screen))["props"]["open-heading"])

    asyncio.run(story())


def test_walls_are_drawn_first_then_what_was_drawn_longest_ago():
    async def story():
        backend, desks = FakeBackend(), Desks()
        async with running(backend, pages=desks.pages) as hub:
            for view in (desk("G1"), desk("G2"), ZH):
                await news(hub.join(view))
            desks.read.clear()
            backend.touch()
            await until(lambda: len(desks.read) == 3)

            assert desks.read == ["wall", "G1", "G2"]

    asyncio.run(story())


def test_a_new_view_is_drawn_before_those_that_have_a_picture():
    async def story():
        backend, desks = FakeBackend(), Desks()
        async with running(backend, pages=desks.pages) as hub:
            for grid in ("G1", "G2", "G3"):
                await news(hub.join(desk(grid)))
            desks.read.clear()
            desks.go_on.clear()
            backend.touch()
            await until(lambda: len(desks.read) == 2)
            late = hub.join(desk("G4"))
            desks.go_on.set()
            await news(late)

            assert desks.read[:3] == ["G1", "G2", "G4"]

    asyncio.run(story())


def test_the_rest_leaves_a_third_of_a_core_at_least_and_keeps_nobody_waiting_for_long():
    pace = Pace()

    assert pace.rest_s(0.1) == pytest.approx(0.2)
    assert pace.rest_s(0.5) == pytest.approx(0.3)
    assert pace.rest_s(3.0) == pytest.approx(1.5)
    assert replace(pace, rest_share=0).rest_s(3.0) == 0


def test_a_verdict_that_changes_by_time_alone_is_drawn_then():
    async def story():
        backend = FakeBackend()
        backend.show(a_snapshot(next_change_at=backend.now() + timedelta(seconds=0.2)))
        async with running(backend) as hub:
            await news(hub.join(ZH))

            await until(lambda: backend.reads == 2)

    asyncio.run(story())


def test_a_screen_that_falls_behind_gets_the_full_state_instead_of_a_long_queue():
    async def story():
        backend = FakeBackend()
        async with running(backend, replace(FAST, queue=2)) as hub:
            screen = hub.join(ZH)
            await news(screen)
            for unknown in range(100, 105):
                pushes = hub.counters.pushes
                backend.show(a_snapshot(quality=replace(a_snapshot().quality, unknown=unknown)))
                await until(lambda before=pushes: hub.counters.pushes > before)
            message = await news(screen)

            assert hub.counters.overflows == 1
            assert message["full"]
            assert "104" in json.dumps(message["props"]["quality-counts"])

    asyncio.run(story())


def test_a_client_that_does_not_read_is_let_go():
    async def story():
        async with running(FakeBackend()) as hub:

            async def send(message):
                if message["type"] == "http.response.body":
                    await asyncio.Event().wait()

            async def receive():
                await asyncio.Event().wait()

            await EventStream(hub, ZH)({}, receive, send)

            assert hub.counters.screens == 0

    asyncio.run(story())


def test_a_client_that_leaves_is_forgotten():
    async def story():
        async with running(FakeBackend()) as hub:

            async def send(message):
                pass

            async def receive():
                return {"type": "http.disconnect"}

            await EventStream(hub, ZH)({}, receive, send)

            assert hub.counters.screens == 0

    asyncio.run(story())


def broken(panel):
    def draw(snapshot, say):
        if snapshot.open_total == 13:
            raise ZeroDivisionError
        return panel.draw(snapshot, say)

    return replace(panel, draw=draw)


def test_a_panel_that_fails_says_so_in_its_own_box_and_the_rest_lives(caplog):
    panels = tuple(broken(p) if p.id == "strip" else p for p in PANELS)
    pages = {"wall": replace(PAGES["wall"], panels=panels)}

    async def story():
        backend = FakeBackend(a_snapshot(open_total=13))
        async with running(backend, pages=pages) as hub:
            screen = hub.join(ZH)
            message = await news(screen)
            assert "此栏暂不可用" in json.dumps(
                message["props"]["strip-notice"], ensure_ascii=False
            )
            assert "strip-tiles" not in message["props"]
            assert "open-rows" in message["props"]

            backend.touch()
            await until(lambda: backend.reads == 2)
            backend.show(a_snapshot())
            message = await news(screen)
            while "strip-notice" not in message["props"]:  # a second may have passed meanwhile
                message = await news(screen)
            assert message["props"]["strip-notice"] == {"children": None}
            assert "strip-tiles" in message["props"]

    with caplog.at_level(logging.ERROR):
        asyncio.run(story())
    assert [r.message for r in caplog.records] == ["panel strip cannot be drawn"]


def test_a_store_that_cannot_be_read_leaves_the_screen_as_it_is_and_says_since_when(caplog):
    async def story():
        backend = FakeBackend()
        async with running(backend) as hub:
            screen = hub.join(ZH)
            await news(screen)
            backend.error = OSError("disk gone")
            backend.touch()
            message = await news(screen)
            assert message["stale_ms"] is not None
            assert message["props"] == {}

            late = await news(hub.join(ZH))
            assert late["full"]
            assert set(late["props"]) >= IDS

            backend.error = None
            message = await news(screen)
            assert message["stale_ms"] is None

    with caplog.at_level(logging.ERROR):
        asyncio.run(story())
    assert len(caplog.records) == 1


def test_every_message_says_since_when_nothing_can_be_stored():
    async def story():
        backend = FakeBackend()
        async with running(backend, replace(FAST, beat_s=0.05)) as hub:
            screen = hub.join(ZH)
            assert (await news(screen))["unstored_ms"] is None
            backend.unstored = NOW
            assert read(await screen.next())["unstored_ms"] == epoch_ms(NOW)

    asyncio.run(story())


def test_a_heartbeat_tells_the_time_when_there_is_nothing_else_to_say():
    async def story():
        async with running(FakeBackend(rate=60.0), replace(FAST, beat_s=0.05)) as hub:
            screen = hub.join(ZH)
            await news(screen)
            beat = read(await screen.next())

            assert beat["event"] == "beat"
            assert beat["rate"] == 60.0
            assert "props" not in beat

    asyncio.run(story())
