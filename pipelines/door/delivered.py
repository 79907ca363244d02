"""What a delivery adds to what is counted of its source: records, delays, unmapped codes."""

from datetime import datetime
from typing import NamedTuple

from pipelines.door import unmapped
from pipelines.door.receipt import Counts
from pipelines.feeds import arrivals
from pipelines.model.fact import Flag
from pipelines.store.store import Writer


class Taken(NamedTuple):
    """What was taken in of one source's delivery."""

    source: str
    counts: Counts
    last_stamp: datetime | None
    """The latest moment that a new record speaks of."""
    flags: tuple[Flag, ...]
    moments: tuple[datetime | None, ...]
    """Of each new thing the latest moment it speaks of; None where it has none."""
    heartbeats: tuple[datetime, ...]


def count(writer: Writer, taken: Taken, *, now: datetime) -> None:
    """Add a delivery, received at ``now``, to what its source has delivered."""
    source, counts = taken.source, taken.counts
    if not (counts.stored or counts.quarantined or counts.signals):
        return
    writer.count_source(
        source,
        reports=counts.stored,
        quarantined=counts.quarantined,
        flagged=counts.flagged,
        recorded_at=now,
        last_stamp=taken.last_stamp,
    )
    unmapped.count(writer, source, taken.flags, now=now)
    arrivals.count(writer, source, taken.moments, received_at=now, heartbeats=taken.heartbeats)
