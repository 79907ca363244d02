"""User transmission devices over real sockets, and the product that they report to."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from struct import pack
from typing import Any, cast

from pipelines.clock import Clock, ManualClock
from pipelines.connectors.gb26875_tcp.server import Gb26875Tcp
from pipelines.decoders.gb26875.frame import BadFrame, Frame, Header, assemble
from pipelines.decoders.gb26875.framing import Framer
from pipelines.decoders.gb26875.moments import STANDARD, write_moment
from pipelines.door.gateway import Gateway
from pipelines.door.ingest import Delivery
from pipelines.door.receipt import Counts
from pipelines.feeds.health import Health
from pipelines.installation import Installation
from pipelines.roles.listening import Listening
from tests.pipelines.installations import an_installation, content

NOW = datetime(2026, 3, 2, 1, 5, tzinfo=UTC)
"""09:05 in Shanghai."""
PATIENCE_S = 10
CENTRE = 88888
FIRE, NORMAL, FAULT = 0b011, 0b001, 0b101
CONTROL, DATA, CONFIRMED, REQUEST, REPLY, DENIED = 1, 2, 3, 4, 5, 6

SOURCE = """
[sources.alarm]
name = "Fire alarm"
connector = {{ type = "gb26875_tcp", port = {port}{options} }}
decoder = {{ type = "gb26875", kind = "smoke" }}
"""


def a_frame(
    adu: bytes = b"",
    *,
    sequence: int = 1,
    device: int = 889,
    command: int = DATA,
    sent: datetime = NOW,
) -> bytes:
    """A frame of a device, at ``NOW`` unless it says otherwise; without a data unit a heartbeat."""
    return assemble(
        Header(
            sequence=sequence,
            main_version=1,
            user_version=1,
            time=write_moment(sent, STANDARD),
            source=device.to_bytes(6, "little"),
            destination=CENTRE.to_bytes(6, "little"),
            adu_length=0,
            command=command,
        ),
        adu,
    )


def a_status(
    status: int = FIRE,
    *,
    comp_type: int = 40,
    address: int = 10 | 2 << 16,
    said: str = "",
    at: datetime = NOW,
) -> bytes:
    """The data unit with the state of one component; 889/1/1/131082 unless it says otherwise."""
    where = said.encode("gb18030")
    return (
        b"\x02\x01"
        + pack("<BBBIH31s", 1, 1, comp_type, address, status, where)
        + write_moment(at, STANDARD)
    )


def a_fire(number: int = 1, *, device: int = 889, at: datetime = NOW) -> bytes:
    """A frame with a fire of a smoke detector."""
    return a_frame(a_status(at=at), sequence=number, device=device, sent=at)


def damaged(frame: bytes) -> bytes:
    """The frame with a wrong checksum."""
    return frame[:-3] + bytes(((frame[-3] + 1) & 0xFF,)) + frame[-2:]


class Door:
    """The real door, which can be told to refuse."""

    def __init__(self, street: Installation) -> None:
        self._door = street.door
        self.transactions: list[int] = []
        self.refuses: Callable[[bytes], bool] = lambda raw: False
        self.tried = 0
        self.open = threading.Event()
        self.open.set()

    def accept_all(self, deliveries: Sequence[Delivery], *, now: datetime) -> list[Counts]:
        self.open.wait(PATIENCE_S)
        records = [record for _, batch in deliveries for record in batch.records]
        self.tried += len(records)
        if any(self.refuses(record.raw) for record in records):
            raise OSError("no space left on device")
        self.transactions.append(len(records))
        return self._door.accept_all(deliveries, now=now)


class Centre:
    """The product, as far as devices see it."""

    def __init__(self, folder: Path, options: str = "", *, clock: Clock | None = None) -> None:
        self.street = an_installation(folder, more=SOURCE.format(port=0, options=options))
        self.source = self.street.sources[1]
        self.connector = cast(Gb26875Tcp, self.source.connector)
        self.door = Door(self.street)
        self.health = Health()
        self.clock = clock or ManualClock(NOW)
        self._gateway = Gateway(cast(Any, self.door), self.clock)
        self._listening = Listening(self._gateway, self.health, self.clock)

    def start(self) -> None:
        self._gateway.start()
        self._listening.start()
        self._listening.take(self.source)

    def stop(self) -> None:
        self._listening.stop()
        self._gateway.stop()
        self.street.store.close()

    @property
    def port(self) -> int:
        until(lambda: self.connector.port is not None)
        assert self.connector.port is not None
        return self.connector.port

    def rows(self, table: str) -> Sequence[tuple[Any, ...]]:
        return content(self.street.store, table)[table]


@contextmanager
def centre(folder: Path, options: str = "", *, clock: Clock | None = None) -> Iterator[Centre]:
    """The product with one source of devices, until the block ends."""
    running = Centre(folder, options, clock=clock)
    running.start()
    try:
        yield running
    finally:
        running.door.open.set()
        running.stop()


class Device:
    """A device's end of a connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._framer = Framer()
        self._found: list[Frame | BadFrame] = []

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *frames: bytes) -> None:
        self.socket.sendall(b"".join(frames))

    def answer(self) -> Frame:
        """The next answer; raises TimeoutError when none comes, EOFError when none will."""
        while not self._found:
            read = self.socket.recv(65_536)
            if not read:
                raise EOFError
            self._found += self._framer.feed(read)
        found = self._found.pop(0)
        assert isinstance(found, Frame)
        return found

    def answers(self, count: int) -> list[tuple[int, int]]:
        """(command, sequence) of the next answers."""
        headers = [self.answer().header for _ in range(count)]
        return [(header.command, header.sequence) for header in headers]

    def is_cut_off(self) -> bool:
        """Whether the centre ends the connection, before the patience is over."""
        try:
            while self.socket.recv(65_536):
                pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True


def answered(street: Installation, frame: bytes, *, patience_s: float = 3) -> bool:
    """Whether the only server of a street that runs confirms a frame."""
    (server,) = (s.connector for s in street.sources if isinstance(s.connector, Gb26875Tcp))
    until(lambda: server.port is not None)
    with Device(server.port or 0) as device:
        device.socket.settimeout(patience_s)
        device.send(frame)
        try:
            return device.answer().header.command == CONFIRMED
        except TimeoutError:
            return False


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; fails when it does not come true."""
    ends, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not condition():
        assert time.monotonic() < ends, "it did not come true"
        pause.wait(0.01)


# ---- a product that can be killed

PROCESS = """
import json, sys, time
from pathlib import Path
from pipelines.clock import SystemClock
from pipelines.roles.live import Live
from pipelines.installation import open_installation
from pipelines.settings import load

config, data, stop = sys.argv[1:]
street = open_installation(load({"GRID135_DATA": data}, config), replayed=False)
take_in = street.door.accept_all

def watched(deliveries, *, now):
    if stop == "before":
        print("reached", flush=True)
        time.sleep(600)
    counts = take_in(deliveries, now=now)
    if stop == "after":
        print("reached", flush=True)
        time.sleep(600)
    return counts

street.door.accept_all = watched
live = Live(street)
live.start()
connector = street.sources[1].connector
while connector.port is None:
    time.sleep(0.01)
print(connector.port, flush=True)
sys.stdin.read()
live.stop()
"""


class Process:
    """A product of its own, which stops for ever right before or right after its first commit."""

    def __init__(self, config: Path, data: Path, *, stops: str = "never") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(config), str(data), stops],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
            text=True,
        )
        self.port = int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def wait_until_it_stops(self) -> None:
        assert self._line() == "reached\n"

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def end(self) -> None:
        self._process.communicate("", timeout=30)
