"""The connector: a port that user transmission devices connect to."""

import asyncio
import logging
from pathlib import Path

from pipelines.connectors.gb26875_tcp.capture import Capture
from pipelines.connectors.gb26875_tcp.options import Gb26875TcpOptions
from pipelines.connectors.gb26875_tcp.refusing import Refusals
from pipelines.connectors.gb26875_tcp.session import Session
from pipelines.connectors.listener import Line
from pipelines.decoders.gb26875.moments import Dialect
from pipelines.errors import SourceUnavailableError

logger = logging.getLogger(__name__)

_BACKLOG = 1024
"""After a power cut every device of the street connects in the same second."""
_LONGEST_SWEEP_S = 1.0


class Gb26875Tcp:
    """Listens for devices; each frame is a record, and is confirmed when it is on disk.

    What is not stored is not confirmed, and its device sends it again after 10 s (clause 7). What
    came damaged is denied, so that it is sent again at once.
    """

    options = Gb26875TcpOptions

    def __init__(self, options: Gb26875TcpOptions, *, base: Path) -> None:
        self._options = options
        self.port: int | None = None
        """The port that is open, None while none is."""

    async def listen(self, line: Line) -> None:
        """Serve devices until cancelled; see :class:`~pipelines.connectors.listener.Listener`."""
        loop = asyncio.get_running_loop()
        room = Devices(line, self._options)
        host, port = self._options.host, self._options.port
        try:
            server = await loop.create_server(
                lambda: Session(room), host, port, backlog=_BACKLOG, reuse_address=True
            )
        except OSError as error:
            raise SourceUnavailableError(
                f"{host}:{port}: cannot listen: {error.strerror or error}; end what holds the "
                "port, or choose another host or port"
            ) from error
        self.port = server.sockets[0].getsockname()[1]
        line.up()
        try:
            await room.look_after()
        finally:
            self.port = None
            server.close()
            room.clear()

    def over(self, file: Path) -> Capture:
        """Read frames from hex lines of a file instead."""
        return Capture(file)


class Devices:
    """All connections, and what they share."""

    def __init__(self, line: Line, options: Gb26875TcpOptions) -> None:
        self.line = line
        self.options = options
        self.dialect = Dialect(zone=options.time_zone, clock=options.clock)
        self.refusals = Refusals(f"port {options.port}")
        self._sessions: set[Session] = set()
        self._number = 0
        self._turned_away = False

    def enter(self, session: Session) -> bool:
        """Let one more in, if need be in place of the oldest that has never sent a frame."""
        if len(self._sessions) >= self.options.max_connections:
            mute = [one for one in self._sessions if not one.has_spoken]
            if not self._turned_away:
                self._turned_away = True
                logger.warning(
                    "port %d: %d devices are connected and more want to; raise max_connections "
                    "if they are yours. This is said once",
                    self.options.port,
                    len(self._sessions),
                )
            if not mute:
                return False
            oldest = min(mute, key=lambda one: one.good_at)
            self._sessions.discard(oldest)
            oldest.cut_off()
        self._sessions.add(session)
        return True

    def leave(self, session: Session) -> None:
        """One has gone."""
        self._sessions.discard(session)

    def number(self) -> int:
        """The ordinal of the next record: the order in which frames came in."""
        self._number += 1
        return self._number

    async def look_after(self) -> None:
        """Have every connection look at the time, again and again."""
        options = self.options
        shortest = min(options.settle, options.idle, options.write_timeout).total_seconds()
        pause = min(_LONGEST_SWEEP_S, shortest / 4)
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(pause)
            for session in tuple(self._sessions):
                session.check(loop.time())

    def clear(self) -> None:
        """End every connection."""
        for session in tuple(self._sessions):
            session.cut_off()
