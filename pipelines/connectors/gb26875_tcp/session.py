"""One connection: from its bytes to records, and back to it what is on disk."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import Protocol

from pipelines.connectors.gb26875_tcp import refusing
from pipelines.connectors.gb26875_tcp.answering import DATA, ClockSetter, answer
from pipelines.connectors.gb26875_tcp.options import Gb26875TcpOptions
from pipelines.connectors.gb26875_tcp.records import bad_record, good_record
from pipelines.connectors.gb26875_tcp.refusing import Refusals
from pipelines.connectors.listener import Line
from pipelines.connectors.record import Record
from pipelines.decoders.gb26875.frame import BadFrame, Frame
from pipelines.decoders.gb26875.framing import Framer
from pipelines.decoders.gb26875.moments import Dialect
from pipelines.errors import NotStoredError

logger = logging.getLogger(__name__)

READ_BYTES = 4096
"""Of one connection at a time. More waits in the system's buffers, and then at the peer."""
UNSENT_BYTES = 8192
"""Answers a peer has not taken; with more, nothing further is read from it."""
SYSTEM_BYTES = 32_768
"""What the system may hold of a connection, each way; by itself it would take megabytes."""
_KEEPALIVE = {
    "TCP_KEEPIDLE": 60,
    "TCP_KEEPINTVL": 15,
    "TCP_KEEPCNT": 4,
    "TCP_USER_TIMEOUT": 60_000,
}
"""A peer that vanished without a word is found out in two minutes. Seconds; the last is in ms."""


class Room(Protocol):
    """Where connections are: who is let in, and what they share."""

    line: Line
    options: Gb26875TcpOptions
    dialect: Dialect
    refusals: Refusals

    def enter(self, session: "Session") -> bool:
        """Whether there is room for one more."""
        ...

    def leave(self, session: "Session") -> None:
        """It has ended."""
        ...

    def number(self) -> int:
        """The ordinal of the next record."""
        ...


class Session(asyncio.BufferedProtocol):
    """Reads, delivers all frames of a read together, answers, and only then reads on.

    So a connection holds one read at most, however fast its peer and however slow the disk.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._loop = asyncio.get_running_loop()
        self._framer = Framer()
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._budget = refusing.of_peer()
        self._clock: ClockSetter | None = None
        if room.options.set_clock:
            self._clock = ClockSetter(room.dialect, room.options.clock_off_by)
        self._transport: asyncio.Transport | None = None
        self._serving: asyncio.Task[None] | None = None
        self._read_at = self.good_at = self._loop.time()
        self._stuck_at: float | None = None
        self._at_end = False
        self.has_spoken = False
        self.peer = ""

    # ---- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.peer = str((transport.get_extra_info("peername") or ("?",))[0])
        if not self._room.enter(self):
            transport.abort()
            return
        transport.set_write_buffer_limits(high=UNSENT_BYTES)
        _set_up(transport.get_extra_info("socket"))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next read goes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take in one read."""
        self._read_at = self._loop.time()
        self._serve(self._framer.feed(bytes(self._buffer[:nbytes])))

    def eof_received(self) -> bool:
        """The peer has said all it will; what came is stored and answered before we part."""
        self._at_end = True
        self._serve(self._framer.settle())
        return self._serving is not None

    def pause_writing(self) -> None:
        """The peer does not take its answers."""
        self._stuck_at = self._loop.time()

    def resume_writing(self) -> None:
        """It takes them again."""
        self._stuck_at = None
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over. What is on its way to the disk goes on; the peer will send it again."""
        self._room.refusals.noise(self._framer.skipped, self.peer, self._loop.time())
        self._room.leave(self)

    # ---- what the room calls

    def check(self, now_s: float) -> None:
        """Look after the time: called every second or so."""
        options = self._room.options
        if self._stuck_at is not None:
            if now_s - self._stuck_at > options.write_timeout.total_seconds():
                self.cut_off()
        elif self._serving is None:
            if self._framer.held and now_s - self._read_at > options.settle.total_seconds():
                self._serve(self._framer.settle())
            elif now_s - self.good_at > options.idle.total_seconds():
                self.cut_off()

    def cut_off(self) -> None:
        """End the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    # ---- from frames to answers

    def _serve(self, found: Sequence[Frame | BadFrame]) -> None:
        if not found or self._transport is None:
            return
        self._transport.pause_reading()
        self._serving = self._loop.create_task(self._answer(found))

    async def _answer(self, found: Sequence[Frame | BadFrame]) -> None:
        try:
            said = b"".join(self._answers(await self._store(found)))
            if said and self._transport is not None and not self._transport.is_closing():
                self._transport.write(said)
        except Exception:
            logger.exception("a connection is cut off because of an error in this program")
            self.cut_off()
        finally:
            self._serving = None
        self._go_on()

    async def _store(self, found: Sequence[Frame | BadFrame]) -> Sequence[Frame | BadFrame]:
        """Deliver; return what is on disk, or is bad and beyond what is kept of such."""
        now_s = self._loop.time()
        kept: list[tuple[Frame | BadFrame, Record]] = []
        rest: list[Frame | BadFrame] = []
        for item in found:
            if isinstance(item, Frame):
                self.good_at, self.has_spoken = now_s, True
                kept.append((item, good_record(item, self.peer, self._room.number())))
            elif self._room.refusals.keeps(self._budget, self.peer, now_s):
                kept.append((item, bad_record(item, self.peer, self._room.number())))
            else:
                rest.append(item)
        return [*await self._delivered(kept), *rest]

    async def _delivered(
        self, kept: Sequence[tuple[Frame | BadFrame, Record]]
    ) -> Sequence[Frame | BadFrame]:
        line = self._room.line
        try:
            await line.deliver([record for _, record in kept])
        except NotStoredError:
            if len(kept) == 1:
                return []
        else:
            return [item for item, _ in kept]
        # one of them may be at fault: each is tried by itself, so that the others get their due
        tries = await asyncio.gather(
            *(line.deliver([record]) for _, record in kept), return_exceptions=True
        )
        for outcome in tries:
            if outcome is not None and not isinstance(outcome, NotStoredError):
                raise outcome
        return [item for (item, _), outcome in zip(kept, tries, strict=True) if outcome is None]

    def _answers(self, stored: Sequence[Frame | BadFrame]) -> list[bytes]:
        now, dialect = self._room.line.now(), self._room.dialect
        said = [answer(item, now, dialect) for item in stored]
        if self._clock is not None:
            data = (f for f in stored if isinstance(f, Frame) and f.header.command == DATA)
            said += [self._clock.command(frame, now) for frame in data]
        return said

    def _go_on(self) -> None:
        """Read on, unless answers are being written, or the peer has ended."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._serving is not None or self._stuck_at is not None:
            return
        if self._at_end:
            self._transport.close()
        else:
            self._transport.resume_reading()


def _set_up(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_BYTES)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SYSTEM_BYTES)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):  # not on every system
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
