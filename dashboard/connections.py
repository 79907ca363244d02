"""How many may be connected to the web server, and who goes when there are more."""

import logging
import resource
from asyncio import Transport

from uvicorn.protocols.http.h11_impl import H11Protocol

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 4000
"""Four times as many as may wait for others: the pushes of a flood alone never take them all."""
_KEPT_BACK = 500
"""Files that the rest of the product may need: the store, its own connections, the assets."""
_FEWEST = 100


def room() -> int:
    """How many may be connected, having had the system allow as many open files as it lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _KEPT_BACK
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(min(MOST_CONNECTIONS, soft - _KEPT_BACK), _FEWEST)


def connections(most: int) -> type[H11Protocol]:
    """How uvicorn is to serve each connection, when there may be so many.

    One more takes the place of the one that has asked for nothing for longest: of a peer that never
    spoke, or keeps its connection for the next time, which it opens again. One whose request is
    under way stays; when all are, the new one is turned away.
    """
    silent: dict[H11Protocol, None] = {}
    is_said = False

    def make_room() -> bool:
        nonlocal is_said
        if not is_said:
            is_said = True
            logger.warning("%d are connected and more want to; this is said once", most)
        if not silent:
            return False
        first = next(iter(silent))
        del silent[first]
        first.connections.discard(first)  # now, for more may be at the door already
        first.transport.abort()
        return True

    class Connection(H11Protocol):
        def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > most and not make_room():
                transport.abort()
                return
            silent[self] = None

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            # there is none before the first request, whatever its type says
            if getattr(self.cycle, "response_complete", True) is False:
                silent.pop(self, None)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.cycle.response_complete and not self.transport.is_closing():
                silent[self] = None

        def connection_lost(self, exc: Exception | None) -> None:
            silent.pop(self, None)
            super().connection_lost(exc)

    return Connection
