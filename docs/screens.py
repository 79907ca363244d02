"""Photographs the wall for the documentation: ``make screens`` writes docs/screens/.

The demo street is played, with its seed, on a clock that is set by hand: a Tuesday evening on which
two smoke alarms come within a minute (emergency), the minutes after it (busy), without the server
(lost), and the night after it (calm). Each state is a moment at which the clock stands still: all
pictures of it show the same figures. The same seed and the same code give the same pictures,
except for how long ago each source was heard.

``--all FOLDER`` takes every state in every size, language and theme instead, to look through.
"""

import argparse
import base64
import logging
import shutil
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from dashboard.hub import Pace  # noqa: E402 - the project is found by the line above
from pipelines.clock import ManualClock  # noqa: E402
from pipelines.snapshot import Snapshot  # noqa: E402
from tests.browser.conftest import FLAGS, SIZES  # noqa: E402
from tests.dashboard.serving import Server, serving  # noqa: E402
from tests.pipelines.demo.playing import Playing, playing  # noqa: E402

OUT = ROOT / "docs" / "screens"
EVENING = datetime(2026, 11, 24, 9, 56, 40, tzinfo=UTC)
"""Four minutes to six on the street, twenty seconds before the first alarm."""
STEP = timedelta(seconds=5)
PAUSE_S = 0.5
"""After each step, for the parts of the street and the product to do what is due."""
PATIENCE_S = 900.0
NIGHT = datetime(2026, 11, 24, 18, 3, tzinfo=UTC)
"""Two o'clock in the morning."""
DEMO = {"speed": 1, "trouble": 0}
MAP_IS_DRAWN = """() => { const map = window.grid135?.grids?.map();
    return map && map.loaded() && map.areTilesLoaded() && grid135.grids.stats.coloured > 0; }"""
PIXELS = """async (png) => {
    const file = await fetch('data:image/png;base64,' + png);
    const image = await createImageBitmap(await file.blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const rgba = context.getImageData(0, 0, image.width, image.height).data;
    let text = '';
    for (let i = 0; i < rgba.length; i += 32768) {
        text += String.fromCharCode(...rgba.subarray(i, i + 32768));
    }
    return btoa(text);
}"""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture: its file name, what the wall is asked for, and the size of the screen."""

    name: str
    language: str = "zh"
    size: str = "hd"
    theme: str = "dark"
    scene: str = "overview"


BUSY = (
    Shot(name="busy-zh"),
    Shot(name="busy-en-light", language="en", theme="light"),
    Shot(name="busy-zh-wide", size="wide"),
    Shot(name="fire-en", language="en", scene="fire"),
    Shot(name="complaints-zh", scene="complaints"),
    Shot(name="figures-zh-light", scene="figures", theme="light"),
    Shot(name="community-en", scene="community", language="en"),
)
EMERGENCY = (
    Shot(name="emergency-zh", scene="incident"),
    Shot(name="emergency-en-4k", scene="incident", language="en", size="4k"),
    Shot(name="emergency-zh-wide", scene="incident", size="wide"),
)
LOST = (Shot(name="lost-zh"), Shot(name="lost-en-light", language="en", theme="light"))
CALM = (Shot(name="calm-night-zh"), Shot(name="calm-night-en-4k", language="en", size="4k"))


@dataclass(frozen=True, kw_only=True)
class Album:
    """Which pictures to take of each state, and where they go."""

    folder: Path
    emergency: tuple[Shot, ...]
    busy: tuple[Shot, ...]
    lost: tuple[Shot, ...]
    calm: tuple[Shot, ...]


CHOSEN = Album(folder=OUT, emergency=EMERGENCY, busy=BUSY, lost=LOST, calm=CALM)
OTHERS = ("fire", "complaints", "figures", "community")


def every(folder: Path) -> Album:
    """Every state and scene in every size, language and theme."""
    busy = (*_each("busy", "overview"), *(shot for name in OTHERS for shot in _each(name, name)))
    return Album(
        folder=folder,
        emergency=_each("emergency", "incident"),
        busy=busy,
        lost=_each("lost", "overview"),
        calm=_each("calm-night", "overview"),
    )


def _each(name: str, scene: str) -> tuple[Shot, ...]:
    return tuple(
        Shot(name=f"{name}-{i}-{size}-{theme}", language=i, size=size, theme=theme, scene=scene)
        for i in ("zh", "en")
        for size in SIZES
        for theme in ("dark", "light")
    )


class Street:
    """The demo street, its wall, and the clock in our hand."""

    def __init__(self, played: Playing, clock: ManualClock, server: Server) -> None:
        self._played = played
        self._clock = clock
        self.server = server

    def go_on(self, until: Callable[[Snapshot], bool]) -> None:
        """Step by step, until what the wall is to show is so."""
        end = time.monotonic() + PATIENCE_S
        while not until(self._played.live.snapshot()):
            if time.monotonic() > end:
                raise RuntimeError(f"it did not come to that: {self._played.state()}")
            self._clock.advance(STEP)
            self.settle(PAUSE_S)
            print(f"{self._clock.now():%a %H:%M:%S}", end="\r", flush=True)

    def settle(self, seconds: float) -> None:
        """Let happen what is due, for as long as nothing else needs."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._played.simulator.tick()
            time.sleep(0.02)

    def take_in_history(self) -> None:
        """Wait until the weeks before are in the store."""
        end = time.monotonic() + PATIENCE_S
        while not self._played.is_quiet():
            if time.monotonic() > end:
                raise RuntimeError(f"the history does not come in: {self._played.state()}")
            self.settle(PAUSE_S)


class Camera:
    """A browser that takes pictures and keeps them small."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self._darkroom = browser.new_page()
        self._darkroom.goto("about:blank")

    @contextmanager
    def screen(self, server: Server, shot: Shot) -> Iterator[Page]:
        """A wall, complete with its map."""
        width, height = SIZES[shot.size]
        page = self._browser.new_page(viewport={"width": width, "height": height})
        page.goto(f"{server.url}/wall?lang={shot.language}&theme={shot.theme}")
        page.wait_for_selector("body:not(.is-connecting)", timeout=60_000)
        page.wait_for_function(
            "(scene) => document.documentElement.dataset.scene === scene", arg=shot.scene
        )
        if shot.scene != "figures":
            page.wait_for_function(MAP_IS_DRAWN, timeout=60_000)
        page.wait_for_timeout(1500)
        yield page
        page.close()

    def keep(self, page: Page, name: str) -> None:
        """Write what a page shows into the album's folder."""
        png = base64.b64encode(page.screenshot()).decode()
        rgba = base64.b64decode(self._darkroom.evaluate(PIXELS, png))
        size = page.viewport_size or {}
        width, height = size["width"], size["height"]
        pixels = np.frombuffer(rgba, np.uint8).reshape(height, width, 4)[:, :, :3]
        file = self._folder / f"{name}.png"
        file.write_bytes(palette_png(pixels))
        print(f"{file.name} {file.stat().st_size // 1024} KB", flush=True)


def palette_png(pixels: "np.ndarray[Any, Any]") -> bytes:
    """A picture in its 256 most frequent colours; a wall has few, and the edges of its letters."""
    height, width, _ = pixels.shape
    flat = pixels.reshape(-1, 3)
    keys = (flat >> 3).astype(np.uint32) @ np.array([1024, 32, 1], np.uint32)
    _, where, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(where, flat[:, i]) for i in range(3)], axis=1)
    colours = sums / counts[:, None]
    chosen = np.argsort(-counts, kind="stable")[:256]
    apart = ((colours[:, None, :] - colours[None, chosen, :]) ** 2).sum(axis=2)
    indices = apart.argmin(axis=1).astype(np.uint8)[where].reshape(height, width)
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = indices
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    palette = colours[chosen].round().astype(np.uint8).tobytes()
    parts = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(rows.tobytes(), 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in (*parts, (b"IEND", b"")))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def main() -> None:
    """Play the street and photograph it."""
    # a clock that stands still makes no poll late
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every combination, into FOLDER")
    wanted = parser.parse_args().all
    album = CHOSEN if wanted is None else every(wanted)
    album.folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        flags = [*FLAGS, "--hide-scrollbars"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        camera = Camera(browser, album.folder)
        for start, photograph in ((EVENING, evening), (NIGHT, night)):
            with a_street(start) as street:
                photograph(street, camera, album)
        browser.close()


@contextmanager
def a_street(start: datetime) -> Iterator[Street]:
    """The street as it is at a moment, with everything that came before."""
    clock = ManualClock(start)
    with (
        TemporaryDirectory() as folder,
        playing(Path(folder), clock=clock, **DEMO) as played,
        serving(played.live, pace=Pace()) as server,
    ):
        street = Street(played, clock, server)
        street.take_in_history()
        yield street


def evening(street: Street, camera: Camera, album: Album) -> None:
    """An emergency, the busy minutes after it, and a server that is lost."""
    street.go_on(lambda seen: len(seen.critical) >= 2)
    street.settle(3)
    for shot in album.emergency:
        take(street, camera, shot)
    street.go_on(lambda seen: not seen.critical)
    for shot in album.busy:
        street.go_on(lambda seen, shot=shot: seen.stage.scene == shot.scene)  # type: ignore[misc]
        take(street, camera, shot)
    street.go_on(lambda seen: seen.stage.scene == "overview")
    for shot in album.lost:
        lose(street, camera, shot)


def night(street: Street, camera: Camera, album: Album) -> None:
    """Nothing happens, and the wall is dimmed."""
    street.go_on(lambda seen: not seen.critical and seen.stage.scene == "overview")
    street.settle(3)
    for shot in album.calm:
        take(street, camera, shot)


def take(street: Street, camera: Camera, shot: Shot) -> None:
    """One picture of the wall as it is."""
    with camera.screen(street.server, shot) as page:
        camera.keep(page, shot.name)


def lose(street: Street, camera: Camera, shot: Shot) -> None:
    """One picture of a wall whose server has been gone for a quarter of a minute."""
    with camera.screen(street.server, shot) as page:
        street.server.stop()
        page.wait_for_timeout(15_000)
        camera.keep(page, shot.name)
    street.server.start()


if __name__ == "__main__":
    main()
