"""Cutting a window into rows that exist and ragged ends."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.store.buckets import Level, Part, bucket_end, bucket_start, cover

ZONES = [
    "Asia/Shanghai",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # clocks change by half an hour
    "America/Havana",  # midnight occurs twice
    "Asia/Beirut",  # midnight does not exist
    "Pacific/Apia",  # a day that does not exist
]

zones = st.sampled_from(ZONES).map(ZoneInfo)
milliseconds = st.integers(0, 40 * 366 * 86_400_000)
moments = st.builds(
    lambda ms, width: (
        datetime(1990, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms // width * width)
    ),
    milliseconds,
    st.sampled_from([1, 60_000, 1_800_000, 3_600_000, 86_400_000]),
)


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def covered(parts: tuple[Part, ...]) -> dict[datetime, int]:
    """How often each moment counts, by where that changes."""
    steps: Counter[datetime] = Counter()
    for part in parts:
        steps[part.span[0]] += part.sign
        steps[part.span[1]] -= part.sign
    return {moment: n for moment, n in steps.items() if n}


@given(begin=moments, end=moments, zone=zones)
def test_the_parts_add_up_to_the_window(begin: datetime, end: datetime, zone: ZoneInfo) -> None:
    parts = cover((begin, end), zone)

    assert covered(parts) == ({begin: 1, end: -1} if begin < end else {})
    assert all(start < stop for _, _, (start, stop) in parts)


@given(begin=moments, days=st.integers(0, 4000), zone=zones)
def test_summed_parts_are_made_of_whole_buckets_and_few_hours_are_left(
    begin: datetime, days: int, zone: ZoneInfo
) -> None:
    parts = cover((begin, begin + timedelta(days=days, minutes=7)), zone)

    for level, _, (start, stop) in parts:
        if level is Level.HOUR:
            # no more than half of the eleven days a period may have
            assert stop - start <= timedelta(days=5, hours=13)
            continue
        while start < stop:
            assert bucket_start(level, start, zone) == start
            start = bucket_end(level, start, zone)
        assert start == stop


@given(moment=moments, zone=zones, level=st.sampled_from(Level))
def test_a_moment_is_in_its_bucket_and_in_no_other(
    moment: datetime, zone: ZoneInfo, level: Level
) -> None:
    start = bucket_start(level, moment, zone)
    end = bucket_end(level, start, zone)

    assert start <= moment < end
    assert bucket_start(level, start, zone) == start
    assert bucket_start(level, end - timedelta(milliseconds=1), zone) == start
    assert bucket_start(level, end, zone) == end


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-02", "Asia/Shanghai", 24),
        ("2026-03-08", "America/Los_Angeles", 23),
        ("2026-11-01", "America/Los_Angeles", 25),
        ("2026-04-05", "Australia/Lord_Howe", 24.5),
        ("2026-03-29", "Asia/Beirut", 23),
        ("2026-11-01", "America/Havana", 25),
    ],
)
def test_a_day_is_as_long_as_the_clocks_say(day: str, zone: str, hours: float) -> None:
    start = bucket_start(Level.DAY, local(f"{day}T12:00", zone), ZoneInfo(zone))

    assert bucket_end(Level.DAY, start, ZoneInfo(zone)) - start == timedelta(hours=hours)


@pytest.mark.parametrize("zone", ZONES)
def test_a_local_year_is_one_row(zone: str) -> None:
    year = (local("2026-01-01", zone), local("2027-01-01", zone))

    assert cover(year, ZoneInfo(zone)) == (Part(Level.YEAR, 1, year),)


def test_more_than_half_of_a_month_is_the_month_without_the_rest() -> None:
    zone = "Asia/Shanghai"
    window = (local("2026-02-01", zone), local("2026-02-21", zone))

    assert cover(window, ZoneInfo(zone)) == (
        Part(Level.TEN_DAYS, -1, (window[1], local("2026-03-01", zone))),
        Part(Level.MONTH, 1, (window[0], local("2026-03-01", zone))),
    )


@pytest.mark.parametrize(
    ("day", "begins"), [(1, 1), (10, 1), (11, 11), (20, 11), (21, 21), (29, 21), (31, 21)]
)
def test_a_month_has_three_periods_the_last_of_which_takes_what_is_left(
    day: int, begins: int
) -> None:
    moment = local(f"2026-03-{day:02}T12:00", "Asia/Shanghai")

    start = bucket_start(Level.TEN_DAYS, moment, ZoneInfo("Asia/Shanghai"))

    assert start == local(f"2026-03-{begins:02}", "Asia/Shanghai")


def test_any_window_is_a_handful_of_parts() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    window = (local("2009-01-02T03:04", str(zone)), local("2026-11-23T04:05", str(zone)))

    parts = cover(window, zone)

    assert len(parts) == 5
    assert {part.level for part in parts} == {Level.HOUR, Level.TEN_DAYS, Level.MONTH, Level.YEAR}
