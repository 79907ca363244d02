"""A canary goes all the way and leaves no trace."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from pipelines.connectors.record import Record
from pipelines.errors import SettingsError, SourceUnavailableError
from pipelines.feeds.health import Health
from pipelines.installation import Installation
from pipelines.leases.lease import Leases
from pipelines.store import schema
from pipelines.upkeep import canary
from tests.builders import at
from tests.pipelines.installations import (
    a_call,
    a_record,
    an_installation,
    as_csv,
    content,
    drop,
    the_settings,
)

TABLES = tuple(table.name for table in schema.metadata.sorted_tables)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    drop(tmp_path / "calls.csv", as_csv([a_call("A-1"), a_call("A-2", arrived=90)]))
    installation = an_installation(tmp_path)
    installation.pull(installation.sources[0], now=at(100))
    yield installation
    installation.store.close()


def sent(street: Installation, health: Health | None = None):
    source = street.sources[0]
    return canary.send(street.store, street.door, source, health, now=at(200))


def test_a_canary_comes_back_and_changes_nothing(street: Installation) -> None:
    before, version = content(street.store, *TABLES), street.store.version()

    rehearsal = sent(street)

    assert (rehearsal.problem, rehearsal.was_sent) == (None, True)
    assert rehearsal.took_ms > 0
    assert content(street.store, *TABLES) == before
    assert street.store.version() == version


def test_a_canary_really_goes_into_the_store(street: Installation) -> None:
    with street.store.writing() as writer:
        writer._connection.exec_driver_sql("DROP TABLE context")

    assert "no such table: context" in str(sent(street).problem)


def test_a_mapping_that_no_longer_fits_costs_the_canary(street: Installation) -> None:
    class Fussy:
        def decode(self, record: Record, *, source: str, received_at: datetime):
            from pipelines.errors import BadRecordError

            raise BadRecordError("id", "A-2", "is not what it was")

    fussy = replace(street.sources[0], decoder=Fussy())

    rehearsal = canary.send(street.store, street.door, fussy, now=at(200))

    assert "no longer makes sense: column 'id', value 'A-2'" in str(rehearsal.problem)


def test_before_the_first_record_there_is_nothing_to_send(tmp_path: Path) -> None:
    empty = an_installation(tmp_path)

    rehearsal = sent(empty)

    assert (rehearsal.was_sent, rehearsal.problem) == (False, None)
    empty.store.close()


class Singing:
    """A connector that can speak to itself."""

    def __init__(self, said: Record | Exception | None) -> None:
        self.said = said

    def canary(self, now: datetime) -> Record | None:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    def over(self, file: Path):
        raise NotImplementedError


def test_a_connector_that_can_speak_to_itself_does(street: Installation) -> None:
    way_in_is_shut = Singing(SourceUnavailableError("port 9000 does not answer"))
    well = Singing(a_record(a_call("anything")))

    shut = replace(street.sources[0], connector=way_in_is_shut)
    open_ = replace(street.sources[0], connector=well)

    lost = canary.send(street.store, street.door, shut, now=at(200))
    back = canary.send(street.store, street.door, open_, now=at(200))
    assert (lost.problem, back.problem) == ("port 9000 does not answer", None)


def test_health_remembers_the_canary_and_tells_the_screens(street: Installation) -> None:
    health = Health()

    rehearsal = sent(street, health)

    assert health.rehearsal("calls") == rehearsal
    assert health.changes == 1


def test_any_process_may_send_a_canary_for_it_leaves_nothing(street: Installation) -> None:
    street.door.guard = Leases(street.store).guard

    assert sent(street).problem is None


def test_what_became_of_a_canary_is_known_to_every_process(street: Installation) -> None:
    other = Health()
    sent(street, Health())

    with street.store.reading() as reader:
        other.look(reader)

    returned = other.rehearsal("calls")
    assert returned is not None
    assert returned.was_sent
    assert returned.problem is None


def test_canaries_are_sent_again_and_again_when_that_is_configured(street: Installation) -> None:
    import time

    from pipelines.clock import ManualClock

    health = Health()
    flock = canary.Aviary(
        street.store,
        street.door,
        lambda: street.sources,
        health,
        ManualClock(at(300)),
        every_s=0.01,
    )
    flock.start()
    ends = time.monotonic() + 10
    while health.changes < 3 and time.monotonic() < ends:
        time.sleep(0.01)
    flock.stop()

    assert health.changes >= 3
    assert health.rehearsal("calls").problem is None


def test_a_canary_more_often_than_once_a_minute_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"every = .10s.: must be at least 1m"):
        the_settings(tmp_path, more='[canary]\nevery = "10s"\n')
