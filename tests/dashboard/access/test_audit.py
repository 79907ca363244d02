"""The audit log: whatever is done to it afterwards shows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, delete, text, update

from dashboard.access.audit import KEPT, Act, Audit
from dashboard.access.engine import open_engine
from dashboard.access.tables import audit
from tests.builders import NINE, at


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def log(engine: Engine) -> Audit:
    log = Audit(engine)
    for n in range(5):
        log.add(Act.REVEALED, who="chen", now=at(n), about=f"incident {n}", detail={"n": n})
    return log


def change(engine: Engine, statement: Any) -> None:
    with engine.begin() as connection:
        connection.execute(statement)


def test_an_untouched_log_is_whole(log: Audit) -> None:
    checked = log.verify()

    assert (checked.entries, checked.broken) == (5, None)
    assert checked.last == log.entries(limit=1)[0].hash


@pytest.mark.parametrize(
    ("column", "value"),
    [("who", "li"), ("act", "exported"), ("about", "x"), ("detail", "{}"), ("at_ms", 1)],
)
def test_a_changed_entry_shows(engine: Engine, log: Audit, column: str, value: object) -> None:
    change(engine, update(audit).where(audit.c.number == 3).values({column: value}))

    assert log.verify().broken == 3


def test_an_entry_taken_out_shows(engine: Engine, log: Audit) -> None:
    change(engine, delete(audit).where(audit.c.number == 3))

    assert log.verify().broken == 4


def test_entries_renumbered_to_hide_a_gap_show(engine: Engine, log: Audit) -> None:
    change(engine, delete(audit).where(audit.c.number == 3))
    change(engine, text("UPDATE audit SET number = number - 1 WHERE number > 3"))

    assert log.verify().broken == 3


def test_a_first_entry_taken_out_shows(engine: Engine, log: Audit) -> None:
    change(engine, delete(audit).where(audit.c.number == 1))
    change(engine, text("UPDATE audit SET number = number - 1"))

    assert log.verify().broken == 1


def test_old_entries_are_forgotten_and_that_is_an_entry_itself(log: Audit) -> None:
    sealed = log.entries()[0].hash

    forgotten = log.trim(now=NINE + KEPT + timedelta(seconds=10))

    (entry,) = log.entries()
    assert forgotten == 5
    assert (entry.act, entry.number, entry.detail) == (
        "trimmed",
        6,
        {"entries": 5, "until": 5, "sealed": sealed},
    )
    assert log.verify().broken is None


def test_part_of_the_log_can_be_forgotten(log: Audit) -> None:
    assert log.trim(now=NINE + KEPT + timedelta(seconds=3)) == 3
    assert log.verify().broken is None
    assert [entry.about for entry in log.entries()][1:] == ["incident 4", "incident 3"]


def test_entries_cut_off_at_the_start_without_a_trim_show(engine: Engine, log: Audit) -> None:
    change(engine, delete(audit).where(audit.c.number <= 2))

    assert log.verify().broken == 3


def test_more_cut_off_than_was_trimmed_shows(engine: Engine, log: Audit) -> None:
    log.trim(now=NINE + KEPT + timedelta(seconds=2))
    change(engine, delete(audit).where(audit.c.number == 3))

    assert log.verify().broken == 4


def test_the_first_entry_after_a_trim_is_proved_too(engine: Engine, log: Audit) -> None:
    log.trim(now=NINE + KEPT + timedelta(seconds=2))
    log.trim(now=NINE + KEPT + timedelta(seconds=3))
    assert log.verify().broken is None

    change(engine, update(audit).where(audit.c.number == 4).values(who="li"))

    assert log.verify().broken == 4


def test_nothing_is_forgotten_too_early(log: Audit) -> None:
    with pytest.raises(ValueError, match="180 days"):
        log.trim(now=NINE, kept=timedelta(days=30))
