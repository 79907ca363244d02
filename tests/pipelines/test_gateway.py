"""What peers deliver at once is committed together, and nobody is told so before it is."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.clock import ManualClock
from pipelines.connectors.listener import Line
from pipelines.connectors.record import Record
from pipelines.door.gateway import FEWEST_AT_ONCE, MOST_AT_ONCE, Gateway
from pipelines.door.ingest import Delivery, Door
from pipelines.door.receipt import Counts
from pipelines.errors import NotStoredError, SourceConfigError, SourceUnavailableError
from pipelines.feeds.health import Health
from pipelines.feeds.sources import Source
from pipelines.installation import Installation
from pipelines.roles.listening import Listening
from tests.builders import MUCH_LATER
from tests.pipelines.installations import a_bad_record, a_call, a_record, an_installation, content
from tests.processes import until

CLOCK = ManualClock(MUCH_LATER)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    yield installation
    installation.store.close()


@pytest.fixture
def gateway(street: Installation) -> Iterator[Gateway]:
    gateway = Gateway(street.door, CLOCK)
    gateway.start()
    yield gateway
    gateway.stop()


def stored(street: Installation) -> int:
    return len(content(street.store, "report")["report"])


class Watched:
    """The door, with what it was given and a hand on the latch."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.transactions: list[int] = []
        self.entered = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self.refused: str | None = None
        self.quick = False

    def accept_all(self, deliveries: Sequence[Delivery], *, now: datetime) -> list[Counts]:
        self.entered.set()
        self.open.wait(10)
        records = [record for _, batch in deliveries for record in batch.records]
        self.transactions.append(len(records))
        if self.refused is not None and any(self.refused in str(r.fields) for r in records):
            raise RuntimeError("the disk is full")
        if self.quick:
            return []
        return self._door.accept_all(deliveries, now=now)


def a_gateway(street: Installation) -> tuple[Gateway, Watched]:
    door = Watched(street.door)
    gateway = Gateway(door, CLOCK)  # type: ignore[arg-type]
    gateway.start()
    return gateway, door


def test_a_delivery_returns_when_its_records_are_on_disk(
    street: Installation, gateway: Gateway
) -> None:
    async def deliver() -> int:
        await gateway.deliver(street.sources[0], [a_record(a_call("A-1"))])
        return stored(street)

    assert asyncio.run(deliver()) == 1


def test_what_waits_at_once_shares_a_transaction(street: Installation) -> None:
    gateway, door = a_gateway(street)
    door.open.clear()

    async def deliver() -> None:
        first = asyncio.create_task(
            gateway.deliver(street.sources[0], [a_record(a_call("A-0"), ordinal=1)])
        )
        await asyncio.to_thread(door.entered.wait, 10)
        others = [
            asyncio.create_task(
                gateway.deliver(street.sources[0], [a_record(a_call(f"A-{n}"), ordinal=n)])
            )
            for n in range(1, 201)
        ]
        await asyncio.sleep(0)
        door.open.set()
        await asyncio.gather(first, *others)

    asyncio.run(deliver())
    gateway.stop()

    assert door.transactions == [1, 200]
    assert stored(street) == 201


def test_a_record_that_breaks_the_door_costs_the_others_nothing(street: Installation) -> None:
    gateway, door = a_gateway(street)
    door.refused = "A-7"

    async def deliver() -> list[object]:
        tasks = [
            gateway.deliver(street.sources[0], [a_record(a_call(f"A-{n}"), ordinal=n)])
            for n in range(1, 11)
        ]
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    answers = asyncio.run(deliver())
    gateway.stop()

    assert [isinstance(answer, NotStoredError) for answer in answers] == [
        n == 7 for n in range(1, 11)
    ]
    assert stored(street) == 9


def test_a_record_that_makes_no_sense_is_safe_in_quarantine_and_so_delivered(
    street: Installation, gateway: Gateway
) -> None:
    asyncio.run(gateway.deliver(street.sources[0], [a_bad_record("junk"), a_record(a_call())]))

    assert stored(street) == 1
    assert len(content(street.store, "quarantine")["quarantine"]) == 1


def test_a_stopped_gateway_says_that_nothing_was_stored(street: Installation) -> None:
    gateway = Gateway(street.door, CLOCK)
    gateway.start()
    gateway.stop()

    with pytest.raises(NotStoredError, match="stopping"):
        asyncio.run(gateway.deliver(street.sources[0], [a_record(a_call())]))


def held(street: Installation, **how: Any) -> tuple[Gateway, Watched, Source]:
    """A gateway whose transactions wait until the test opens the door, and a source to flood."""
    door = Watched(street.door)
    gateway = Gateway(door, CLOCK, **how)  # type: ignore[arg-type]
    gateway.start()
    door.open.clear()
    return gateway, door, replace(street.sources[0], id="flood", is_urgent=False)


async def kept_busy(gateway: Gateway, door: Watched, source: Source) -> asyncio.Task[None]:
    """A delivery that is being stored, so that what comes now has to wait."""
    task = asyncio.create_task(gateway.deliver(source, some(source, "first", 1)))
    await asyncio.to_thread(door.entered.wait, 10)
    return task


def some(source: Source, name: str, n: int) -> list[Record]:
    return [a_record(a_call(f"{name}-{i}"), ordinal=i, part=source.id) for i in range(n)]


def test_emergencies_are_stored_before_what_came_earlier(street: Installation) -> None:
    gateway, door, flood = held(street)
    calls = street.sources[0]
    assert calls.is_urgent
    stored_first: list[str] = []

    async def deliver(source: Source, n: int) -> None:
        await gateway.deliver(source, some(source, source.id, n))
        stored_first.append(source.id)

    async def both() -> None:
        busy = await kept_busy(gateway, door, flood)
        tasks = [asyncio.create_task(deliver(flood, FEWEST_AT_ONCE)) for _ in range(4)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(deliver(calls, 1)))
        await asyncio.sleep(0)
        door.open.set()
        await asyncio.gather(busy, *tasks)

    asyncio.run(both())
    gateway.stop()

    assert stored_first[0] == "calls"


def test_too_much_at_once_is_refused_where_it_can_be_sent_again(street: Installation) -> None:
    gateway, door, flood = held(street, most_waiting=100)

    async def push() -> None:
        busy = await kept_busy(gateway, door, flood)
        waiting = asyncio.create_task(gateway.deliver(flood, some(flood, "a", 100)))
        await asyncio.sleep(0)
        assert gateway.waiting().records == 100
        with pytest.raises(NotStoredError, match="too much at once; send it again later"):
            await gateway.deliver(flood, some(flood, "b", 1), may_wait=False)
        # what may be an emergency has room of its own
        urgent = gateway.deliver(street.sources[0], some(flood, "c", 1), may_wait=False)
        door.open.set()
        await asyncio.gather(busy, waiting, urgent)

    asyncio.run(push())
    gateway.stop()
    assert gateway.waiting().records == 0


def test_a_listener_waits_for_room_and_so_do_its_peers(street: Installation) -> None:
    gateway, door, flood = held(street, most_waiting=10)
    most = 0

    async def listen() -> None:
        nonlocal most
        busy = await kept_busy(gateway, door, flood)
        tasks = [
            asyncio.create_task(gateway.deliver(flood, some(flood, f"n{n}", 4))) for n in range(20)
        ]
        await asyncio.sleep(0.01)
        most = gateway.waiting().records
        door.open.set()
        await asyncio.gather(busy, *tasks)

    asyncio.run(listen())
    gateway.stop()

    assert most <= 10
    assert stored(street) == 81


def test_more_is_stored_at_once_the_more_waits(street: Installation) -> None:
    gateway, door, flood = held(street)

    async def deliver() -> None:
        busy = await kept_busy(gateway, door, flood)
        tasks = [
            asyncio.create_task(gateway.deliver(flood, some(flood, f"n{n}", 50))) for n in range(60)
        ]
        await asyncio.sleep(0)
        door.open.set()
        await asyncio.gather(busy, *tasks)

    door.quick = True
    asyncio.run(deliver())
    gateway.stop()

    assert door.transactions[:3] == [1, FEWEST_AT_ONCE, 2 * FEWEST_AT_ONCE]
    assert max(door.transactions) <= MOST_AT_ONCE
    assert sum(door.transactions) == 3001


class Scripted:
    """A listener that does one thing of its script each time it is begun."""

    def __init__(self, *script: object) -> None:
        self._script = list(script)
        self.begun = 0
        self.waiting = threading.Event()

    async def listen(self, line: Line) -> None:
        self.begun += 1
        does = self._script.pop(0) if self._script else None
        if isinstance(does, Exception):
            raise does
        line.up()
        if isinstance(does, Record):
            await line.deliver([does])
        self.waiting.set()
        await asyncio.Event().wait()


def listening(street: Installation, listener: Scripted) -> tuple[Listening, Health, Gateway]:
    """A listener that is listened to from when the test says so."""
    gateway, health = Gateway(street.door, CLOCK), Health()
    source = replace(street.sources[0], connector=listener)  # type: ignore[arg-type]
    gateway.start()
    room = Listening(gateway, health, CLOCK)
    room.start()
    room.take(source)
    return room, health, gateway


@pytest.mark.parametrize(
    "trouble", [SourceUnavailableError("the port is taken"), RuntimeError("a bug")]
)
def test_a_listener_that_ends_with_an_error_begins_anew(
    street: Installation, trouble: Exception
) -> None:
    listener = Scripted(trouble, a_record(a_call()))
    room, health, gateway = listening(street, listener)

    assert listener.waiting.wait(10)
    room.stop()
    gateway.stop()

    assert listener.begun == 2
    assert health.changes == 2  # down once, back once
    assert stored(street) == 1


def test_a_listener_that_cannot_work_as_configured_stays_stopped(street: Installation) -> None:
    listener = Scripted(SourceConfigError("no such file"))
    room, health, gateway = listening(street, listener)

    assert until(lambda: health.changes == 1 and not room.hears)
    room.stop()
    gateway.stop()

    assert listener.begun == 1
