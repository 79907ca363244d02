"""Tiles of an internal server under the map, as the guarded site lets them through."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.access.guard import Guard, content_policy
from dashboard.hub import Pace
from dashboard.server import create_app
from dashboard.tokens import colours
from pipelines.geo.backdrop import TileSettings
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


def a_vector_tile() -> bytes:
    """A park all over, water over it, and a road down the middle, named as by OpenMapTiles."""
    whole = (_command(1, 1), *_steps((-64, -64)), _command(2, 3))
    whole = (*whole, *_steps((4224, 0), (0, 4224), (-4224, 0)), _command(7, 1))
    down = (_command(1, 1), *_steps((2048, 0)), _command(2, 1), *_steps((0, 4096)))
    area, line = 3, 2
    layers = (("park", area, whole), ("water", area, whole), ("transportation", line, down))
    return b"".join(_field(3, _layer(*layer)) for layer in layers)


def _layer(name: str, kind: int, geometry: tuple[int, ...]) -> bytes:
    """One feature in a layer, by the Mapbox Vector Tile specification 2.1."""
    feature = _number(3, kind) + _field(4, b"".join(map(_varint, geometry)))
    return _number(15, 2) + _field(1, name.encode()) + _field(2, feature) + _number(5, 4096)


def _command(what: int, times: int) -> int:
    """1 is to move, 2 to draw a line, 7 to close the ring."""
    return what | times << 3


def _steps(*by: tuple[int, int]) -> tuple[int, ...]:
    """Steps right and down, their signs in the lowest bit."""
    return tuple((n << 1) ^ (n >> 31) for step in by for n in step)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    head = bytearray()
    while value > 0x7F:
        head.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*head, value])


class TileServer:
    """An internal tile server that another host than ours is asked for; it can fail."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = False
        images = Route("/{z}/{x}/{y}.png", self._image)
        vectors = Route("/{z}/{x}/{y}.pbf", self._vector)
        self._server = Server(FakeBackend(), app=Starlette(routes=[images, vectors]))
        self.settings = TileSettings(url=f"{self._server.url}/{{z}}/{{x}}/{{y}}.png", max_zoom=16)

    def of_vectors(self) -> TileSettings:
        """The same server, as one that sends vector tiles."""
        url = self.settings.url.replace(".png", ".pbf")
        return self.settings.model_copy(update={"url": url, "kind": "vector"})

    def stop(self) -> None:
        self._server.stop()

    async def _image(self, request: Request) -> Response:
        return self._tile(request, a_png(RED), "image/png")

    async def _vector(self, request: Request) -> Response:
        return self._tile(request, a_vector_tile(), "application/x-protobuf")

    def _tile(self, request: Request, body: bytes, kind: str) -> Response:
        self.asked.append(request.url.path)
        allow = {"Access-Control-Allow-Origin": "*"}
        if self.fails:
            return Response("not today", 503, headers=allow)
        return Response(body, media_type=kind, headers=allow)


@pytest.fixture
def tiles() -> Iterator[TileServer]:
    server = TileServer()
    yield server
    server.stop()


@pytest.fixture
def site(tiles: TileServer, backend: FakeBackend) -> Iterator[Server]:
    """The screens behind their guard, on ground from the tile server."""
    # the browser may have been at this port before, and keeps what has a version
    version = f"images-{urlsplit(tiles.settings.url).port}"
    backend.ground = replace(backend.ground, tiles=tiles.settings, version=version)
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


def test_vector_tiles_are_drawn_in_our_colours(site, tiles, backend, open_screen):
    version = f"vectors-{urlsplit(tiles.settings.url).port}"
    backend.ground = replace(backend.ground, tiles=tiles.of_vectors(), version=version)
    screen = open_screen(site, "zh", SIZES["hd"])
    screen.wait_for_map()

    drawn = screen.page.evaluate(
        "() => grid135.grids.map().queryRenderedFeatures().map((f) => f.layer.id)"
    )
    red, green, blue, _ = screen.page.evaluate(PIXEL)

    assert {path.rpartition(".")[2] for path in tiles.asked} == {"pbf"}
    assert {"tiles-park", "tiles-water", "tiles-roads", "grids"} <= set(drawn)
    water = bytes.fromhex(colours()["map-water"].removeprefix("#"))
    assert (red, green, blue) == pytest.approx(tuple(water), abs=3)


def test_without_its_tile_server_the_map_still_shows_grids_and_incidents(site, tiles, open_screen):
    tiles.fails = True
    screen = open_screen(site, "zh", SIZES["hd"])

    screen.page.wait_for_function(
        "() => grid135.grids.map()?.querySourceFeatures('grids').length >= 72", timeout=30_000
    )
    assert screen.page.locator(".mark").count() == 6
    assert [complaint for complaint in screen.complaints if "503" not in complaint] == []
    screen.complaints.clear()
