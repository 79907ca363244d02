"""Counts that add and subtract."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.model.clock import Reading, Verdict, judge, outcomes
from pipelines.model.fact import Reason
from pipelines.model.incident import Incident
from pipelines.model.milestone import Milestone
from pipelines.model.tally import (
    CLOCKS,
    EMPTY,
    Tally,
    bin_seconds,
    duration_bin,
    entries_of,
    entry,
    tally_of,
    total,
)
from tests.builders import a_tally, an_arrival_tally, an_incident, at, the_rules
from tests.strategies import incidents

moments = st.integers(-200, 1500).map(at)
nonzero = st.integers(-50, 50).filter(bool)
sums = st.dictionaries(st.integers(0, 8), nonzero, max_size=6).map(Tally)


@given(a=sums, b=sums)
def test_taking_out_what_was_put_in_leaves_the_tally_as_it_was(a: Tally, b: Tally) -> None:
    assert a + b - b == a
    assert a - b + b == a


@given(a=sums, b=sums, c=sums)
def test_the_order_and_grouping_of_a_sum_do_not_matter(a: Tally, b: Tally, c: Tally) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c) == total([c, a, b])


@given(a=sums)
def test_nothing_added_changes_nothing_and_what_cancels_vanishes(a: Tally) -> None:
    assert a + EMPTY == a
    assert a - a == EMPTY
    assert (a + -a).counts == {}
    assert not a - a


@given(several=st.lists(incidents, max_size=5), now=moments)
def test_a_tally_counts_what_counting_by_hand_counts(
    several: list[Incident], now: datetime
) -> None:
    rules = the_rules()
    tally = total(tally_of(i, rules, now=now, source_alive=True) for i in several)

    assert tally.incidents == len(several)
    for milestone, reading in CLOCKS:
        outcomes = [judge(i, milestone, reading, rules, now=now) for i in several]
        clock = tally.clock(milestone, reading)
        for verdict in set(Verdict) - {Verdict.EXCLUDED}:
            assert clock.verdict(verdict) == sum(o.verdict is verdict for o in outcomes)
        assert clock.eligible == sum(o.verdict is not Verdict.EXCLUDED for o in outcomes)
        assert clock.eligible + sum(clock.excluded.values()) == len(several)
        assert clock.indeterminate == sum(o.indeterminate for o in outcomes)
        assert sum(n for _, n in clock.durations()) == clock.hit + clock.miss - sum(
            o.verdict is Verdict.MISS and o.seconds is None for o in outcomes
        )


def test_each_clock_is_counted_apart() -> None:
    tally = a_tally(an_incident(accepted=30, dispatched=90, arrived=400))

    assert tally.clock(Milestone.ACCEPTED, Reading.CUMULATIVE).durations() == [(30, 1)]
    assert tally.clock(Milestone.DISPATCHED, Reading.STAGED).durations() == [(60, 1)]
    assert tally.clock(Milestone.ARRIVED, Reading.CUMULATIVE).miss == 1
    assert tally.clock(Milestone.ARRIVED, Reading.STAGED).miss == 1


def test_the_ledger_counts_what_is_left_out_by_reason() -> None:
    tally = a_tally(
        an_incident(kind="noise"),
        an_incident(excluded=Reason.DRILL),
        an_incident(excluded=Reason.DRILL, arrived=100),
        an_incident(cancelled=100),
        an_incident(arrived=100),
    )

    clock = tally.clock(Milestone.ARRIVED, Reading.CUMULATIVE)

    assert clock.excluded == {"not_emergency": 1, "drill": 2, "cancelled_in_time": 1}
    assert (clock.eligible, tally.incidents) == (1, 5)


def test_pending_cases_are_eligible_but_not_measured() -> None:
    clock = a_tally(an_incident(), now=at(100)).clock(Milestone.ARRIVED, Reading.CUMULATIVE)

    assert (clock.eligible, clock.pending, clock.durations()) == (1, 1, [])


def test_the_four_ways_to_end_are_told_apart() -> None:
    clock = an_arrival_tally(hit=4, miss=3, unknown=2, quarantined=1)

    assert (clock.hit, clock.miss, clock.unknown, clock.quarantined) == (4, 3, 2, 1)
    assert clock.eligible == 10


@given(seconds=st.integers(0, 899))
def test_a_duration_below_a_quarter_of_an_hour_is_kept_to_the_second(seconds: int) -> None:
    assert bin_seconds(duration_bin(seconds)) == seconds


@given(seconds=st.integers(900, 86_399))
def test_a_longer_duration_is_kept_to_its_bin(seconds: int) -> None:
    width = 10 if seconds < 3600 else 60

    assert abs(bin_seconds(duration_bin(seconds)) - seconds) <= width / 2


@given(seconds=st.integers(0, 100 * 86_400))
def test_a_longer_duration_is_never_in_an_earlier_bin(seconds: int) -> None:
    assert duration_bin(seconds) <= duration_bin(seconds + 1) <= duration_bin(seconds) + 1


@given(seconds=st.integers(86_400, 90 * 86_400 - 1))
def test_what_takes_days_is_kept_to_the_hour(seconds: int) -> None:
    assert abs(bin_seconds(duration_bin(seconds)) - seconds) <= 1800


@pytest.mark.parametrize("seconds", [90 * 86_400, 400 * 86_400])
def test_ninety_days_and_more_share_the_last_bin(seconds: int) -> None:
    assert bin_seconds(duration_bin(seconds)) == 90 * 86_400


@given(incident=incidents, now=moments, alive=st.booleans())
def test_an_entry_says_what_its_outcome_counts_for(
    incident: Incident, now: datetime, alive: bool
) -> None:
    rules = the_rules()

    entries = entries_of(incident, rules, now=now, source_alive=alive)

    judged = outcomes(incident, rules, now=now, source_alive=alive)
    assert list(entries) == [entry(outcome) for outcome in judged]


@given(
    times=st.tuples(st.integers(-5, 400), st.integers(-5, 400), st.integers(-5, 700)),
    kind=st.sampled_from(["fire", "smoke", "noise"]),
    now=moments,
)
def test_a_plain_incident_is_counted_as_it_would_be_judged(
    times: tuple[int, int, int], kind: str, now: datetime
) -> None:
    accepted, dispatched, arrived = times
    incident = an_incident(kind=kind, accepted=accepted, dispatched=dispatched, arrived=arrived)

    entries = entries_of(incident, the_rules(), now=now)

    judged = outcomes(incident, the_rules(), now=now)
    assert list(entries) == [entry(outcome) for outcome in judged]
