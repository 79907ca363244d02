"""What is expected of a source, and when its silence is no coincidence."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds.arrivals import (
    HOUR_MS,
    Delay,
    Rhythm,
    behind,
    clock_offset,
    delays_of,
    lag,
    read_rhythm,
    recent_hours,
    rhythm_of,
)
from pipelines.installation import Installation
from pipelines.store.rows import from_ms, to_ms
from tests.builders import MUCH_LATER, NINE, at
from tests.pipelines.installations import a_bad_record, a_batch, a_call, a_record, an_installation

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)


def a_history(per_hour, weeks=4, until=NINE):
    """(hour, records, occasions) of every hour with records; ``per_hour`` is asked by hour of day.

    A last record at ``until`` closes it.
    """
    start = until - timedelta(weeks=weeks)
    rows = []
    for i in range(weeks * 168):
        moment = start + i * HOUR
        n = per_hour(moment.astimezone(SHANGHAI))
        if n:
            rows.append((to_ms(moment), n, n))
    return [*rows, (to_ms(until), 1, 1)]


def a_rhythm(per_hour, weeks=4, delays=()):
    return rhythm_of(a_history(per_hour, weeks), tuple(delays), SHANGHAI)


def steady(n):
    return lambda _: n


def by_day(local):
    return 6 if 8 <= local.hour < 18 else 0


def test_a_steady_source_is_expected_at_its_rate():
    rhythm = a_rhythm(steady(12))

    assert rhythm.records.at(to_ms(NINE)) == pytest.approx(12)
    assert rhythm.expected(NINE + timedelta(minutes=30)) == pytest.approx(6)


def test_the_chance_of_nothing_is_that_of_a_poisson_process():
    rhythm = a_rhythm(steady(6))

    assert rhythm.chance_of_nothing(NINE, NINE + timedelta(minutes=30)) == pytest.approx(
        0.0498, abs=1e-4
    )


def test_silence_begins_where_chance_ends():
    rhythm = a_rhythm(steady(12))  # exp(-12 h) = 0.001 after 34.5 minutes

    assert not rhythm.is_silent(NINE, NINE + timedelta(minutes=34))
    assert rhythm.is_silent(NINE, NINE + timedelta(minutes=35))


def test_a_source_of_office_hours_is_quiet_at_night_and_silent_by_day():
    rhythm = a_rhythm(by_day)
    six_pm = NINE + 9 * HOUR

    assert not rhythm.is_silent(six_pm, six_pm + 14 * HOUR)
    assert rhythm.is_silent(six_pm, six_pm + 17 * HOUR)


def test_a_weekday_differs_from_a_weekend_once_there_is_history_enough():
    rhythm = a_rhythm(lambda local: 10 if local.weekday() < 5 else 0, weeks=8)
    monday, sunday = NINE + 7 * 24 * HOUR, NINE + 6 * 24 * HOUR

    assert rhythm.records.at(to_ms(monday)) > 8
    assert rhythm.records.at(to_ms(sunday)) < 2


def test_an_office_that_is_shut_at_weekends_is_not_silent_then():
    rhythm = a_rhythm(lambda local: by_day(local) if local.weekday() < 5 else 0)
    friday_six_pm = NINE + 4 * 24 * HOUR + 9 * HOUR

    assert not rhythm.is_silent(friday_six_pm, friday_six_pm + 62 * HOUR)
    assert rhythm.is_silent(friday_six_pm, friday_six_pm + 65 * HOUR)


def test_one_odd_hour_in_a_short_history_makes_nobody_cry_wolf():
    flood = NINE - 6 * 24 * HOUR
    history = [(h, n, 60 if h == to_ms(flood) else o) for h, n, o in a_history(steady(1), 1)]

    rhythm = rhythm_of(history, (), SHANGHAI)

    a_week_later = flood + 7 * 24 * HOUR
    assert not rhythm.is_silent(a_week_later, a_week_later + timedelta(minutes=30))


def test_too_little_history_judges_nothing():
    few = rhythm_of([(to_ms(NINE) + i * 10 * HOUR_MS, 1, 1) for i in range(8)], (), SHANGHAI)
    short = rhythm_of([(to_ms(NINE) + i * HOUR_MS, 9, 9) for i in range(20)], (), SHANGHAI)

    for rhythm in (few, short, rhythm_of([], (), SHANGHAI)):
        assert rhythm.chance_of_nothing(NINE, MUCH_LATER) is None
        assert not rhythm.is_silent(NINE, MUCH_LATER)


def test_a_source_that_has_been_dead_for_weeks_has_not_got_used_to_it():
    rhythm = a_rhythm(steady(12))

    assert rhythm.is_silent(NINE, NINE + timedelta(weeks=30))


def test_ten_records_at_once_are_one_occasion():
    bundles = [(hour, 10 * n, n) for hour, n, _ in a_history(steady(1))]
    rhythm = rhythm_of(bundles, (), SHANGHAI)

    assert not rhythm.is_silent(NINE, NINE + 6 * HOUR)
    assert rhythm.is_silent(NINE, NINE + 7 * HOUR)


def test_what_takes_a_source_a_day_to_deliver_is_not_missed_before():
    day = Delay(to_ms(NINE), 0, 12 * HOUR_MS, 24 * HOUR_MS)
    mailed = a_rhythm(steady(4), delays=[day] * 3)
    prompt = a_rhythm(steady(4))

    assert prompt.is_silent(NINE, NINE + 3 * HOUR)
    assert not mailed.is_silent(NINE, NINE + 24 * HOUR)
    assert mailed.is_silent(NINE, NINE + 27 * HOUR)


def test_the_band_holds_nearly_every_usual_hour():
    rhythm = a_rhythm(by_day)
    noon = NINE + 3 * HOUR

    hours = rhythm.hours({to_ms(noon): 5}, noon + timedelta(minutes=20))

    assert (len(hours), hours[-1].start, hours[-1].records) == (24, noon, 5)
    assert hours[-1].low < 6 < hours[-1].high
    assert hours[-10].start.astimezone(SHANGHAI).hour == 3
    assert hours[-10].high < 1


@given(
    st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 500)), max_size=60),
    st.integers(0, 3000),
    st.integers(0, 3000),
)
def test_waiting_longer_never_makes_silence_more_likely_to_be_chance(hours, first, more):
    counted = dict(hours)
    history = [(to_ms(NINE) + h * HOUR_MS, n, min(n, 60)) for h, n in sorted(counted.items())]
    rhythm = rhythm_of(history, (), SHANGHAI)
    last = NINE + timedelta(hours=4000)

    sooner = rhythm.chance_of_nothing(last, last + timedelta(minutes=first))
    later = rhythm.chance_of_nothing(last, last + timedelta(minutes=first + more))

    assert (sooner is None) == (later is None)
    assert sooner is None or 0 <= later <= sooner <= 1


@given(st.lists(st.tuples(st.integers(0, 2**20), st.integers(-(2**20), 2**20)), min_size=1))
def test_the_offset_is_never_above_the_lag(pairs):
    delays = [Delay(i, low, max(low, mid), max(low, mid)) for i, (mid, low) in enumerate(pairs)]

    assert clock_offset(delays) <= lag(delays)


# What the door counts


@pytest.fixture
def street(tmp_path: Path):
    installation = an_installation(tmp_path)
    yield installation
    installation.store.close()


def accepted(street: Installation, *records, now: datetime = MUCH_LATER):
    street.door.accept(street.sources[0], a_batch(*records), now=now)


def hours_of(street: Installation, now: datetime):
    with street.store.reading() as reader:
        return recent_hours(reader, now=now).get("calls", {})


def test_records_count_in_the_hour_they_speak_of(street: Installation):
    accepted(street, a_record(a_call("A-1", reported=0)), now=at(5000))
    accepted(street, a_record(a_call("A-2", reported=10, arrived=4000)), now=at(5000))

    assert hours_of(street, at(5000)) == {to_ms(NINE): 1, to_ms(at(3600)): 1}


def test_what_was_there_already_counts_once(street: Installation):
    for _ in range(3):
        accepted(street, a_record(a_call("A-1")), a_record(a_call("A-1")), now=at(50))

    assert hours_of(street, at(50)) == {to_ms(NINE): 1}


def test_a_record_that_cannot_be_read_has_come_all_the_same(street: Installation):
    accepted(street, a_bad_record("junk"), now=at(50))

    assert hours_of(street, at(50)) == {to_ms(NINE): 1}


def test_a_history_that_is_loaded_in_bulk_gives_a_rhythm(street: Installation):
    calls = [a_record(a_call(f"A-{i}", reported=-i * 1800.0), ordinal=i) for i in range(1, 48 * 14)]

    accepted(street, *calls, now=at(0))

    with street.store.reading() as reader:
        rhythm = read_rhythm(reader, "calls", SHANGHAI)
    assert rhythm.records is not None
    assert rhythm.records.at(to_ms(NINE) - 5 * HOUR_MS) == pytest.approx(2, abs=0.1)


def test_lag_and_clock_offset_follow_from_receipt_and_stamp(street: Installation):
    for i in range(9):
        seconds = i * 60.0
        accepted(street, a_record(a_call(f"A-{i}", reported=seconds)), now=at(seconds + 20 + i))

    with street.store.reading() as reader:
        delays = delays_of(reader, "calls")
    assert (lag(delays), clock_offset(delays)) == (timedelta(seconds=24), timedelta(seconds=20))


def test_a_clock_that_is_ahead_shows_as_an_offset_below_zero(street: Installation):
    accepted(street, a_record(a_call("A-1", reported=35)), now=at(0))

    with street.store.reading() as reader:
        assert clock_offset(delays_of(reader, "calls")) == timedelta(seconds=-35)


def test_what_is_remembered_of_delays_is_bounded(street: Installation):
    for i in range(80):
        accepted(street, a_record(a_call(f"A-{i}", reported=i * 60.0)), now=at(i * 60.0 + 5))

    with street.store.reading() as reader:
        assert len(delays_of(reader, "calls")) == 64


def test_history_that_is_loaded_is_no_delay(street: Installation):
    accepted(street, a_record(a_call("A-1")), now=MUCH_LATER)

    with street.store.reading() as reader:
        assert delays_of(reader, "calls") == ()


def test_rates_are_of_local_hours_whatever_the_clocks_do():
    berlin = ZoneInfo("Europe/Berlin")
    until = datetime(2026, 10, 20, 7, tzinfo=UTC)  # five days before the clocks go back
    rows = []
    for i in range(8 * 168):
        moment = until - timedelta(weeks=8) + i * HOUR
        if moment.astimezone(berlin).hour == 9:
            rows.append((to_ms(moment), 60, 60))
    rhythm = rhythm_of(rows, (), berlin)

    nine_in_winter = datetime(2026, 11, 3, 8, tzinfo=UTC)
    assert rhythm.records.at(to_ms(nine_in_winter)) > 30
    assert from_ms(to_ms(nine_in_winter)).astimezone(berlin).hour == 9


def test_without_a_rhythm_hours_are_shown_as_they_were():
    assert {hour.high for hour in Rhythm().hours({}, NINE)} == {0.0}


def delays(*median_s: float, last: timedelta = timedelta(0)) -> list[Delay]:
    """A minute each, the last one ending ``last`` before nine."""
    end = to_ms(NINE - last)
    return [
        Delay(end - 60_000 * (len(median_s) - 1 - i), 0, round(s * 1000), round(s * 1000))
        for i, s in enumerate(median_s)
    ]


def test_records_that_come_as_usual_are_not_behind():
    assert behind(delays(*[2.0] * 10), now=NINE) is None
    assert behind(delays(*[2.0] * 9, 20.0), now=NINE) is None


def test_in_a_flood_records_come_later_by_what_they_say():
    assert behind(delays(*[2.0] * 20, 60.0, 120.0), now=NINE) == timedelta(seconds=118)


def test_a_flood_of_half_an_hour_does_not_become_usual():
    found = behind(delays(*[2.0] * 33, *[300.0] * 30), now=NINE)

    assert found == timedelta(seconds=298)


def test_a_source_that_delivers_now_early_and_now_late_is_never_behind():
    assert behind(delays(*[60.0, 3600.0, 40_000.0] * 5, 40_000.0), now=NINE) is None


def test_what_came_long_ago_says_nothing_about_now():
    old = delays(*[2.0] * 20, 120.0, last=timedelta(minutes=6))

    assert behind(old, now=NINE) is None
    assert behind(delays(2.0, 120.0), now=NINE) is None
