"""The store can prove its figures, and make them anew."""

from pathlib import Path

import pytest
from sqlalchemy import update

from pipelines.installation import Installation
from pipelines.store import schema
from pipelines.upkeep.rebuilding import CHUNK, rebuild, verify
from tests.pipelines.installations import (
    IN_G1,
    IN_G3,
    a_call,
    an_installation,
    content,
    taken_in,
)
from tests.stores import on_every_database

pytestmark = on_every_database

MADE = ("incident", "rollup")


@pytest.fixture
def street(tmp_path: Path) -> Installation:
    street = an_installation(tmp_path)
    places = (IN_G1, IN_G3, None)
    calls = [
        a_call(f"A-{n}", place=places[n % 3], reported=n * 700, arrived=n * 700 + 100 + 9 * n)
        for n in range(40)
    ]
    taken_in(street, *calls, a_call("open"), a_call("over", resolved=900))
    return street


def tamper(street: Installation, statement: object) -> None:
    with street.store.writing() as writer:
        writer._connection.execute(statement)  # type: ignore[call-overload]


def test_a_store_that_nobody_touched_is_found_right(street):
    found = verify(street.store, street.desk)

    assert (found.incidents, found.wrong, found.differences) == (42, 0, ())
    assert found.cells > 0


def test_an_incident_that_was_altered_is_named(street):
    with street.store.reading() as reader:
        altered = reader.report_incidents()[0]
    tamper(street, update(schema.incident).where(schema.incident.c.id == altered).values(t0_ms=1))

    found = verify(street.store, street.desk)

    assert found.wrong == 1
    assert altered in found.differences[0]


def test_a_rollup_that_lost_a_row_and_one_that_gained_are_found(street):
    with street.store.writing() as writer:
        row = next(writer.stream(schema.rollup))
        writer.remove(schema.rollup, [row[:6]])
        writer.add(schema.rollup, [(*row[:3], "nowhere", *row[4:])])

    found = verify(street.store, street.desk)

    assert found.wrong == 2
    assert any("nowhere" in difference for difference in found.differences)


def test_making_anew_puts_right_what_was_altered(street):
    before = content(street.store, *MADE)
    tamper(street, update(schema.incident).values(arrived_ms=None))

    assert rebuild(street.store, street.desk) == 42
    assert content(street.store, *MADE) == before


def test_making_anew_can_be_broken_off_and_nothing_is_lost(street):
    before = content(street.store, *MADE)

    def break_off(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(street.store, street.desk, break_off)

    assert content(street.store, *MADE) == before


def test_progress_is_told_after_every_chunk(street):
    told: list[tuple[int, int]] = []

    rebuild(street.store, street.desk, lambda done, of: told.append((done, of)))

    assert told == [(42, 42)]
    assert CHUNK > 42
