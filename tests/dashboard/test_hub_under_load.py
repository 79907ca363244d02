"""Floods, clients that misbehave, clocks that jump: the hub stays small, and keeps drawing."""

import asyncio
import gzip
import json
import os
import socket
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.hub import Pace
from pipelines.clock import ManualClock
from pipelines.roles.live import Live
from pipelines.settings import load
from tests.builders import at
from tests.dashboard.builders import FakeBackend, a_snapshot, an_incident
from tests.dashboard.serving import serving
from tests.dashboard.test_hub import FAST, ZH, news, read, running, until
from tests.pipelines.installations import (
    AREA,
    a_call,
    a_file,
    an_installation,
    open_installation,
    taken_in,
)

MOST_FIRST_STATE = 150_000
"""Bytes of a first state, compressed."""
REQUEST = b"GET /stream?page=wall HTTP/1.1\r\nHost: test\r\n\r\n"


def connected(server, *, buffer: int | None = None) -> socket.socket:
    """A client that has asked for the stream and has begun to hear it."""
    client = socket.socket()
    if buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.settimeout(10)
    client.connect(("127.0.0.1", server.port))
    client.sendall(REQUEST)
    client.recv(64)
    return client


def wait(condition, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_a_flood_of_changes_is_drawn_now_and_then_and_its_end_is_shown():
    async def story():
        backend = FakeBackend()
        async with running(backend, replace(FAST, poll_s=0.02, rest_share=2)) as hub:
            screen = hub.join(ZH)
            await news(screen)
            for total in range(1, 1001):
                backend.show(a_snapshot(open_total=total))
                await asyncio.sleep(0.001)

            async def last():
                while "1000" not in json.dumps(
                    (await news(screen))["props"].get("open-heading", "")
                ):
                    pass

            await asyncio.wait_for(last(), 60)
            assert hub.counters.draws < 250

    asyncio.run(story())


def test_the_loop_stays_free_while_a_flood_is_drawn():
    """Heartbeats, requests and other screens do not wait for the drawing."""

    async def story():
        backend = FakeBackend(
            a_snapshot(open=tuple(an_incident(i) for i in range(40)), open_total=5000)
        )
        late = []
        async with running(backend, replace(FAST, rest_share=2)) as hub:
            await news(hub.join(ZH))
            for _ in range(100):
                backend.touch()
                asked = time.monotonic()
                await asyncio.sleep(0.01)
                late.append(time.monotonic() - asked - 0.01)

        late.sort()
        assert late[len(late) // 2] < 0.1

    asyncio.run(story())


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_stops_nothing(hours):
    async def story():
        backend = FakeBackend()
        backend.show(a_snapshot(next_change_at=backend.now() + timedelta(minutes=30)))
        async with running(backend, replace(FAST, refresh_s=0.1, beat_s=0.05)) as hub:
            screen = hub.join(ZH)
            before = (await news(screen))["now_ms"]
            backend.step(timedelta(hours=hours))
            reads = backend.reads
            await until(lambda: backend.reads > reads + 1)

            beat = read(await screen.next())
            assert abs(beat["now_ms"] - before - hours * 3_600_000) < 60_000
            backend.show(a_snapshot(quality=replace(a_snapshot().quality, unknown=99)))
            message = await news(screen)
            while "quality-counts" not in message["props"]:
                message = await news(screen)
            assert message["stale_ms"] is None

    asyncio.run(story())


def test_a_client_that_never_reads_is_dropped_and_holds_little():
    backend = FakeBackend()
    many = tuple(an_incident(i, title="长" * 300) for i in range(40))
    pace = Pace(poll_s=0.005, beat_s=0.2, send_timeout_s=1.0, rest_share=0)
    with serving(backend, pace=pace) as server:
        lazy = [connected(server, buffer=4096) for _ in range(5)]
        wait(lambda: server.hub.counters.screens == 5)
        before, screens = rss_mb(), [5]

        deadline = time.monotonic() + 30
        while screens[-1] and time.monotonic() < deadline:
            kind = {"zh": f"第 {len(screens)} 次", "en": "n"}
            backend.show(a_snapshot(open=tuple(replace(i, kind_names=kind) for i in many)))
            time.sleep(0.02)
            screens.append(server.hub.counters.screens)

        assert screens[-1] == 0
        assert rss_mb() - before < 30
        for client in lazy:
            client.close()


def test_a_thousand_connects_and_drops_leave_nothing_behind():
    backend = FakeBackend()
    with serving(backend, pace=Pace(beat_s=0.2)) as server:
        for _ in range(20):
            connected(server).close()
        wait(lambda: server.hub.counters.screens == 0)
        files, threads = open_files(), threading.active_count()

        for _ in range(1000):
            connected(server).close()
        wait(lambda: server.hub.counters.screens == 0)

        assert server.hub.watching() == {}
        wait(lambda: open_files() <= files + 5)
        assert threading.active_count() <= threads + 2
        assert server.tasks() < 20


def test_five_thousand_open_incidents_are_counted_and_do_not_swell_the_stream(tmp_path):
    installation = an_installation(tmp_path)
    calls = [a_call(f"A-{n}", reported=n / 100, title="长" * 300) for n in range(5000)]
    for start in range(0, len(calls), 500):
        taken_in(installation, *calls[start : start + 500], now=at(60))
    backend = Live(installation, clock=ManualClock(at(100)))

    async def story():
        async with running(backend) as hub:
            screen = hub.join(ZH)
            message = await screen.next()
            while read(message)["event"] == "beat":
                message = await screen.next()
            return message

    message = asyncio.run(story())

    assert "5000" in json.dumps(read(message)["props"]["open-heading"])
    assert len(gzip.compress(message)) < MOST_FIRST_STATE
    installation.store.close()


def test_a_street_without_any_source_is_an_empty_wall(tmp_path):
    config = a_file(tmp_path / "empty.toml", AREA.format(zone="Asia/Shanghai"))
    settings = load({"GRID135_DATA": str(tmp_path / "data")}, str(config))
    installation = open_installation(settings, replayed=False)
    backend = Live(installation)

    async def story():
        async with running(backend) as hub:
            message = await news(hub.join(ZH))
            assert message["stale_ms"] is None
            unavailable = [
                leaf
                for leaf, body in message["props"].items()
                if leaf.endswith("-notice") and body != {"children": None}
            ]
            assert unavailable == []

    asyncio.run(story())
    installation.store.close()
