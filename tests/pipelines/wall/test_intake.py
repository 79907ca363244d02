"""The intake with its usual range: of the same hour and weekday, and only if it is known."""

from datetime import timedelta
from pathlib import Path

from pipelines.wall.overview import Memory
from tests.builders import NINE, at
from tests.pipelines.installations import a_call, an_installation, taken_in
from tests.pipelines.wall.reading import the_snapshot

WEEK = 7 * 86_400
HOUR = 3600


def mondays(weeks: int) -> list[dict[str, str]]:
    """Two calls every five minutes of the morning, on so many Mondays before."""
    starts = range(-3 * HOUR, 3 * HOUR, 300)
    return [
        a_call(f"{week}-{start}-{i}", reported=start + i - week * WEEK)
        for week in range(1, weeks + 1)
        for start in starts
        for i in (10, 20)
    ]


def test_the_usual_range_is_that_of_the_same_hour_and_weekday(tmp_path: Path) -> None:
    street = an_installation(tmp_path, more="[wall]\nintake_hours = 1\n")
    taken_in(street, *mondays(6))

    intake = the_snapshot(street, at(HOUR)).intake

    assert len(intake.counts) == len(intake.usual) == 12
    assert set(intake.usual) == {(2.0, 2.0)}


def test_without_enough_history_no_range_is_shown(tmp_path: Path) -> None:
    street = an_installation(tmp_path, more="[wall]\nintake_hours = 1\n")
    taken_in(street, *mondays(2))

    assert the_snapshot(street, at(HOUR)).intake.usual == ()


def test_the_range_that_is_kept_fits_the_windows_that_come(tmp_path: Path) -> None:
    street = an_installation(tmp_path, more="[wall]\nintake_hours = 1\n")
    taken_in(street, *mondays(6))
    memory = Memory(street)

    for minutes in (0, 5, 30, 55, 60, 65, 115, 120, 125):  # about where an hour turns
        now = NINE + timedelta(minutes=minutes)
        kept = the_snapshot(street, now, memory=memory).intake
        assert kept == the_snapshot(street, now).intake
