"""A record as it came in, and how connectors hand records over."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, Protocol


class Origin(NamedTuple):
    """Where a record was found: a file and a line, a row of a view, a topic."""

    part: str
    line: int

    def __str__(self) -> str:
        return f"{self.part}:{self.line}"


class Horizon(NamedTuple):
    """What a replay lets be seen of a record: facts up to ``until``, moved by ``shift``.

    ``until`` is None once the whole record may be seen. ``cycle`` counts how often the replay
    has begun anew, so that each time its incidents are new ones.
    """

    until: datetime | None
    shift: timedelta
    cycle: int = 0


class Record(NamedTuple):
    """One record of one source, as received.

    ``raw`` is kept for ever; ``context`` is what is needed to read it again (a CSV header) and is
    stored once for many records. ``fields`` is the same content by column, when the connector
    could tell columns apart; ``problem`` says why it could not. ``ordinal`` orders records of
    one source as the source lists them.
    ``ended`` is True when a feed of what is active now lists the record no longer; ``occasion``
    tells when such a feed lists a record anew in words it has used before.
    """

    raw: bytes
    context: bytes
    fields: Mapping[str, str] | None
    origin: Origin
    ordinal: int
    problem: tuple[str, str, str] | None = None
    horizon: Horizon | None = None
    ended: bool = False
    occasion: datetime | None = None


def content_of(record: Record, number: int = 0) -> bytes:
    """A digest of what a record says: the same record, sent again, has the same one.

    ``number`` tells apart the several things that one record says.
    """
    digest = blake2b(record.raw, digest_size=16)
    if record.horizon is not None:
        digest.update(repr(record.horizon).encode())
    if record.occasion is not None:
        digest.update(f"{record.occasion.isoformat()} {record.ended}".encode())
    if number:
        digest.update(b"\x00%d" % number)
    return digest.digest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Records in order, and the position to store when all of them are on disk.

    ``part`` names what the position belongs to (one file of many); ``position`` is opaque to
    everyone but the connector, and None when there is nothing to store: what peers push has no
    position.
    """

    records: tuple[Record, ...]
    part: str
    position: str | None


class Connector(Protocol):
    """Speaks a protocol: a poller, a listener or a receiver."""

    def over(self, file: Path) -> "Poller":
        """The same connector, reading the records of one file at once, whatever its age."""
        ...


class Poller(Connector, Protocol):
    """A connector that is asked for news.

    The scheduler calls :meth:`poll` in a worker thread, one call at a time for each source, and
    takes batches from it one by one; it stores each before it takes the next. ``positions`` is
    what was stored last, by part. A batch that was not stored is asked for again.

    ``unfinished`` names what the last poll passed over because it was still being written.
    """

    unfinished: tuple[str, ...]

    def poll(self, positions: Mapping[str, str], *, now: datetime) -> Iterator[Batch]:
        """Yield what is new since ``positions``.

        Raises SourceUnavailableError when the source cannot be reached now, and
        SourceConfigError when it never can be as configured.
        """
        ...
