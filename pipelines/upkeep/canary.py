"""The canary: a marked record that is sent through a source's pipeline and taken back.

It goes through decoding, placing, folding and storing in a transaction that is rolled back, so it
shows that a record could be taken in now, and how fast, and leaves no trace.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

from sqlalchemy import Table, func, select

from pipelines.clock import Clock
from pipelines.connectors.record import Origin, Record
from pipelines.connectors.reread import Kept, read_again
from pipelines.door.ingest import Door
from pipelines.errors import BadRecordError, Grid135Error
from pipelines.feeds.health import Health
from pipelines.feeds.sources import Source
from pipelines.host.rounds import Round
from pipelines.store import schema
from pipelines.store.heard_rows import Rehearsal, rehearsal_row
from pipelines.store.store import Reader, Store

logger = logging.getLogger(__name__)

_NEAR_MS = 3_600_000


@runtime_checkable
class Sings(Protocol):
    """A connector that can speak to itself over its own protocol."""

    def canary(self, now: datetime) -> Record | None:
        """A record as its peer would send it now, received over the connector's own way in.

        None when there is no way to make one. Raises SourceUnavailableError when the way in is
        shut. What it returns is rehearsed, never stored.
        """
        ...


def send(
    store: Store, door: Door, source: Source, health: Health | None = None, *, now: datetime
) -> Rehearsal:
    """Send a canary through one source's pipeline; say so in ``health``; never raises.

    ``now`` is the product's time. Without a way of its own, a connector's latest record is sent
    again; there is nothing to send before the first.
    """
    began = perf_counter()
    problem: str | None = None
    was_sent = False
    try:
        record = _record(store, source, now)
        was_sent = record is not None
        if record is not None:
            door.rehearse(source, record, now=now)
    except BadRecordError as error:
        problem = f"the record no longer makes sense: {error}"
    except Grid135Error as error:
        problem = str(error)
    # A canary is there to find out what is broken, whatever that is.
    except Exception as error:  # noqa: BLE001
        problem = f"{type(error).__name__}: {error}"
    took_ms = (perf_counter() - began) * 1000
    rehearsal = Rehearsal(
        at=now,
        took_ms=round(took_ms, 1),
        problem=problem,
        was_sent=was_sent or problem is not None,
    )
    if health is not None:
        health.rehearsed(source.id, rehearsal)
        _keep(store, source.id, rehearsal)
    return rehearsal


def _keep(store: Store, source: str, rehearsal: Rehearsal) -> None:
    """Have every process show what became of it; where the store is what is broken, only this."""
    row = rehearsal_row(source, rehearsal)
    try:
        store.taking_in(lambda writer: writer.put(schema.canary, [row]))
    except Exception:
        logger.exception("source %s: what became of the canary could not be kept", source)


def _record(store: Store, source: Source, now: datetime) -> Record | None:
    if isinstance(source.connector, Sings):
        sung = source.connector.canary(now)
        if sung is not None:
            return sung
    with store.reading() as reader:
        row = _latest(reader, source.id)
    if row is None:
        return None
    kept = Kept(
        raw=bytes(row.raw),
        context=bytes(row.context),
        origin=Origin("(canary)", 1),
        ordinal=0,
    )
    return read_again(source.connector, kept)


def _latest(reader: Reader, source: str) -> Any:
    """The latest thing a source said that was kept: a report, or a signal."""
    delivered = reader.sources().get(source)
    if delivered is None:
        return None
    # looked for from the last delivery on back, so that a busy neighbour is not searched through
    last: int = delivered.last_recorded_ms
    for table in (schema.report, schema.signal):
        for since in (last - _NEAR_MS, 0):
            rows = reader.rows(_newest(table, source, since, last))
            if rows:
                return rows[0]
    return None


def _newest(table: Table, source: str, since: int, until: int) -> Any:
    return (
        select(table.c.raw, schema.context.c.content.label("context"))
        .join(schema.context, schema.context.c.context_id == table.c.context_id)
        .where(
            table.c.source == source,
            table.c.recorded_ms.between(since, until),
            func.length(table.c.raw) > 0,  # what is past its term holds nothing to send
        )
        .order_by(table.c.recorded_ms.desc())
        .limit(1)
    )


class Aviary:
    """Sends a canary through each of some sources again and again, in a thread of its own.

    ``sources`` says each time which, for a process takes in now these and now others.
    """

    def __init__(
        self,
        store: Store,
        door: Door,
        sources: Callable[[], Sequence[Source]],
        health: Health,
        clock: Clock,
        *,
        every_s: float,
    ) -> None:
        self._store = store
        self._door = door
        self._sources = sources
        self._health = health
        self._clock = clock
        self._round = Round("canary", self._send_all, every_s=every_s)

    def start(self) -> None:
        """Send the first ones after the first pause."""
        self._round.start()

    def stop(self) -> None:
        """Send no more."""
        self._round.stop()

    def _send_all(self) -> None:
        for source in self._sources():
            if not self._round.is_stopping:
                send(self._store, self._door, source, self._health, now=self._clock.now())
