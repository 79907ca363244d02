"""Cutting a window into rows that exist and ragged ends."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.store.buckets import Cover, Level, bucket_end, bucket_start, cover

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


def spans(parts: Cover) -> list[tuple[datetime, datetime]]:
    return sorted([*parts.ends, *(span for _, span in parts.whole)])


@given(begin=moments, end=moments, zone=zones)
def test_the_parts_are_disjoint_and_add_up_to_the_window(
    begin: datetime, end: datetime, zone: ZoneInfo
) -> None:
    parts = spans(cover((begin, end), zone))

    if begin >= end:
        assert parts == []
        return
    assert (parts[0][0], parts[-1][1]) == (begin, end)
    assert all(first[1] == second[0] for first, second in pairwise(parts))
    assert all(start < stop for start, stop in parts)


@example(
    begin=datetime(1990, 2, 15, 17, 0, 0, 1000, tzinfo=UTC), days=2, zone=ZoneInfo("Asia/Kolkata")
)
@given(begin=moments, days=st.integers(0, 800), zone=zones)
def test_whole_parts_are_made_of_whole_buckets(begin: datetime, days: int, zone: ZoneInfo) -> None:
    parts = cover((begin, begin + timedelta(days=days, minutes=7)), zone)

    for level, (start, stop) in parts.whole:
        while start < stop:
            assert bucket_start(level, start, zone) == start
            start = bucket_end(level, start, zone)
        assert start == stop
    # between 17:00:01 and a midnight at 18:30 UTC lies no whole hour, but more than one
    assert all(stop - start < timedelta(hours=2) for start, stop in parts.ends)


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
def test_a_local_year_is_one_run_of_months(zone: str) -> None:
    year = (local("2026-01-01", zone), local("2027-01-01", zone))

    assert cover(year, ZoneInfo(zone)) == Cover(((Level.MONTH, year),), ())


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu"])
def test_a_day_that_begins_between_two_hours_is_one_row(zone: str) -> None:
    window = (local("2026-03-02", zone), local("2026-03-02T06:00", zone) + timedelta(days=1))

    parts = cover(window, ZoneInfo(zone))

    assert Counter(level for level, _ in parts.whole) == {Level.DAY: 1, Level.HOUR: 1}
    assert len(parts.ends) == 2


def test_any_window_is_a_handful_of_parts() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    window = (local("2009-01-02T03:04", str(zone)), local("2026-11-23T04:05", str(zone)))

    assert len(spans(cover(window, zone))) == 7
