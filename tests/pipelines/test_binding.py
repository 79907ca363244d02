"""Days that are over are bound, which changes how fast a figure is and never what it says."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from pipelines.clock import ManualClock
from pipelines.figures.groups import By, Query, State
from pipelines.figures.query import tallies
from pipelines.installation import Installation
from pipelines.leases.lease import UPKEEP, LeaseLostError, Leases
from pipelines.model.milestone import Milestone
from pipelines.store import schema
from pipelines.store.rows import from_ms
from pipelines.store.store import Writer
from pipelines.store.volumes import Column, bound_days, unbound_days
from pipelines.upkeep.binding import RESTS, Binder, bind_all
from pipelines.upkeep.rebuilding import verify
from tests.builders import NINE, at
from tests.pipelines.installations import IN_G1, IN_G3, a_call, an_installation, taken_in
from tests.stores import on_every_database

pytestmark = on_every_database

DAY = 86_400
SHIFTS = """
[wall]
shifts = [
  { name = { zh = "早班", en = "Early" }, from = "07:30" },
  { name = { zh = "晚班", en = "Late" }, from = "19:00" },
]
"""
# every 97 minutes for eight days; some late, some open, some not on the map
CALLS = [
    a_call(
        f"A-{n}",
        reported=n * 97 * 60,
        place=(IN_G1, IN_G3, None)[n % 3],
        kind=("fire", "smoke")[n % 2],
        arrived=None if n % 7 == 0 else n * 97 * 60 + 200 + 40 * (n % 5),
        resolved=None if n % 11 == 0 else n * 97 * 60 + 2000,
    )
    for n in range(120)
]
QUESTIONS = [
    Query(as_of=at(as_of * DAY), start=at(start), end=at(end), **asked)  # type: ignore[arg-type]
    for as_of in (2, 30)
    for start, end in ((-DAY, 9 * DAY), (40_000, 6 * DAY + 1), (50_000, 58_000), (3 * DAY, DAY * 5))
    for asked in (
        {},
        {"by": By.GRID},
        {"by": By.SHIFT},
        {"by": By.SHIFT, "kind": "smoke", "grid": "G1"},
        {"by": By.KIND, "shift": "19:00", "milestone": Milestone.ACCEPTED},
        {"by": By.SOURCE, "severity": "0", "state": State.CLOSED},
        {"state": State.OPEN, "community": "C1"},
    )
]


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path, more=SHIFTS)
    taken_in(installation, *CALLS)
    yield installation
    installation.store.close()


def bind(street: Installation) -> None:
    with street.store.writing() as writer:
        bind_all(writer)


def bound(street: Installation) -> list[datetime]:
    with street.store.reading() as reader:
        return [from_ms(day) for day in bound_days(reader)]


def answers(street: Installation) -> list[object]:
    with street.store.reading() as reader:
        return [tallies(reader, query, street.desk) for query in QUESTIONS]


def free(writer: Writer) -> None:
    """Nobody else looks after the store."""


def test_every_figure_is_the_same_before_and_after_its_days_were_bound(
    street: Installation,
) -> None:
    before = answers(street)

    bind(street)

    assert len(bound(street)) == 9
    assert answers(street) == before


def test_of_a_silent_source_too(street: Installation) -> None:
    hushed = replace(street.desk, silent=lambda reader, now: frozenset({"calls"}))
    silent = replace(street, desk=hushed)
    before = answers(silent)

    bind(street)

    assert before != answers(street)
    assert answers(silent) == before


def test_what_is_said_about_a_bound_day_counts_at_once_and_the_day_is_bound_again(
    street: Installation,
) -> None:
    bind(street)
    days = bound(street)
    binder = Binder(street.store, free, ManualClock(at(30 * DAY)))

    taken_in(
        street, a_call("late", reported=2 * DAY, place=IN_G1, kind="flood", arrived=2 * DAY + 9)
    )

    touched = [day for day in days if day not in bound(street)]
    assert touched == [at(2 * DAY).replace(hour=0)]
    after = answers(street)
    assert binder.look() == 1
    assert bound(street) == days
    assert answers(street) == after
    assert verify(street.store, street.desk).wrong == 0


def test_a_day_is_bound_when_it_has_been_over_for_a_while(street: Installation) -> None:
    clock = ManualClock(NINE.replace(hour=0) + timedelta(days=1) + RESTS - timedelta(seconds=1))
    binder = Binder(street.store, free, clock)

    assert binder.look() == 0
    clock.advance(timedelta(seconds=1))
    assert binder.look() == 1
    assert bound(street) == [NINE.replace(hour=0)]


def test_days_are_bound_by_whoever_looks_after_the_store(street: Installation) -> None:
    leases = Leases(street.store)
    binder = Binder(street.store, lambda w: leases.guard(w, [UPKEEP]), ManualClock(at(30 * DAY)))

    with pytest.raises(LeaseLostError):
        binder.look()
    assert bound(street) == []

    assert leases.acquire(UPKEEP)
    assert binder.look() == 9
    with street.store.reading() as reader:
        assert unbound_days(reader) == []


@pytest.mark.parametrize("column", [Column.BEGUN, Column.SLOT, Column.STATE, Column.CLOCK + 4])
def test_a_volume_that_says_something_else_than_its_sheets_is_named(
    street: Installation, column: int
) -> None:
    bind(street)
    day = schema.volume.c.day_ms
    with street.store.writing() as writer:
        (first, *_) = bound_days(writer)
        (row,) = writer.by_key(schema.volume, [(first, column)])
        assert row is not None
        altered = update(schema.volume).where(day == first, schema.volume.c.part == int(column))
        assert writer.change(altered.values(content=bytes([row[2][0] ^ 1]) + row[2][1:])) == 1

    found = verify(street.store, street.desk)

    assert found.wrong == 1
    assert found.differences == (f"volume {first}",)
