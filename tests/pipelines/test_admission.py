"""Emergencies are let past whoever else pushes, who waits in order and loses nothing."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from starlette.applications import Starlette

from pipelines.clock import ManualClock
from pipelines.connectors.listener import Line, Push, Receiver, Reply
from pipelines.door.admission import InTurn
from pipelines.door.gateway import Gateway, SourceLine
from pipelines.door.receiving import Pushed, ingest_route
from pipelines.feeds.health import Health
from pipelines.installation import open_installation
from pipelines.settings import load
from pipelines.store import schema
from tests.builders import at
from tests.pipelines.connectors.platforms import a_push, a_source
from tests.pipelines.installations import a_config, content, the_grids
from tests.pipelines.pushing import SECRET, VARIABLE, serving
from tests.processes import until

AT_ONCE, MOST_WAITING, MOST_BYTES = 2, 3, 4000


class Latched:
    """A receiver that works on nothing before it is opened."""

    def __init__(self, receiver: Receiver) -> None:
        self.max_body = receiver.max_body
        self._receiver = receiver
        self.open = threading.Event()
        self.begun: list[str] = []
        self.at_work = 0
        self.most_at_work = 0

    async def receive(self, push: Push, line: Line) -> Reply:
        self.begun.append(json.loads(push.body)["device"])
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await asyncio.to_thread(self.open.wait)
            return await self._receiver.receive(push, line)
        finally:
            self.at_work -= 1


class Town:
    """A server with a source of alarms and one of meters, whose receiver is latched."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        the_grids(folder)
        config = a_config(folder, more=a_source("alarms") + a_source("meters"))
        environ = {"GRID135_DATA": str(folder / "data"), VARIABLE: SECRET}
        self.installation = open_installation(load(environ, str(config)), replayed=False)
        stack.callback(self.installation.store.close)
        clock = ManualClock(at(100))
        gateway = Gateway(self.installation.door, clock)
        gateway.start()
        stack.callback(gateway.stop)
        sources = {source.id: source for source in self.installation.sources}
        lines = {
            name: SourceLine(sources[name], gateway, Health(), clock)
            for name in ("alarms", "meters")
        }
        alarms, meters = sources["alarms"].receiver, sources["meters"].receiver
        assert alarms is not None
        assert meters is not None
        self.meters = Latched(meters)
        self.crowd = InTurn(at_once=AT_ONCE, most_waiting=MOST_WAITING, most_bytes=MOST_BYTES)
        route = ingest_route(
            {
                "alarms": Pushed(alarms, lines["alarms"], is_urgent=True),
                "meters": Pushed(self.meters, lines["meters"], is_urgent=False),
            },
            others=self.crowd,
        )
        self._stack = stack
        url = stack.enter_context(serving(Starlette(routes=[route])))
        # whoever fails in between must not keep the server from its end
        stack.callback(self.meters.open.set)
        host, _, port = url.removeprefix("http://").partition(":")
        self._address = host, int(port)

    def push(self, source: str, device: str, *, body_bytes: int = 0) -> socket.socket:
        """Send a push; its answer is read from what is returned."""
        body = json.dumps(a_push(device)).encode().ljust(body_bytes)
        peer = self.connect()
        peer.sendall(a_head(source, len(body)) + body)
        return peer

    def connect(self) -> socket.socket:
        return self._stack.enter_context(
            closing(socket.create_connection(self._address, timeout=20))
        )

    def full(self) -> list[socket.socket]:
        """Have as many meters worked on as may, and as many wait as may, one after the other."""
        peers = []
        for number in range(1, AT_ONCE + MOST_WAITING + 1):
            peers.append(self.push("meters", f"M-{number}"))
            assert until(
                lambda number=number: len(self.meters.begun) + self.crowd.waiting == number
            )
        return peers

    def stored(self) -> set[str]:
        """The devices of which something is on disk."""
        at = [column.name for column in schema.device.c].index("device")
        return {row[at] for row in content(self.installation.store, "device")["device"]}


def a_head(source: str, length: int) -> bytes:
    said = (
        f"POST /ingest/{source} HTTP/1.1",
        "Host: t",
        f"Authorization: Bearer {SECRET}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    )
    return "\r\n".join((*said, "", "")).encode()


def answer(peer: socket.socket) -> bytes:
    """What a peer is told, from the first line on."""
    return peer.recv(4000)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as stack:
        yield Town(tmp_path, stack)


def test_an_urgent_push_is_answered_while_all_others_wait(town: Town):
    town.full()

    told = answer(town.push("alarms", "S-1"))

    assert told.startswith(b"HTTP/1.1 200")
    assert town.stored() == {"S-1"}
    assert town.meters.begun == ["M-1", "M-2"]


def test_who_waits_gets_in_afterwards_in_order_a_few_at_a_time(town: Town):
    peers = town.full()

    town.meters.open.set()
    told = [answer(peer) for peer in peers]

    assert all(one.startswith(b"HTTP/1.1 200") for one in told)
    assert town.meters.begun == [f"M-{n}" for n in range(1, 6)]
    assert town.meters.most_at_work == AT_ONCE
    assert town.stored() == {f"M-{n}" for n in range(1, 6)}
    assert town.crowd.waiting == 0


def test_where_too_many_wait_one_more_is_told_to_come_again_and_does(town: Town):
    peers = town.full()

    refused = town.push("meters", "M-6")
    told = answer(refused)

    assert told.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 5" in told
    town.meters.open.set()
    assert all(answer(peer).startswith(b"HTTP/1.1 200") for peer in peers)
    assert answer(town.push("meters", "M-6")).startswith(b"HTTP/1.1 200")
    assert "M-6" in town.stored()


def test_the_bodies_that_wait_are_no_more_than_there_is_memory_for(town: Town):
    town.push("meters", "M-1", body_bytes=MOST_BYTES // 2)
    assert until(lambda: town.meters.begun == ["M-1"])

    told = answer(town.push("meters", "M-2", body_bytes=MOST_BYTES // 2 + 1))

    assert told.startswith(b"HTTP/1.1 503")
    town.meters.open.set()
    assert until(lambda: town.meters.at_work == 0)
    again = answer(town.push("meters", "M-2", body_bytes=MOST_BYTES // 2 + 1))
    assert again.startswith(b"HTTP/1.1 200")


def test_who_sends_a_body_slowly_takes_nobodys_place(town: Town):
    for _ in range(AT_ONCE + MOST_WAITING + 1):
        town.connect().sendall(a_head("meters", 1000) + b"{")
    town.meters.open.set()

    assert answer(town.push("meters", "M-1")).startswith(b"HTTP/1.1 200")


def test_who_hangs_up_while_waiting_is_not_worked_on(town: Town):
    peers = town.full()

    peers[-1].close()
    assert answer(town.push("alarms", "S-1")).startswith(b"HTTP/1.1 200")
    town.meters.open.set()
    told = [answer(peer) for peer in peers[:-1]]

    assert all(one.startswith(b"HTTP/1.1 200") for one in told)
    assert until(lambda: town.crowd.waiting == 0)
    assert "M-5" not in town.meters.begun
