"""Alarms that come close together are one incident, in whatever order they come."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.connectors.record import Batch, Origin, Record, content_of
from pipelines.decoders.decoder import Meaning
from pipelines.door.episodes import episode_key, episodes
from pipelines.feeds.sources import Source
from pipelines.figures.query import Query, kpi, rows
from pipelines.installation import Installation
from pipelines.model.device import Alarm, Condition, Signal
from pipelines.model.fact import Fact, Statement
from pipelines.model.milestone import Milestone
from pipelines.store import schema
from pipelines.store.rows import to_ms
from pipelines.upkeep.rebuilding import rebuild, verify
from tests.builders import MUCH_LATER, at
from tests.pipelines.installations import a_file, an_installation, content

STATION = """
[devices]
file = "devices.csv"

[sources.station]
name = { zh = "微型消防站", en = "Micro fire station" }
[sources.station.connector]
type = "file_drop"
path = "station.csv"
[sources.station.decoder]
type = "table"
record = "number"
alarm = { source = "calls", device = "device", at = "alarm" }
kind = "smoke"
milestones = { accepted = "accepted", arrived = "arrived" }
"""
REGISTER = """source,device,name,type,address,lat,lon
calls,S-1,钱江苑3幢 烟感,smoke,钱江路1号,30.05,120.05
calls,S-2,市民中心 烟感,smoke,,30.05,120.15
"""
ALL = ("incident", "rollup", "report", "fact", "alarm")


class Sensors:
    """A decoder of records such as ``{"alarms": [["S-1", 12]]}``, seconds after nine."""

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Meaning:
        alarms = json.loads(record.raw)["alarms"]
        return Meaning(
            statements=tuple(
                Statement(
                    source=source,
                    incident_key="",
                    record_id=f"{device} {seconds}",
                    recorded_at=received_at,
                    ordinal=record.ordinal,
                    content=content_of(record, number),
                    facts=(Fact(Milestone.REPORTED, at(seconds)),),
                    kind="smoke",
                    alarm=Alarm(device, at(seconds)),
                )
                for number, (device, seconds) in enumerate(alarms, start=1)
            ),
            signals=tuple(
                Signal(source, device, at(seconds), received_at, content_of(record, -number),
                       begun=frozenset({Condition.ALARM}))
                for number, (device, seconds) in enumerate(alarms, start=1)
            ),
        )  # fmt: skip


def alarms(*raised: tuple[str, float]) -> Record:
    raw = json.dumps({"alarms": raised}).encode()
    return Record(raw, b"", None, Origin("sensors", 1), 1)


def a_street(folder: Path) -> Installation:
    a_file(folder / "devices.csv", REGISTER)
    return an_installation(folder, more=STATION)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = a_street(tmp_path)
    yield installation
    installation.store.close()


def sensors(street: Installation) -> Source:
    return replace(street.sources[0], decoder=Sensors())


def take_in(street: Installation, *records: Record, now: float = 3600) -> None:
    batch = Batch(records=records, part="", position=None)
    street.door.accept(sensors(street), batch, now=at(now))


def answer(street: Installation, *, record: str = "1", alarm: float = 0, **said: float) -> None:
    fields = {"number": record, "device": "S-1", "alarm": at(alarm).isoformat()}
    fields |= {"accepted": "", "arrived": ""}
    fields |= {name: at(seconds).isoformat() for name, seconds in said.items()}
    raw = json.dumps(fields).encode()
    batch = Batch(records=(Record(raw, b"", fields, Origin("station.csv", 2), 1),), part="",
                  position=None)  # fmt: skip
    street.door.accept(street.sources[1], batch, now=at(4000))


def incidents(street: Installation) -> dict[str, datetime]:
    """The start of every incident by its key."""
    with street.store.reading() as reader:
        found = rows(reader, Query(as_of=MUCH_LATER), street.desk)
    return {row["incident_key"]: datetime.fromisoformat(row["t0"]) for row in found}


def key(seconds: float, device: str = "S-1") -> str:
    return episode_key(device, to_ms(at(seconds)))


def test_an_alarm_opens_an_incident_where_its_device_hangs(street: Installation) -> None:
    take_in(street, alarms(("S-1", 0)))

    with street.store.reading() as reader:
        (row,) = rows(reader, Query(as_of=MUCH_LATER), street.desk)
    assert (row["kind"], row["grid"], row["incident_key"]) == ("smoke", "G1", key(0))
    assert row["title"] == "钱江苑3幢 烟感"
    assert row["address"] == "钱江路1号"


def test_an_alarm_sent_three_times_is_one(street: Installation) -> None:
    for again in range(3):
        take_in(street, alarms(("S-1", 0)), now=3600 + again)

    assert incidents(street) == {key(0): at(0)}
    assert len(content(street.store, "report")["report"]) == 1


def test_repeats_within_an_episode_attach_to_it_and_a_later_alarm_is_new(
    street: Installation,
) -> None:
    for seconds in (0, 500, 1000, 1601):
        take_in(street, alarms(("S-1", seconds)))

    assert incidents(street) == {key(0): at(0), key(1601): at(1601)}


def test_two_devices_never_share_an_incident(street: Installation) -> None:
    take_in(street, alarms(("S-1", 0), ("S-2", 1)))

    assert set(incidents(street)) == {key(0), key(1, "S-2")}


def test_an_alarm_that_comes_late_joins_two_incidents_into_the_earlier(
    street: Installation,
) -> None:
    take_in(street, alarms(("S-1", 0)))
    take_in(street, alarms(("S-1", 1000)))
    assert len(incidents(street)) == 2

    take_in(street, alarms(("S-1", 500)))

    assert incidents(street) == {key(0): at(0)}
    with street.store.reading() as reader:
        (line,) = kpi(reader, Query(as_of=MUCH_LATER), street.desk)
    assert line["eligible"] == 1
    assert verify(street.store, street.desk).wrong == 0


def test_an_alarm_that_comes_late_can_be_the_first_of_its_episode(street: Installation) -> None:
    take_in(street, alarms(("S-1", 100)))

    take_in(street, alarms(("S-1", 0)))

    assert incidents(street) == {key(0): at(0)}


@pytest.mark.parametrize("station_first", [True, False])
def test_what_the_station_did_lands_on_the_alarm_whatever_comes_first(
    street: Installation, station_first: bool
) -> None:
    if station_first:
        answer(street, accepted=20, arrived=150)
        take_in(street, alarms(("S-1", 0)))
    else:
        take_in(street, alarms(("S-1", 0)))
        answer(street, accepted=20, arrived=150)

    with street.store.reading() as reader:
        (row,) = rows(reader, Query(as_of=MUCH_LATER), street.desk)
    assert row["incident_key"] == key(0)
    assert row["source"] == "calls"
    assert datetime.fromisoformat(row["stamps"]["arrived"]) == at(150)


raised = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["S-1", "S-2"]), st.sampled_from([0, 200, 590, 610, 1150, 1300])),
        min_size=1,
        max_size=3,
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60)
@given(raised, st.randoms(use_true_random=False))
def test_the_store_is_the_same_whatever_order_alarms_come_in(
    emptied: Installation, said: list[list[tuple[str, float]]], random: object
) -> None:
    records = [alarms(*batch) for batch in said]
    shuffled = [*records, records[0]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert stored(emptied, [records]) == stored(emptied, [[record] for record in shuffled])


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One street for all that is tried; making a store takes longer than trying."""
    street = a_street(tmp_path_factory.mktemp("street"))
    yield street
    street.store.close()


def stored(street: Installation, batches: Sequence[Sequence[Record]]) -> object:
    """What a street holds that has heard this and nothing else."""
    with street.store.writing() as writer:
        writer.clear(*(table for name, table in schema.metadata.tables.items() if name != "meta"))
    for batch in batches:
        take_in(street, *batch)
    before = content(street.store, *ALL)
    rebuild(street.store, street.desk)
    assert content(street.store, *ALL) == before
    return before


@given(st.sets(st.integers(0, 100), min_size=1), st.integers(0, 20))
def test_an_episode_is_a_longest_run_without_a_longer_pause(moments: set[int], gap: int) -> None:
    firsts = episodes(moments, gap)

    ordered = sorted(moments)
    for earlier, later in pairwise(ordered):
        assert (firsts[earlier] == firsts[later]) == (later - earlier <= gap)
    assert all(first <= moment and first in moments for moment, first in firsts.items())


def test_a_longer_pause_makes_longer_episodes_where_that_is_set(tmp_path: Path) -> None:
    a_file(tmp_path / "devices.csv", REGISTER)
    street = an_installation(
        tmp_path, more=STATION.replace("[devices]", '[devices]\nepisode = "1h"')
    )

    for seconds in (0, 3000):
        take_in(street, alarms(("S-1", seconds)))

    assert incidents(street) == {key(0): at(0)}
    assert street.settings.devices.episode == timedelta(hours=1)
    street.store.close()
