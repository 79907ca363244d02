"""From a record that is committed to the pixel that shows it, in a real browser.

Method: a store with a day of history serves the wall on 127.0.0.1 to Chromium (1920 × 1080, its
map drawn in software). New incidents go in through the door one at a time; the clock starts when
the door has committed. The page notes when its count of open incidents has changed and the next
frame has been handed to the screen (an animation frame and a task after it), ``p50_ms`` and
``p95_ms``; and when the map's next frame has been, ``map_p95_ms``. With ``--screens N``,
N - 1 more clients in another process read the same view. The baseline sends the same bytes over
an event stream of its own to a bare page in the same browser, which sets one text without Dash.
With ``--workers N --clients M`` no browser takes part: see :mod:`benchmarks.streams`.
``first_paint_ms`` is how long after the navigation began a browser without a cache shows the words
of the first state, the middle one of three; ``first_map_ms`` the same for the map.
"""

import argparse
import asyncio
import gzip
import json
import multiprocessing
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from benchmarks import streams
from benchmarks.changes import VIEW, commit, percentile
from benchmarks.ingest import open_here, write_input
from dashboard.server import create_app
from pipelines.installation import Installation
from pipelines.roles.live import Live

HISTORY = 2000
PAUSE_S = 0.35
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
    "--disable-gpu-rasterization",
]
WATCH = """selector => {
    window.seen = [];
    window.drawn = [];
    const now = () => performance.timeOrigin + performance.now();
    const box = document.querySelector(selector);
    const note = () => {
        const count = parseInt((box.querySelector('.open__total') || box).textContent);
        requestAnimationFrame(() => setTimeout(() => seen.push([count, now()]), 0));
    };
    new MutationObserver(note).observe(
        box, {childList: true, subtree: true, characterData: true});
    // the map's frame, once it is handed to the screen like that of the words
    window.grid135?.grids.map()?.on('render', () => {
        requestAnimationFrame(() => setTimeout(() => drawn.push(now()), 0));
    });
}"""
FIRST_PAINT = """(() => {
    const look = () => {
        const ready = document.body && document.querySelector('main > *') &&
            !document.body.classList.contains('is-connecting');
        if (!ready) return requestAnimationFrame(look);
        const shown = () => { window.firstPaint = performance.now(); };
        requestAnimationFrame(() => setTimeout(shown, 0));
    };
    look();
})()"""
MAP_IS_DRAWN = """() => document.querySelector('.js-plotly-plot')?._fullLayout?.map?._subplot
    ?.map?.loaded()"""
BARE_PAGE = """<!doctype html><p id="n"></p><script>
new EventSource("/raw/stream").onmessage = (event) => {
    document.getElementById("n").textContent = JSON.parse(event.data).n;
};
</script>"""


class Bare:
    """The baseline: an event stream with nothing behind it, and a page that sets one text."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.app = Starlette(
            routes=[Route("/raw/", self._page), Route("/raw/stream", self._stream)]
        )

    def push(self, message: bytes) -> None:
        """Send one message to the page; from any thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._queue.put_nowait, message)

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(BARE_PAGE)

    async def _stream(self, _: Request) -> Response:
        self._loop = asyncio.get_running_loop()

        async def messages() -> AsyncIterator[bytes]:
            yield b'data: {"n": 0}\n\n'
            while True:
                yield await self._queue.get()

        return StreamingResponse(messages(), media_type="text/event-stream")


class Listener(threading.Thread):
    """One more client, to see what goes over the wire."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.messages: list[bytes] = []

    def run(self) -> None:
        """Keep every message with content, until the server goes away."""
        try:
            with httpx.stream("GET", self._url, timeout=None, trust_env=False) as response:
                for line in response.iter_lines():
                    if line.startswith("data: ") and '"props"' in line:
                        self.messages.append(line.encode())
        except httpx.HTTPError:
            return


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--screens", type=int, default=1)
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--workers", type=int, default=1, help="web workers behind a proxy")
    parser.add_argument("--clients", type=int, default=500, help="of several workers")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    options = parser.parse_args()
    if not options.json:
        print(__doc__)
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_input(folder, HISTORY)
        if options.workers > 1:
            found = streams.measure(
                folder, workers=options.workers, clients=options.clients, updates=options.updates
            )
            print(json.dumps(found))
            return
        print(json.dumps(measure(folder, options.screens, options.updates)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What one series of updates took: per update in milliseconds, or in all."""

    words: list[float]
    map: list[float]
    cpu_ms: float
    draws: int


def measure(folder: Path, screens: int, updates: int) -> dict[str, Any]:
    """Start everything, measure alone and with the other screens, and the baseline."""
    installation = open_here(folder, "latency")
    installation.pull(installation.sources[0], now=datetime.now(UTC))
    bare = Bare()
    app = create_app(Live(installation), build="bench")
    with serving(app) as url, serving(bare.app) as bare_url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        paints = first_paints(browser, url)
        page = open_wall(browser.new_page(viewport={"width": 1920, "height": 1080}), url)
        listener = Listener(url + VIEW)
        listener.start()
        series = Series(page, installation, lambda: int(app.state.hub.counters.draws))
        series.run(5)
        alone = shown = series.run(updates)
        if screens > 1:
            with extra_screens(url, screens - 1):
                shown = series.run(updates)
        page.close()
        sizes = wire_sizes(listener.messages)
        raw = baseline(browser.new_page(), bare, bare_url, sizes["update_bytes"], updates)
        browser.close()
    extra = (shown.cpu_ms - alone.cpu_ms) / updates / (screens - 1) if screens > 1 else None
    return {
        "benchmark": "latency",
        "screens": screens,
        "updates": updates,
        "p50_ms": percentile(shown.words, 0.5),
        "p95_ms": percentile(shown.words, 0.95),
        "map_p50_ms": percentile(shown.map, 0.5),
        "map_p95_ms": percentile(shown.map, 0.95),
        "raw_p50_ms": percentile(raw, 0.5),
        "raw_p95_ms": percentile(raw, 0.95),
        "draws_per_change": round(shown.draws / updates, 2),
        "server_cpu_ms_per_update": round(shown.cpu_ms / updates, 2),
        "cpu_ms_per_extra_screen": None if extra is None else round(extra, 3),
        **paints,
        **sizes,
    }


def open_wall(page: Page, url: str) -> Page:
    """The wall, complete with its map."""
    page.goto(f"{url}/wall?lang=en")
    page.wait_for_selector("body:not(.is-connecting)", timeout=30_000)
    page.wait_for_function(MAP_IS_DRAWN, timeout=30_000)
    page.evaluate(WATCH, "#open-heading")
    return page


def first_paints(browser: Browser, url: str, times: int = 3) -> dict[str, float]:
    """How long a browser that has never been here takes to show the wall, the middle one."""
    words, maps = [], []
    for _ in range(times):
        with browser.new_context(viewport={"width": 1920, "height": 1080}) as context:
            page = context.new_page()
            page.add_init_script(FIRST_PAINT)
            page.goto(f"{url}/wall?lang=en")
            page.wait_for_function("() => window.firstPaint", timeout=30_000)
            words.append(page.evaluate("() => window.firstPaint"))
            page.wait_for_function(MAP_IS_DRAWN, timeout=30_000)
            maps.append(page.evaluate("() => performance.now()"))
    return {"first_paint_ms": percentile(words, 0.5), "first_map_ms": percentile(maps, 0.5)}


class Series:
    """Commits incidents, each with a number, and collects when the page showed that number."""

    def __init__(self, page: Page, installation: Installation, draws: Callable[[], int]) -> None:
        self._page = page
        self._installation = installation
        self._draws = draws
        self._number = 0

    def run(self, updates: int) -> Run:
        """One incident after the other, with a pause between them."""
        self._page.evaluate("() => { seen.length = 0; drawn.length = 0; }")
        cpu, draws, committed = time.process_time(), self._draws(), {}
        for _ in range(updates):
            self._number += 1
            committed[self._number] = commit(self._installation, self._number)
            time.sleep(PAUSE_S)
        self._page.wait_for_timeout(1500)
        cpu, draws = time.process_time() - cpu, self._draws() - draws
        seen, drawn = self._page.evaluate("() => [seen, drawn]")
        words, maps = [], []
        for number, at in committed.items():
            shown = min(t for count, t in seen if count >= number)
            words.append(shown - at)
            maps.append(min((t for t in drawn if t >= shown), default=shown) - at)
        return Run(words=words, map=maps, cpu_ms=cpu * 1000, draws=draws)


def baseline(page: Page, bare: Bare, url: str, size: int, updates: int) -> list[float]:
    """The same number of bytes to a page that only sets one text."""
    page.goto(f"{url}/raw/")
    page.wait_for_function("() => document.getElementById('n').textContent === '0'")
    page.evaluate(WATCH, "#n")
    pushed = {}
    for number in range(1, updates + 1):
        message = json.dumps({"n": number, "padding": "x" * size})
        pushed[number] = time.time() * 1000
        bare.push(f"data: {message}\n\n".encode())
        time.sleep(0.05)
    page.wait_for_timeout(500)
    seen = page.evaluate("() => seen")
    return [min(t for count, t in seen if count >= n) - at for n, at in pushed.items()]


def wire_sizes(messages: list[bytes]) -> dict[str, int]:
    """Bytes of the first state and of the middle update, plain and compressed."""
    first, *updates = messages
    middle = sorted(updates, key=len)[len(updates) // 2]
    return {
        "first_state_bytes": len(first),
        "first_state_bytes_gzip": len(gzip.compress(first)),
        "update_bytes": len(middle),
        "update_bytes_gzip": len(gzip.compress(middle)),
    }


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """An application on a free port of this machine, for as long as the block lasts."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", timeout_graceful_shutdown=0
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the server did not start")
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


@contextmanager
def extra_screens(url: str, count: int) -> Iterator[None]:
    """More clients of the same view, in a process of their own."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_read_all, args=(url, count, ready), daemon=True)
    process.start()
    assert ready.wait(60), "the other screens did not connect"
    yield
    process.terminate()
    process.join()


def _read_all(url: str, count: int, ready: Any) -> None:
    async def read(port: int) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {VIEW} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        await reader.read(1)
        return reader

    async def drain(reader: asyncio.StreamReader) -> None:
        while await reader.read(65_536):
            pass

    async def everyone() -> None:
        port = int(url.rsplit(":", 1)[1])
        readers = [await read(port) for _ in range(count)]
        ready.set()
        await asyncio.gather(*(drain(reader) for reader in readers))

    asyncio.run(everyone())


if __name__ == "__main__":
    main()
