"""User transmission devices (用户信息传输装置): TCP clients that speak GB/T 26875.3.

Each keeps a frame until the centre has confirmed it, sends the same frame again when it is not
answered, and connects again when the line breaks. In between it says every 30 s that it is there.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from pipelines.clock import Clock
from pipelines.decoders.gb26875.codes import CONFIRM
from pipelines.decoders.gb26875.frame import OVERHEAD, Header, assemble, read_header
from pipelines.decoders.gb26875.moments import STANDARD, write_moment
from pipelines.demo.model.case import Message
from pipelines.demo.model.street import Device

logger = logging.getLogger(__name__)

HEARTBEAT_S = 30.0
_ANSWER_S = 10.0
_PAUSE_S = 1.0
_SEND = 2
_CENTRE = (1).to_bytes(6, "little")
_TYPES = {"smoke": 40, "heat": 30, "manual": 23}
_STATES = {"normal": 0x01, "fault": 0x05, "muted": 0x09, "supervised": 0x11, "test": 0x00}
_FIRE = 0x02
_TEXT_BYTES = 31
_FRAMES_KEPT = 64


@dataclass(slots=True, eq=False)
class _Panel:
    """One device with its line of messages."""

    address: int
    line: deque[Message] = field(default_factory=deque)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    sequence: int = 0
    written: dict[tuple[object, ...], bytes] = field(default_factory=dict)


class TransmissionDevices:
    """All devices, in one thread with one event loop."""

    def __init__(self, host: str, port: int, *, devices: Sequence[Device], clock: Clock) -> None:
        self._host, self._port = host, port
        self._clock = clock
        self._types = {device.device: (device.type, device.name) for device in devices}
        addresses = sorted({_address(device.device) for device in devices})
        self._loop = asyncio.new_event_loop()
        self._panels = {address: _Panel(address) for address in addresses}
        self._tasks: list[asyncio.Task[None]] = []
        threading.Thread(target=self._loop.run_forever, name="panels", daemon=True).start()

    @property
    def waiting(self) -> int:
        """How many frames were not confirmed yet."""
        return sum(len(panel.line) for panel in self._panels.values())

    def open(self) -> None:
        """Connect all devices."""
        self._in_loop(self._begin)

    def close(self) -> None:
        """Break all connections."""
        self._in_loop(self._end)

    def take(self, messages: Sequence[Message], now: datetime) -> None:
        """Give each device what it has to say."""
        if messages:
            self._in_loop(lambda: self._hand_out(messages))

    def finish(self) -> None:
        """Nothing waits but for the other end."""

    def _in_loop(self, act: Callable[[], None]) -> None:
        done = threading.Event()

        def run() -> None:
            act()
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait()

    def _begin(self) -> None:
        if not self._tasks:
            self._tasks = [
                self._loop.create_task(self._live(panel, number / len(self._panels)))
                for number, panel in enumerate(self._panels.values())
            ]
            for task in self._tasks:
                task.add_done_callback(_tell)

    def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    def _hand_out(self, messages: Sequence[Message]) -> None:
        for message in messages:
            panel = self._panels[_address(message.body["device"])]
            panel.line.append(message)
            panel.news.set()

    async def _live(self, panel: _Panel, share: float) -> None:
        """Connect, speak, and begin anew; the first heartbeats are spread over their pause."""
        pause = HEARTBEAT_S * share
        while True:
            with suppress(OSError, EOFError, TimeoutError):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                try:
                    await self._speak(panel, reader, writer, pause)
                finally:
                    writer.close()
            await asyncio.sleep(_PAUSE_S)

    async def _speak(
        self,
        panel: _Panel,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pause: float,
    ) -> None:
        while True:
            while panel.line:
                await _confirmed(self._frame(panel, panel.line[0]), reader, writer)
                panel.line.popleft()
            panel.news.clear()
            try:
                async with asyncio.timeout(pause):
                    await panel.news.wait()
            except TimeoutError:
                await _confirmed(self._assembled(panel, b""), reader, writer)
                pause = HEARTBEAT_S

    def _frame(self, panel: _Panel, message: Message) -> bytes:
        """The frame of a message; of the same thing said again, the very same frame."""
        said = tuple(message.body.values())
        if said not in panel.written:
            panel.written[said] = self._assembled(panel, self._component(panel, message))
        while len(panel.written) > _FRAMES_KEPT:
            del panel.written[next(iter(panel.written))]
        return panel.written[said]

    def _assembled(self, panel: _Panel, adu: bytes) -> bytes:
        panel.sequence = (panel.sequence + 1) % 0x10000
        header = Header(
            sequence=panel.sequence,
            main_version=1,
            user_version=1,
            time=write_moment(self._clock.now(), STANDARD),
            source=panel.address.to_bytes(6, "little"),
            destination=_CENTRE,
            adu_length=len(adu),
            command=_SEND,
        )
        return assemble(header, adu)

    def _component(self, panel: _Panel, message: Message) -> bytes:
        """Type 2, one component: 火灾探测部件运行状态 (clause 8.2.1.2)."""
        body = message.body
        kind, name = self._types[body["device"]]
        _, system, system_address, component = map(int, body["device"].split("/"))
        # devices differ in what they make of bit 0 while it burns
        fire = _FIRE | (panel.address & 1)
        status = fire if body["status"] == "alarm" else _STATES[body["status"]]
        return (
            bytes((2, 1, system, system_address, _TYPES[kind]))
            + component.to_bytes(4, "little")
            + status.to_bytes(2, "little")
            + _text(name)
            + write_moment(body["at"], STANDARD)
        )


def _tell(task: asyncio.Task[None]) -> None:
    """A device that breaks down is a bug; it must not go unnoticed."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("demo: a transmission device has ended", exc_info=error)


async def _confirmed(
    frame: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Send a frame and wait until it is confirmed; raises TimeoutError, or EOFError."""
    writer.write(frame)
    await writer.drain()
    wanted = read_header(frame).sequence
    async with asyncio.timeout(_ANSWER_S):
        while True:
            answer = await reader.readexactly(OVERHEAD)
            header = read_header(answer)
            await reader.readexactly(header.adu_length)
            if header.sequence == wanted and header.command == CONFIRM:
                return


def _address(device: str) -> int:
    return int(device.partition("/")[0])


def _text(name: str) -> bytes:
    """The description of a component: GB 18030, cut at a whole character, filled with zeros."""
    raw = name.encode("gb18030")[:_TEXT_BYTES]
    return raw.decode("gb18030", errors="ignore").encode("gb18030").ljust(_TEXT_BYTES, b"\x00")
