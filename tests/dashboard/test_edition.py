"""Which pages load themselves anew, and what a screen may ask to look after itself."""

import asyncio
import time

import httpx
import pytest

from dashboard.hub import Pace
from dashboard.views import View
from tests.dashboard.builders import FakeBackend
from tests.dashboard.serving import serving
from tests.dashboard.test_hub import ZH, news, running


@pytest.fixture(scope="module")
def server():
    with serving(FakeBackend(), pace=Pace(beat_s=0.2)) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    with httpx.Client(base_url=server.url, timeout=10, trust_env=False) as client:
        yield client


def test_walls_hear_that_they_were_told_to_load_anew_and_nobody_else_does():
    async def story():
        backend = FakeBackend()
        backend.mark = "m1"
        async with running(backend) as hub:
            wall = await news(hub.join(ZH))
            other = await news(hub.join(View(page="sources", language="zh")))

            assert wall["build"] == "b1+s1+m1"
            assert "m1" not in other["build"]

    asyncio.run(story())


def test_the_time_signal_gives_the_real_time_also_in_a_replay(client):
    before = time.time() * 1000

    answer = client.get("/time")

    assert before - 1 <= answer.json()["real_ms"] <= time.time() * 1000 + 1
    assert answer.headers["cache-control"] == "no-store"


def test_health_says_how_many_screens_show_each_page(server, client):
    with client.stream("GET", "/stream?page=wall&lang=en") as one:
        lines = one.iter_lines()  # kept: what is thrown away ends its stream
        next(lines)
        with httpx.stream("GET", f"{server.url}/stream?page=wall", trust_env=False) as other:
            more = other.iter_lines()
            next(more)

            answer = client.get("/health").json()

    assert answer["watching"] == {"wall": 2}
    assert answer["screens"] == 2
