"""An MQTT subscriber by itself: how much it holds, what it never waits for, what it refuses."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.connectors.mqtt.messages import Reading, kept, parts_of
from pipelines.connectors.mqtt.options import MqttOptions
from pipelines.connectors.mqtt.subscriber import LONGEST_PAUSE_S, Mqtt, growing
from pipelines.connectors.record import Record
from pipelines.errors import NotStoredError
from tests.brokers import ANYBODY, PATIENCE_S, Broker, a_broker, free_port
from tests.builders import NINE


class Notes:
    """A line that notes what it is told, and has a hand on the latch."""

    def __init__(self, *, is_open: bool = True, refused: bytes | None = None) -> None:
        self.delivered: list[Record] = []
        self.entered: list[Record] = []
        self.downs: list[str] = []
        self.ups = 0
        self.open = asyncio.Event()
        self._refused = refused
        if is_open:
            self.open.set()

    async def deliver(self, records: Sequence[Record]) -> None:
        self.entered += records
        await self.open.wait()
        if self._refused is not None and any(self._refused in r.raw for r in records):
            raise NotStoredError("the disk is full")
        self.delivered += records

    def now(self) -> datetime:
        return NINE

    def up(self) -> None:
        self.ups += 1

    def down(self, problem: str) -> None:
        self.downs.append(problem)


def the_options(port: int = 1, **more: Any) -> MqttOptions:
    said = {"host": "127.0.0.1", "port": port, "client_id": "grid135", "topics": ("a/#",)}
    return MqttOptions(**said | more)


def hearing(
    options: MqttOptions, line: Callable[[], Notes], then: Callable[[Notes], Awaitable[None]]
) -> Notes:
    """What a line was told while a subscriber listened and something was done."""

    async def run() -> Notes:
        notes = line()
        task = asyncio.create_task(Mqtt(options, base=Path("/")).listen(notes))
        try:
            await then(notes)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return notes

    return asyncio.run(run())


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - other threads make it true, too
            await asyncio.sleep(0.01)


def numbered(n: int) -> list[tuple[str, str]]:
    return [(f"a/{i}", json.dumps({"n": i})) for i in range(n)]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_no_more_is_held_than_may_be_and_all_of_it_comes_in_order(
    tmp_path: Path, version: str
) -> None:
    with a_broker(tmp_path, ANYBODY + "max_inflight_messages 0\n") as broker:

        async def then(notes: Notes) -> None:
            await until(lambda: notes.ups)
            await asyncio.to_thread(broker.publish, *numbered(500))
            await until(lambda: len(notes.entered) >= 10)
            await asyncio.sleep(0.5)  # anything more would have come by now
            assert len(notes.entered) <= 11
            notes.open.set()
            await until(lambda: len(notes.delivered) == 500)

        options = the_options(broker.port, version=version, in_flight=10)
        notes = hearing(options, lambda: Notes(is_open=False), then)

    assert [record.fields["n"] for record in notes.delivered if record.fields] == [
        str(i) for i in range(500)
    ]


def test_one_message_that_cannot_be_stored_keeps_no_other_waiting(tmp_path: Path) -> None:
    with a_broker(tmp_path) as broker:

        async def then(notes: Notes) -> None:
            await until(lambda: notes.ups)
            await asyncio.to_thread(broker.publish, *numbered(100))
            await until(lambda: len(notes.delivered) == 99)

        notes = hearing(the_options(broker.port), lambda: Notes(refused=b'{"n": 7}'), then)

    assert len({record.raw for record in notes.delivered}) == 99


def test_a_broker_that_comes_later_is_found(tmp_path: Path) -> None:
    broker = Broker(folder=tmp_path, port=free_port(), options=ANYBODY)

    async def then(notes: Notes) -> None:
        await until(lambda: notes.downs)
        await asyncio.to_thread(broker.start)
        await until(lambda: notes.ups)

    try:
        notes = hearing(the_options(broker.port), Notes, then)
    finally:
        broker.stop()

    assert "the broker cannot be reached: Connection refused" in notes.downs[0]


def told_by(*answers: bytes, **options: Any) -> Notes:
    """What a line was told of a server that gives its answers, whatever it is told."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            for answer in answers:
                await reader.read(1000)
                writer.write(answer)
                await writer.drain()
            await reader.read()
        writer.close()

    async def run() -> Notes:
        notes = Notes()
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            subscriber = Mqtt(the_options(port, timeout="1s", **options), base=Path("/"))
            task = asyncio.create_task(subscriber.listen(notes))
            await until(lambda: notes.downs)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return notes

    return asyncio.run(run())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff" * 64,
        b"\x20\x03\x00\x00",  # a CONNACK that breaks off
        b"\x20\x03\x00\x00\x00\x30\xff\xff\xff\xff\xff",  # a length that is none
        b"\x20\x03\x00\x00\x00\x30\xff\xff\xff\x7f" + b"x" * 4096,  # a message of 256 MB
        b"\x20\x03\x00\x00\x00\x32\x03\x00\x09a",  # a topic longer than its message
        b"",
    ],
)
def test_a_server_that_speaks_no_mqtt_is_down_and_holds_nobody_up(answer: bytes) -> None:
    notes = told_by(answer)

    assert len(notes.downs) == 1
    assert not notes.ups


ACCEPTED = b"\x20\x03\x00\x00\x00"
"""MQTT 5.0, 3.2: a CONNACK with success."""


def test_a_topic_that_the_broker_refuses_is_named() -> None:
    not_authorised = b"\x90\x05\x00\x01\x00\x01\x87"

    notes = told_by(ACCEPTED, not_authorised, topics=("b/#", "a/#"))

    assert "the broker refuses topic a/#: Not authorized" in notes.downs[0]
    assert "access list" in notes.downs[0]
    assert not notes.ups


def test_a_broker_that_sends_us_away_is_asked_why() -> None:
    notes = told_by(ACCEPTED, b"\x90\x04\x00\x01\x00\x01\xe0\x01\x8e")

    assert "another client has the same client_id" in notes.downs[0]
    assert notes.ups == 1


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"topics": ()}, "at least 1"),
        ({"topics": ("a/b#",)}, "# must be the whole last part"),
        ({"topics": ("#/a",)}, "# must be the whole last part"),
        ({"topics": ("a/b+/c",)}, r"\+ must be a whole part"),
        ({"topics": ("",)}, "is no topic"),
        ({"topics": ("$share/group",)}, r"must be \$share"),
        ({"topics": ("$share/a+/b",)}, r"must be \$share"),
        ({"descriptions": ("a\0b",)}, "is no topic"),
        ({"client_id": ""}, "at least 1"),
        ({"password": "SECRET"}, "a password needs a user"),
        ({"password": "no name", "user": "u"}, "name of an environment variable"),
        ({"tls": {"key": "k.pem"}}, "a key needs its certificate"),
        ({"session_expiry": "10ms"}, "must be 1s"),
        ({"keepalive": "2d"}, "must be 1s"),
        ({"in_flight": 0}, "greater than or equal to 1"),
        ({"records": "a..b"}, "must be names"),
        ({"version": "3.1"}, "5"),
    ],
)
def test_options_that_cannot_work_are_refused(change: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        the_options(**change)


@pytest.mark.parametrize("topic", ["+", "#", "a/+/b/#", "$share/group/a/#", "街道/+", "/"])
def test_a_topic_may_be(topic: str) -> None:
    assert the_options(topics=(topic,)).topics == (topic,)


def test_pauses_grow_to_a_limit_and_are_never_the_same() -> None:
    pauses = growing()

    said = [next(pauses) for _ in range(20)]

    assert said[0] <= 0.5
    assert LONGEST_PAUSE_S / 2 <= said[-1] <= LONGEST_PAUSE_S
    assert len(set(said)) == 20


topics = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)


@given(topic=topics, payload=st.binary(max_size=40))
def test_what_is_kept_gives_back_topic_and_payload(topic: str, payload: bytes) -> None:
    assert parts_of(kept(topic, payload)) == (topic, payload)
    assert b"\n" not in kept(topic, b"")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(
    topic=topics,
    payload=st.binary(max_size=300) | json_values.map(lambda v: json.dumps(v).encode()),
    as_text=st.booleans(),
)
def test_whatever_is_published_becomes_records_that_read_the_same_again(
    topic: str, payload: bytes, as_text: bool
) -> None:
    options = the_options(payload="text" if as_text else "json", max_payload=256)

    records = Reading(options).records(topic, payload, count(1))

    assert records or (not payload.strip() and not as_text)
    for record in records:
        assert (record.fields is None) == (record.problem is not None)
        assert Reading(options).reread(record.raw) == (record.fields, record.problem)
