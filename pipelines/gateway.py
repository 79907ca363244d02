"""From many peers at once to the one door: what arrives together is committed together."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.clock import Clock
from pipelines.connectors.record import Batch, Record
from pipelines.errors import NotStoredError
from pipelines.health import Health
from pipelines.ingest import Delivery, Door
from pipelines.lease import LeaseLostError
from pipelines.sources import Source

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 2000
"""Records of one transaction, about; a peer waits no longer than these take."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """Records that somebody waits to see stored."""

    source: Source
    records: tuple[Record, ...]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]


class Gateway:
    """One thread that commits what every listener delivers, as fast as the disk allows.

    While one transaction is being written, what arrives queues up for the next; so the number of
    transactions a second adapts by itself, and a lone record waits for nobody. The queue is as
    long as peers are waiting, since each waits for its own.
    """

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door = door
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._news = threading.Condition()
        self._stopped = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    def stop(self) -> None:
        """Commit what waits, then stop; who delivers later is told that it was not stored."""
        with self._news:
            self._stopped = True
            self._news.notify()
        if self._thread.is_alive():
            self._thread.join()

    async def deliver(self, source: Source, records: Sequence[Record]) -> None:
        """Return when the records are on disk; raises NotStoredError when they are not."""
        if not records:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        with self._news:
            if self._stopped:
                raise NotStoredError(f"source {source.id}: the product is stopping; send it again")
            self._waiting.append(_Waiting(source, tuple(records), loop, done))
            self._news.notify()
        await done

    def _run(self) -> None:
        while batch := self._next():
            self._commit(batch)

    def _next(self) -> list[_Waiting]:
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._stopped)
            taken: list[_Waiting] = []
            size = 0
            while self._waiting and size < MOST_AT_ONCE:
                taken.append(self._waiting.popleft())
                size += len(taken[-1].records)
            return taken

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            self._accept(batch)
        # whatever it is, its senders must not be told that their records are safe
        except Exception as error:  # noqa: BLE001
            if len(batch) > 1:
                # what one of them has must not cost the others their place
                for waiting in batch:
                    self._commit([waiting])
                return
            if isinstance(error, LeaseLostError):
                _answer(batch, NotStoredError(str(error)))
                return
            self._complain(batch[0].source.id)
            _answer(batch, NotStoredError(f"source {batch[0].source.id}: not stored"))
        else:
            self._failing = False
            _answer(batch, None)

    def _complain(self, source: str) -> None:
        """Say once that storing fails, however often it does until it works again."""
        if not self._failing:
            logger.exception("source %s: records could not be stored", source)
        self._failing = True

    def _accept(self, batch: list[_Waiting]) -> None:
        records: dict[str, list[Record]] = {}
        sources: dict[str, Source] = {}
        for waiting in batch:
            sources[waiting.source.id] = waiting.source
            records.setdefault(waiting.source.id, []).extend(waiting.records)
        deliveries = [
            Delivery(sources[name], Batch(records=tuple(said), part="", position=None))
            for name, said in records.items()
        ]
        self._door.accept_all(deliveries, now=self._clock.now())


class SourceLine:
    """The line of one source to the gateway; see :class:`~pipelines.connectors.listener.Line`."""

    def __init__(self, source: Source, gateway: Gateway, health: Health, clock: Clock) -> None:
        self._source = source
        self._gateway = gateway
        self._health = health
        self._clock = clock

    async def deliver(self, records: Sequence[Record]) -> None:
        """Return when the records are on disk; raises NotStoredError when they are not."""
        await self._gateway.deliver(self._source, records)

    def now(self) -> datetime:
        """The product's time, aware UTC."""
        return self._clock.now()

    def up(self) -> None:
        """Say that the source can be heard."""
        self._health.succeeded(self._source.id, now=self._clock.now())

    def down(self, problem: str) -> None:
        """Say that it cannot be heard, and why."""
        self._health.failed(self._source.id, problem, now=self._clock.now())


def _answer(batch: list[_Waiting], error: NotStoredError | None) -> None:
    """Wake everybody whose records these were, each in an event loop of its own."""
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for waiting in batch:
        by_loop.setdefault(waiting.loop, []).append(waiting.done)
    for loop, done in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_wake, done, error)


def _wake(done: list[asyncio.Future[None]], error: NotStoredError | None) -> None:
    for future in done:
        if future.cancelled():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
