"""Tiles of an internal server under the map, as the guarded site lets them through."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.access.guard import Guard, content_policy
from dashboard.hub import Pace
from dashboard.server import create_app
from pipelines.backdrop import TileSettings
from tests.browser.conftest import SIZES
from tests.dashboard.builders import FakeBackend
from tests.dashboard.serving import Server

pytestmark = pytest.mark.browser

PIXEL = """() => {
    const map = grid135.grids.map(), gl = map.getCanvas().getContext('webgl2');
    return new Promise((done) => {
        map.once('render', () => {
            const rgba = new Uint8Array(4);
            gl.readPixels(30, 30, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
            done([...rgba]);
        });
        map.triggerRepaint();
    });
}"""
RED = (200, 30, 30)


def a_png(colour: tuple[int, int, int], size: int = 256) -> bytes:
    """One colour, as a tile server would send it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = (b"\0" + bytes(colour) * size) * size
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


class TileServer:
    """An internal tile server that another host than ours is asked for; it can fail."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = False
        app = Starlette(routes=[Route("/{z}/{x}/{y}.png", self._tile)])
        self._server = Server(FakeBackend(), app=app)
        self.settings = TileSettings(url=f"{self._server.url}/{{z}}/{{x}}/{{y}}.png", max_zoom=16)

    def stop(self) -> None:
        self._server.stop()

    async def _tile(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        allow = {"Access-Control-Allow-Origin": "*"}
        if self.fails:
            return Response("not today", 503, headers=allow)
        return Response(a_png(RED), media_type="image/png", headers=allow)


@pytest.fixture
def tiles() -> Iterator[TileServer]:
    server = TileServer()
    yield server
    server.stop()


@pytest.fixture
def site(tiles: TileServer, backend: FakeBackend) -> Iterator[Server]:
    """The screens behind their guard, on ground from the tile server."""
    backend.ground = replace(backend.ground, tiles=tiles.settings)
    app = create_app(backend, build="test", pace=Pace(beat_s=0.5))
    policy = content_policy(app.state.script_hashes, tiles=tiles.settings.origin)
    hosts = frozenset({"127.0.0.1"})
    clock = lambda: datetime.now(UTC)  # noqa: E731 - the guard wants a function
    server = Server(backend, app=Guard(app, keeper=None, clock=clock, hosts=hosts, policy=policy))
    yield server
    server.stop()


def test_tiles_of_an_internal_server_lie_under_the_map(site, tiles, open_screen):
    screen = open_screen(site, "zh", SIZES["hd"])
    screen.wait_for_map()

    assert tiles.asked
    red, green, blue, _ = screen.page.evaluate(PIXEL)
    assert (red, green, blue) == pytest.approx(RED, abs=3)


def test_without_its_tile_server_the_map_still_shows_grids_and_incidents(site, tiles, open_screen):
    tiles.fails = True
    screen = open_screen(site, "zh", SIZES["hd"])

    screen.page.wait_for_function(
        "() => grid135.grids.map()?.querySourceFeatures('grids').length >= 72", timeout=30_000
    )
    assert screen.page.locator(".mark").count() == 6
    assert [complaint for complaint in screen.complaints if "503" not in complaint] == []
    screen.complaints.clear()
