"""From many peers at once to the one door: what arrives together is committed together."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.clock import Clock
from pipelines.connectors.record import Batch, Record
from pipelines.door.ingest import Delivery, Door
from pipelines.errors import NotStoredError
from pipelines.feeds.health import Health
from pipelines.feeds.sources import Source
from pipelines.leases.lease import LeaseLostError

logger = logging.getLogger(__name__)

FEWEST_AT_ONCE, MOST_AT_ONCE = 250, 4000
"""Records of one transaction, about. How many it is between these grows with what waits."""
SHORT_S, LONG_S = 0.1, 0.3
"""A full transaction that took less is followed by a larger one, one that took more by a smaller:
what is urgent waits for one that has begun."""
MOST_WAITING = 20_000
"""Records that may wait, of those that are urgent and of the others each."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """Records that somebody waits to see stored."""

    source: Source
    records: tuple[Record, ...]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]
    since: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What was received and is not stored yet."""

    records: int
    oldest_s: float


class _Line:
    """Those who wait, the first first."""

    def __init__(self) -> None:
        self.waiting: deque[_Waiting] = deque()
        self.records = 0
        self.room: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    def append(self, waiting: _Waiting) -> None:
        self.waiting.append(waiting)
        self.records += len(waiting.records)

    def take(self, most: int) -> list[_Waiting]:
        """The first of them, about so many records."""
        taken: list[_Waiting] = []
        size = 0
        while self.waiting and size < most:
            taken.append(self.waiting.popleft())
            size += len(taken[-1].records)
        self.records -= size
        return taken

    def let_in(self) -> None:
        """Tell those who wait for room that there is some."""
        while self.room:
            loop, room = self.room.popleft()
            if not loop.is_closed():
                loop.call_soon_threadsafe(_wake, [room], None)


class Gateway:
    """One thread that commits what every listener delivers, as fast as the disk allows.

    While one transaction is being written, what arrives queues up for the next; so the number of
    transactions a second adapts by itself, and a lone record waits for nobody. Sources that may
    report emergencies have transactions of their own, which go first. The queue is bounded: then
    a listener waits for room, so that its peers wait too, and a push is refused, to be sent again.
    """

    def __init__(self, door: Door, clock: Clock, *, most_waiting: int = MOST_WAITING) -> None:
        self._door = door
        self._clock = clock
        self._most_waiting = most_waiting
        self._most_at_once = FEWEST_AT_ONCE
        self._urgent, self._others = _Line(), _Line()
        self._news = threading.Condition()
        self._is_urgents_turn = False
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
        for line in (self._urgent, self._others):
            line.let_in()

    def waiting(self) -> Waiting:
        """What waits now."""
        with self._news:
            first = [line.waiting[0].since for line in (self._urgent, self._others) if line.waiting]
            records = self._urgent.records + self._others.records
        oldest_s = time.monotonic() - min(first) if first else 0.0
        return Waiting(records=records, oldest_s=oldest_s)

    async def deliver(
        self, source: Source, records: Sequence[Record], *, may_wait: bool = True
    ) -> None:
        """Return when the records are on disk; raises NotStoredError when they are not.

        Without ``may_wait`` that is also so when too many others wait already.
        """
        if not records:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        waiting = _Waiting(source, tuple(records), loop, done, time.monotonic())
        line = self._urgent if source.is_urgent else self._others
        while room := self._queue(line, waiting, may_wait=may_wait):
            await room
        await done

    def _queue(
        self, line: _Line, waiting: _Waiting, *, may_wait: bool
    ) -> asyncio.Future[None] | None:
        """Have records wait for their turn; return what to wait for first where there is no room.

        A delivery larger than all the room there is goes in when it is alone.
        """
        source = waiting.source.id
        with self._news:
            if self._stopped:
                raise NotStoredError(f"source {source}: the product is stopping; send it again")
            if line.records and line.records + len(waiting.records) > self._most_waiting:
                if not may_wait:
                    raise NotStoredError(f"source {source}: too much at once; send it again later")
                room = waiting.loop.create_future()
                line.room.append((waiting.loop, room))
                return room
            line.append(waiting)
            self._news.notify()
        return None

    def _run(self) -> None:
        while batch := self._next():
            began = time.monotonic()
            self._commit(batch)
            self._adapt(sum(len(one.records) for one in batch), time.monotonic() - began)

    def _next(self) -> list[_Waiting]:
        urgent, others = self._urgent, self._others
        with self._news:
            self._news.wait_for(lambda: urgent.waiting or others.waiting or self._stopped)
            # by turns where both wait: neither flood ends the other
            self._is_urgents_turn = bool(urgent.waiting) and not (
                self._is_urgents_turn and others.waiting
            )
            line = urgent if self._is_urgents_turn else others
            taken = line.take(self._most_at_once)
            if line.records < self._most_waiting // 2:
                line.let_in()
            return taken

    def _adapt(self, records: int, took_s: float) -> None:
        """More at once while it is quick, fewer when what is urgent would wait too long."""
        if took_s > LONG_S:
            self._most_at_once = max(self._most_at_once // 2, FEWEST_AT_ONCE)
        elif took_s < SHORT_S and records >= self._most_at_once:
            self._most_at_once = min(self._most_at_once * 2, MOST_AT_ONCE)

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
        # who pushes by HTTP can be told to come again; whoever else waits, has its peers wait
        self._may_wait = source.receiver is None
        self._source = source
        self._gateway = gateway
        self._health = health
        self._clock = clock

    async def deliver(self, records: Sequence[Record]) -> None:
        """Return when the records are on disk; raises NotStoredError when they are not."""
        await self._gateway.deliver(self._source, records, may_wait=self._may_wait)

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
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
