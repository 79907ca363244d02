"""Working time: 2026 in China, as the State Council announced it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.figures.targets import CalendarSettings
from pipelines.model.working import Calendar, WorkingTime, WorkUnit, hours_from

CONFIG = Path(__file__).parents[3] / "config"
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return CalendarSettings(file="calendars/cn.toml").load(CONFIG, SHANGHAI)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def due(calendar: Calendar, start: str, amount: float, unit: WorkUnit) -> str | None:
    found = calendar.deadline(local(start), WorkingTime(amount, unit))
    return None if found is None else f"{found.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def test_the_days_of_2026_are_as_announced(calendar: Calendar) -> None:
    # the Spring Festival of 2026 is 15 to 23 February; 14 and 28 February are worked instead
    assert [calendar.is_worked(date(2026, 2, d)) for d in (13, 14, 15, 16, 23, 24, 28)] == [
        True, True, False, False, False, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "amount", "unit", "deadline"),
    [
        # Monday, inside the hours
        ("2026-03-02T09:00", 2, WorkUnit.HOUR, "2026-03-02 11:00"),
        # over the midday break, and to the very end of the day
        ("2026-03-02T11:00", 2, WorkUnit.HOUR, "2026-03-02 14:30"),
        ("2026-03-02T13:30", 4, WorkUnit.HOUR, "2026-03-02 17:30"),
        # Friday evening waits for Monday
        ("2026-03-06T18:00", 1, WorkUnit.HOUR, "2026-03-09 09:30"),
        # Friday the 13th of February: Saturday is worked, then nine days off
        ("2026-02-13T17:00", 8.5, WorkUnit.HOUR, "2026-02-24 09:00"),
        # an urgent hour runs on any day
        ("2026-02-15T09:00", 2, WorkUnit.URGENT_HOUR, "2026-02-15 11:00"),
        ("2026-02-15T19:00", 2, WorkUnit.URGENT_HOUR, "2026-02-16 09:00"),
        # days are counted from the next one; the last ends at midnight
        ("2026-03-02T09:00", 1, WorkUnit.DAY, "2026-03-04 00:00"),
        ("2026-03-06T09:00", 1, WorkUnit.DAY, "2026-03-10 00:00"),
        ("2026-02-13T09:00", 2, WorkUnit.DAY, "2026-02-25 00:00"),
        # the leap day
        ("2024-02-28T09:00", 1, WorkUnit.DAY, "2024-03-01 00:00"),
    ],
)
def test_a_limit_in_working_time_runs_out_by_the_calendar(
    calendar: Calendar, start: str, amount: float, unit: WorkUnit, deadline: str
) -> None:
    assert due(calendar, start, amount, unit) == deadline


@pytest.mark.parametrize("unit", [WorkUnit.HOUR, WorkUnit.DAY])
def test_a_year_that_is_not_announced_is_not_guessed(calendar: Calendar, unit: WorkUnit) -> None:
    assert due(calendar, "2026-12-31T17:00", 2, unit) is None
    assert due(calendar, "2026-12-31T17:00", 2, WorkUnit.URGENT_HOUR) is not None


@given(
    minutes=st.integers(0, 500_000),
    amount=st.integers(1, 40),
    unit=st.sampled_from([WorkUnit.HOUR, WorkUnit.DAY]),
)
def test_who_begins_later_or_has_longer_is_never_due_earlier(
    calendar: Calendar, minutes: int, amount: int, unit: WorkUnit
) -> None:
    start = local("2025-01-01") + timedelta(minutes=minutes)

    first = calendar.deadline(start, WorkingTime(amount, unit))
    later = calendar.deadline(start + timedelta(minutes=7), WorkingTime(amount, unit))
    longer = calendar.deadline(start, WorkingTime(amount + 1, unit))

    assert first is not None
    assert later is not None
    assert longer is not None
    assert start < first <= later
    assert first < longer


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["half past eight"], "must be two times of day"),
        (["12:00-08:00"], "must end after it begins"),
        (["08:00-12:00", "11:00-13:00"], "must begin after the hours before it"),
        ([], "needs at least one span"),
    ],
)
def test_hours_that_cannot_be_are_named(texts: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hours_from(texts)
