"""What a connector promises that is not asked for news but told: by a socket, or by a push."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pipelines.connectors.record import Connector, Record


class Line(Protocol):
    """What a listener or receiver is given: the way to the store, for one source.

    Safe to use from any event loop, by any number of tasks at once.
    """

    async def deliver(self, records: Sequence[Record]) -> None:
        """Return when the records are on disk: stored, known already, or in quarantine.

        Only then may their sender be told so. Raises NotStoredError when they are not; the
        sender is not to be told that they are, and will send them again. Many deliveries that
        are under way at once share a transaction, so a connector delivers what it has and waits,
        and serves its other peers meanwhile.
        """
        ...

    def now(self) -> datetime:
        """The product's time, aware UTC."""
        ...

    def up(self) -> None:
        """Say that the source can be heard: the port is open, the broker has answered."""
        ...

    def down(self, problem: str) -> None:
        """Say that it cannot be heard, and why; the listener goes on trying by itself."""
        ...


class Listener(Connector, Protocol):
    """A connector that its peers tell: a server for devices, or a subscriber of a broker.

    One task runs :meth:`listen` for as long as the product runs, and begins it anew when it ends
    with an error. A listener with trouble of its own, such as a broker that went away, says
    ``line.down``, goes on trying for ever with a growing pause, and says ``line.up`` when it is
    over; peers that come and go are no trouble.
    """

    async def listen(self, line: Line) -> None:
        """Hear records and deliver them until cancelled; then let go of everything.

        Raises SourceUnavailableError when it cannot begin now (a port is taken), and
        SourceConfigError when it never can as configured.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """One HTTP request to ``/ingest/<source>``; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    peer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What the pusher is told."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Receiver(Connector, Protocol):
    """A connector for what a platform pushes by HTTP.

    The server reads no more than ``max_body`` bytes of a request and then calls :meth:`receive`.
    """

    max_body: int

    async def receive(self, push: Push, line: Line) -> Reply:
        """Check who is speaking, deliver what they say, and answer after the commit."""
        ...
