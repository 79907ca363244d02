"""A real Chromium on a real server. A page that complains, or looks outside, fails its test."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import product
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from dashboard.backend import Backend
from dashboard.hub import Pace
from tests.dashboard.builders import FakeBackend
from tests.dashboard.serving import Server, serving

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
    "--process-per-site",
]
SIZES = {"hd": (1920, 1080), "4k": (3840, 2160), "wide": (5760, 1080)}
EVERY_SCREEN = bool(os.environ.get("EVERY_SCREEN"))
"""Look at each language at each size, in each theme: that takes some minutes more."""
SCREENS = (
    list(product(("zh", "en"), SIZES))
    if EVERY_SCREEN
    else [("zh", "hd"), ("en", "4k"), ("zh", "wide")]
)
"""Language and size: each at least once."""

Serve = Callable[[Backend], Server]
Open = Callable[..., "Screen"]


class Screen:
    """One open page and what it complained about."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.complaints: list[str] = []
        self.may_lose_the_server = False
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error.stack or error}"))
        page.on("console", self._console)
        page.on("request", lambda request: self._request(request.url))

    def show(self, language: str = "zh") -> None:
        """Open the wall and wait until the map is drawn."""
        self.page.goto(f"{self.server.url}/wall?lang={language}", timeout=60_000)
        self.page.wait_for_selector("body:not(.is-connecting)", timeout=30_000)

    def wait_for_map(self) -> None:
        """Wait until every tile of the map is on the screen."""
        self.page.wait_for_function(
            """() => {
                const map = document.querySelector('#map-figure .js-plotly-plot')
                    ?._fullLayout?.map?._subplot?.map;
                return map && map.loaded() && map.areTilesLoaded();
            }""",
            timeout=30_000,
        )

    def wait_for_scene(self, scene: str, theme: str | None = None) -> None:
        """Wait until the wall shows a scene, in a theme if one is given."""
        self.page.wait_for_function(
            "([s, t]) => document.documentElement.dataset.scene === s"
            " && (t === null || document.documentElement.dataset.theme === t)",
            arg=[scene, theme],
            timeout=10_000,
        )

    def text(self, selector: str) -> str:
        """What a part of the page says."""
        return self.page.inner_text(selector)

    def wait_for_text(self, selector: str, text: str, timeout_s: float = 10) -> None:
        """Wait until a part of the page says something."""
        self.page.wait_for_function(
            "([s, t]) => document.querySelector(s)?.innerText.includes(t)",
            arg=[selector, text],
            timeout=timeout_s * 1000,
        )

    def _console(self, message: ConsoleMessage) -> None:
        lost = "ERR_CONNECTION_REFUSED" in message.text or "net::ERR_" in message.text
        if message.type == "error" and not (lost and self.may_lose_the_server):
            self.complaints.append(f"console: {message.text}")

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.complaints.append(f"request to another host: {url}")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One Chromium for all browser tests; it ends with them, as it holds an event loop."""
    executable = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if executable is None:
        missing = "chromium is not installed (make browser installs it)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers for any backend; they stop with the test."""
    with ExitStack() as stack:

        def start(backend: Backend) -> Server:
            return stack.enter_context(serving(backend, pace=Pace(beat_s=0.5)))

        yield start


@pytest.fixture(scope="package")
def warm(chromium: Browser) -> Iterator[BrowserContext]:
    """Pages of one process that stays, with all it has compiled: a wall opens a third sooner."""
    with chromium.new_context() as context, serving(FakeBackend()) as server:
        context.new_page().goto(f"{server.url}/health")
        yield context


@pytest.fixture
def open_screen(warm: BrowserContext) -> Iterator[Open]:
    """Open screens on a server; at the end none may have complained, or be remembered."""
    screens: list[Screen] = []

    def open_one(
        server: Server, language: str = "zh", size: tuple[int, int] = SIZES["hd"], script: str = ""
    ) -> Screen:
        page = warm.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        if script:
            page.add_init_script(script)
        screen = Screen(page, server)
        screens.append(screen)
        screen.show(language)
        return screen

    yield open_one
    complaints = [complaint for screen in screens for complaint in screen.complaints]
    for screen in screens:
        forget(warm, screen)
    assert complaints == []


def forget(context: BrowserContext, screen: Screen) -> None:
    """Close a screen, with all that its page has kept."""
    session = context.new_cdp_session(screen.page)
    kept = {"origin": screen.server.url, "storageTypes": "local_storage,indexeddb,cookies"}
    session.send("Storage.clearDataForOrigin", kept)
    screen.page.close()


@pytest.fixture
def backend() -> FakeBackend:
    """The made-up street."""
    return FakeBackend()
