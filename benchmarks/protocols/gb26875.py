"""User transmission devices: every one sends a frame and waits for its confirmation.

Of the frames, a share are fires; of the rest half report the state of a component, a quarter a
measured value, a quarter are heartbeats. Each device has 50 components behind it.
"""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from struct import pack
from typing import Any

from benchmarks.protocols.product import free_port, running, until_open
from benchmarks.protocols.workload import Workload, as_fast_as_answered, at_a_steady_rate
from pipelines.decoders.gb26875.codes import CONFIRM
from pipelines.decoders.gb26875.frame import OVERHEAD, Frame, Header, assemble
from pipelines.decoders.gb26875.framing import Framer
from pipelines.decoders.gb26875.moments import STANDARD, write_moment

CENTRE = (135).to_bytes(6, "little")
DATA = 2
FIRST_ADDRESS = 3_301_020_140_001
COMPONENTS = 50
NORMAL, FIRE, FAULT = 0b001, 0b011, 0b101


class Device(asyncio.Protocol):
    """One device: sends its next frame when it is told to, and knows when it is confirmed."""

    def __init__(self, number: int, alarms: float) -> None:
        self._address = (FIRST_ADDRESS + number).to_bytes(6, "little")
        self._dice = random.Random(number)
        self._alarms = alarms
        self._framer = Framer()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._transport: asyncio.Transport | None = None
        self._sequence = 0
        self.kept = 0
        """Confirmed frames that are more than heartbeats."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The centre has answered."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Wake whoever waits for these confirmations."""
        for item in self._framer.feed(data):
            assert isinstance(item, Frame), item
            assert item.header.command == CONFIRM, item
            self._waiting.pop(item.header.sequence).set_result(None)

    async def send(self) -> None:
        """Send the next frame; return when it is confirmed."""
        assert self._transport is not None
        self._sequence = (self._sequence + 1) % 65_536
        confirmed = asyncio.get_running_loop().create_future()
        self._waiting[self._sequence] = confirmed
        frame = self._frame()
        self._transport.write(frame)
        await confirmed
        self.kept += len(frame) > OVERHEAD

    def _frame(self) -> bytes:
        time = write_moment(datetime.now(UTC), STANDARD)
        header = Header(
            sequence=self._sequence,
            main_version=1,
            user_version=1,
            time=time,
            source=self._address,
            destination=CENTRE,
            adu_length=0,
            command=DATA,
        )
        return assemble(header, self._adu(time))

    def _adu(self, time: bytes) -> bytes:
        dice = self._dice
        point = 1 + dice.randrange(COMPONENTS)
        component = (1, 1, 40, 5 | point << 16)
        if dice.random() < self._alarms:
            return _status(component, FIRE, time)
        draw = dice.random()
        if draw < 0.5:
            return _status(component, NORMAL if dice.random() < 0.9 else FAULT, time)
        if draw < 0.75:
            return b"\x03\x01" + pack("<BBBIBh", *component, 3, dice.randrange(150, 350)) + time
        return b""


def _status(component: tuple[int, int, int, int], status: int, time: bytes) -> bytes:
    where = "5层走廊感烟".encode("gb18030")
    return b"\x02\x01" + pack("<BBBIH31s", *component, status, where) + time


async def measure(folder: Path, load: Workload) -> dict[str, Any]:
    """Run the product and its devices; see :mod:`benchmarks.sources`."""
    port = free_port()
    config = folder / "config.toml"
    config.write_text(CONFIG.format(port=port), encoding="utf-8")
    with running(config) as product:
        await until_open(port)
        devices = [device async for device in _connected(port, load)]
        fast = await as_fast_as_answered(lambda n: devices[n].send(), load, product)
        steady = await at_a_steady_rate(lambda n: devices[n].send(), load)
        kept = product.count("SELECT count(*) FROM signal")
        confirmed = sum(device.kept for device in devices)
        assert kept == confirmed, f"{confirmed} confirmed, {kept} stored"
        incidents = product.count("SELECT count(*) FROM incident")
        rss = product.peak_rss_mb()
    return {**fast, **steady, "rss_mb": rss, "stored": kept, "incidents": incidents}


async def _connected(port: int, load: Workload) -> Any:
    loop = asyncio.get_running_loop()
    for make in _makers(load):
        _, device = await loop.create_connection(make, "127.0.0.1", port)
        yield device


def _makers(load: Workload) -> Iterator[Any]:
    for number in range(load.peers):
        yield lambda number=number: Device(number, load.alarms)


CONFIG = """
[area]
code = "bench"
name = "Benchmark"

[kinds.smoke]
name = "Smoke"

[targets.kinds.smoke]
arrived = "180s"

[sources.fire_alarm]
name = "Fire alarm"
connector = {{ type = "gb26875_tcp", port = {port} }}
decoder = {{ type = "gb26875", kind = "smoke" }}
"""
