"""A flood of connections keeps nobody out who has something to say."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboard.connections import connections
from tests.pipelines.pushing import serving
from tests.processes import until

MOST = 3


class Site:
    """A server that answers at once, or at ``/slow`` when it is let."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.let = threading.Event()
        self.begun = 0
        routes = [Route("/", self._quick, methods=["GET", "POST"]), Route("/slow", self._slow)]
        url = stack.enter_context(serving(Starlette(routes=routes), http=connections(MOST)))
        stack.callback(self.let.set)
        host, _, port = url.removeprefix("http://").partition(":")
        self._address = host, int(port)

    async def _quick(self, _: Request) -> Response:
        return PlainTextResponse("done")

    async def _slow(self, _: Request) -> Response:
        self.begun += 1
        await asyncio.to_thread(self.let.wait)
        return PlainTextResponse("done")

    def connect(self) -> socket.socket:
        return self._stack.enter_context(
            closing(socket.create_connection(self._address, timeout=20))
        )

    def ask(self, path: str = "/") -> socket.socket:
        peer = self.connect()
        say(peer, path)
        return peer


def say(peer: socket.socket, path: str = "/") -> None:
    peer.sendall(f"GET {path} HTTP/1.1\r\nHost: t\r\n\r\n".encode())


def told(peer: socket.socket) -> bytes:
    """The answer; nothing when the connection was ended without one."""
    said = b""
    try:
        while not said.endswith(b"done") and (part := peer.recv(4000)):
            said += part
    except ConnectionError:
        pass
    return said


@pytest.fixture
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack)


def test_who_never_speaks_makes_room_for_who_does(site: Site):
    mute = [site.connect() for _ in range(MOST + 2)]

    answer = told(site.ask())

    assert answer.startswith(b"HTTP/1.1 200")
    assert [told(peer) for peer in mute[:3]] == [b"", b"", b""]


def test_half_a_request_is_no_reason_to_stay(site: Site):
    for _ in range(MOST):
        site.connect().sendall(b"POST / HTTP/1.1\r\nHost:")

    assert told(site.ask()).startswith(b"HTTP/1.1 200")


def test_who_was_silent_for_longest_goes_first(site: Site):
    peers = []
    for _ in range(MOST):
        peers.append(site.ask())
        assert told(peers[-1])
    say(peers[0])
    assert told(peers[0])

    assert told(site.ask()).startswith(b"HTTP/1.1 200")

    assert told(peers[1]) == b""
    say(peers[0])
    assert told(peers[0]).startswith(b"HTTP/1.1 200")


def test_a_request_that_is_under_way_is_never_given_up(site: Site):
    peers = [site.ask("/slow") for _ in range(MOST)]
    assert until(lambda: site.begun == MOST)

    turned_away = told(site.ask())

    assert turned_away == b""
    site.let.set()
    assert all(told(peer).startswith(b"HTTP/1.1 200") for peer in peers)
    assert told(site.ask()).startswith(b"HTTP/1.1 200")
