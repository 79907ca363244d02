"""What peers deliver at once is committed together, and nobody is told so before it is."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from pipelines.clock import ManualClock
from pipelines.connectors.listener import Line
from pipelines.connectors.record import Record
from pipelines.errors import NotStoredError, SourceConfigError, SourceUnavailableError
from pipelines.gateway import Gateway
from pipelines.health import Health
from pipelines.ingest import Delivery, Door
from pipelines.installation import Installation
from pipelines.listening import Listening
from pipelines.receipt import Counts
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

    def accept_all(self, deliveries: Sequence[Delivery], *, now: datetime) -> list[Counts]:
        self.entered.set()
        self.open.wait(10)
        records = [record for _, batch in deliveries for record in batch.records]
        self.transactions.append(len(records))
        if self.refused is not None and any(self.refused in str(r.fields) for r in records):
            raise RuntimeError("the disk is full")
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
    from dataclasses import replace

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
