"""Days that are over are bound, which changes how fast a figure is and never what it says."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from pipelines.clock import ManualClock
from pipelines.figures import totals
from pipelines.figures.groups import By, Query, State
from pipelines.figures.query import tallies
from pipelines.installation import Installation
from pipelines.leases.lease import UPKEEP, LeaseLostError, Leases
from pipelines.model.milestone import Milestone
from pipelines.store import schema
from pipelines.store.buckets import Level
from pipelines.store.rows import from_ms, incident_from, to_ms
from pipelines.store.store import Writer
from pipelines.store.strata import Cut
from pipelines.store.volumes import Column, Lines, bound_days, read_lines, unbound_days
from pipelines.upkeep import binding
from pipelines.upkeep.binding import RESTS, Binder, Work, bind_all, due_sums
from pipelines.upkeep.rebuilding import rebuild, verify
from tests.builders import NINE, at
from tests.pipelines.installations import IN_G1, IN_G3, a_call, an_installation, content, taken_in
from tests.stores import on_every_database

pytestmark = on_every_database

DAY = 86_400
MARCH = datetime(2026, 2, 28, 16, tzinfo=UTC)
THE_YEAR = datetime(2025, 12, 31, 16, tzinfo=UTC)
"""When the month and the year of the calls begin in Shanghai."""
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
    for start, end in (
        (-DAY, 9 * DAY),
        (40_000, 6 * DAY + 1),
        (50_000, 58_000),
        (3 * DAY, DAY * 5),
        (-40 * DAY, 60 * DAY),
        (2 * DAY, 29 * DAY),  # of this month all but its ends
    )
    for asked in (
        {},
        {"by": By.GRID},
        {"by": By.SHIFT},
        {"by": By.SHIFT, "kind": "smoke", "grid": "G1"},
        {"by": By.KIND, "shift": "19:00", "milestone": Milestone.ACCEPTED},
        {"by": By.SOURCE, "severity": "0", "state": State.CLOSED},
        {"state": State.OPEN, "community": "C1"},
        {"state": State.CLOSED, "by": By.SHIFT},
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
        bind_all(writer, street.desk)


def bound(street: Installation) -> list[datetime]:
    with street.store.reading() as reader:
        return [from_ms(day) for day in bound_days(reader)]


def answers(street: Installation) -> list[object]:
    with street.store.reading() as reader:
        return [tallies(reader, query, street.desk) for query in QUESTIONS]


def summed(street: Installation) -> set[tuple[Cut, Level, datetime]]:
    with street.store.reading() as reader:
        rows = reader.rows(schema.stratified.select())
    return {(Cut(cut), Level(level), from_ms(start)) for cut, level, start, _ in rows}


def free(writer: Writer) -> None:
    """Nobody else looks after the store."""


def test_every_figure_is_the_same_before_and_after_its_days_were_bound(
    street: Installation,
) -> None:
    before = answers(street)

    bind(street)

    assert len(bound(street)) == 9
    assert summed(street) == {
        *((cut, Level.MONTH, MARCH) for cut in Cut),
        (Cut.STATE, Level.YEAR, THE_YEAR),
    }
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
    binder = Binder(street.store, street.desk, free, ManualClock(at(31 * DAY)))

    taken_in(
        street, a_call("late", reported=2 * DAY, place=IN_G1, kind="flood", arrived=2 * DAY + 9)
    )

    touched = [day for day in days if day not in bound(street)]
    assert touched == [at(2 * DAY).replace(hour=0)]
    assert summed(street) == set()
    after = answers(street)
    assert binder.look() == 1
    assert summed(street) == {(cut, Level.MONTH, MARCH) for cut in Cut}
    assert bound(street) == days
    assert answers(street) == after
    assert verify(street.store, street.desk).wrong == 0


@pytest.mark.parametrize(
    "said",
    [
        a_call("A-7", reported=7 * 97 * 60, place=IN_G1, kind="smoke"),
        a_call("A-77", reported=77 * 97 * 60, place=None, kind="smoke", resolved=6 * DAY),
        a_call("A-8", reported=8 * 97 * 60, kind="fire", arrived=8 * 97 * 60 + 900),
        a_call("A-9", reported=9 * 97 * 60, kind="fire", drill="yes"),
        a_call("A-6", reported=-20 * DAY, place=IN_G1),
        a_call("A-10", reported=10 * 97 * 60, place=None, kind="noise"),
    ],
    ids=["moved", "closed", "corrected", "left out", "began in another month", "reclassified"],
)
def test_what_is_said_again_about_a_summed_month_counts_at_once(
    street: Installation, said: dict[str, str]
) -> None:
    taken_in(street, a_call("before", reported=-25 * DAY, place=IN_G1))
    bind(street)
    before = answers(street)

    taken_in(street, said, now=at(31 * DAY))

    at_once = answers(street)
    assert at_once != before
    assert verify(street.store, street.desk).wrong == 0
    bind(street)
    assert answers(street) == at_once
    assert verify(street.store, street.desk).wrong == 0


def test_a_day_is_bound_when_it_has_been_over_for_a_while(street: Installation) -> None:
    clock = ManualClock(NINE.replace(hour=0) + timedelta(days=1) + RESTS - timedelta(seconds=1))
    binder = Binder(street.store, street.desk, free, clock)

    assert binder.look() == 0
    clock.advance(timedelta(seconds=1))
    assert binder.look() == 1
    assert bound(street) == [NINE.replace(hour=0)]


def test_a_month_and_a_year_are_summed_when_they_have_been_over_for_a_while(
    street: Installation,
) -> None:
    clock = ManualClock(datetime(2026, 3, 31, 16, tzinfo=UTC) + RESTS - timedelta(seconds=1))
    binder = Binder(street.store, street.desk, free, clock)
    before = answers(street)

    binder.look()
    assert summed(street) == set()
    clock.advance(timedelta(seconds=1))
    binder.look()
    assert summed(street) == {(cut, Level.MONTH, MARCH) for cut in Cut}
    clock.advance(timedelta(days=275))
    binder.look()
    assert (Cut.STATE, Level.YEAR, THE_YEAR) in summed(street)
    assert answers(street) == before


def test_sums_made_by_other_shifts_are_not_read_and_are_made_anew(street: Installation) -> None:
    bind(street)
    others = replace(street, desk=replace(street.desk, shifts=(time(6), time(19))))
    asked = Query(as_of=at(60 * DAY), start=at(-40 * DAY), by=By.SHIFT)

    with street.store.reading() as reader:
        by_these = tallies(reader, asked, street.desk)
        by_others = tallies(reader, asked, others.desk)
        one_by_one = Counter(
            others.desk.shift_at(incident.t0.at)
            for incident in map(incident_from, reader.incident_rows())
        )
    Binder(street.store, others.desk, free, ManualClock(at(31 * DAY))).look()

    assert {key: tally.incidents for key, tally in by_others.items()} == one_by_one
    assert by_these != by_others
    with street.store.reading() as reader:
        assert tallies(reader, asked, others.desk) == by_others
        assert tallies(reader, asked, street.desk) == by_these
    assert verify(street.store, others.desk).wrong == 0


def test_a_year_is_not_summed_when_something_was_said_about_one_of_its_months_meanwhile(
    street: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = a_call("late", reported=-40 * DAY, place=IN_G1)
    binder = Binder(street.store, street.desk, free, ManualClock(at(400 * DAY)))

    def talked_over(work: Work) -> Work:
        if work.level is Level.YEAR:
            taken_in(street, late)
        return work

    monkeypatch.setattr(binding, "due_sums", lambda *given: map(talked_over, due_sums(*given)))
    binder.look()

    assert (Cut.STATE, Level.YEAR, THE_YEAR) not in summed(street)
    before = answers(street)
    monkeypatch.undo()
    binder.look()
    assert (Cut.STATE, Level.YEAR, THE_YEAR) in summed(street)
    assert answers(street) == before
    assert verify(street.store, street.desk).wrong == 0


def test_days_are_bound_by_whoever_looks_after_the_store(street: Installation) -> None:
    leases = Leases(street.store)
    binder = Binder(
        street.store, street.desk, lambda w: leases.guard(w, [UPKEEP]), ManualClock(at(31 * DAY))
    )

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


@pytest.mark.parametrize(
    ("level", "start", "said"),
    [
        (Level.MONTH, MARCH, ["stratum state month", "stratum state year"]),
        (Level.YEAR, THE_YEAR, ["stratum state year"]),
    ],
)
def test_sums_that_say_something_else_than_their_lines_are_named(
    street: Installation, level: Level, start: datetime, said: list[str]
) -> None:
    bind(street)
    table = schema.stratum
    key = (table.c.cut == int(Cut.STATE), table.c.level == int(level), table.c.per == 0)
    with street.store.writing() as writer:
        assert writer.change(update(table).where(*key).values(incidents=7)) > 0

    found = verify(street.store, street.desk)

    assert [text.rsplit(" ", 1)[0] for text in found.differences] == said
    assert str(to_ms(start)) in found.differences[0]


def test_a_rebuild_leaves_the_same_sums(street: Installation) -> None:
    bind(street)
    before = content(street.store, "stratum", "stratified", "volume")

    rebuild(street.store, street.desk)

    assert content(street.store, "stratum", "stratified", "volume") == before


def test_a_year_by_shift_or_state_is_a_few_rows_and_not_its_incidents(
    street: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind(street)
    read: list[int] = []

    def counted(*given: Any) -> Iterator[tuple[int, Lines]]:
        for sign, lines in read_lines(*given):
            read.append(lines.number)
            yield sign, lines

    monkeypatch.setattr(totals, "read_lines", counted)
    window = {"as_of": at(60 * DAY), "start": MARCH - timedelta(days=60)}
    asked = (
        {"by": By.SHIFT},
        {"shift": "19:00"},
        {"severity": "0"},
        {"state": State.CLOSED},
        {"severity": "0", "by": By.SHIFT},
    )
    with street.store.reading() as reader:
        for one in asked:
            assert tallies(reader, Query(**window, **one), street.desk)  # type: ignore[arg-type]

    assert read == []
