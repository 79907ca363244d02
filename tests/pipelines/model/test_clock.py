"""What became of a target: KPI contract, sections 2 to 4."""

from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.model.clock import (
    CLOCKS,
    ClockState,
    Mark,
    Reading,
    Verdict,
    settles_at,
    state_of,
)
from pipelines.model.fact import Fact, Reason
from pipelines.model.incident import Incident, fold
from pipelines.model.milestone import TARGETED, Milestone
from tests.builders import NO_TIME, a_statement, an_incident, at, the_outcome, the_rules
from tests.strategies import incidents

STAGED = Reading.STAGED
LIMITS = {Milestone.ACCEPTED: 60, Milestone.DISPATCHED: 180, Milestone.ARRIVED: 300}


@pytest.mark.parametrize("milestone", TARGETED)
@pytest.mark.parametrize(
    ("past_target", "verdict"),
    [(-1, Verdict.HIT), (0, Verdict.HIT), (1, Verdict.MISS)],
)
def test_the_target_itself_is_in_time_and_one_second_more_is_late(
    milestone: Milestone, past_target: int, verdict: Verdict
) -> None:
    incident = an_incident(**{milestone.value: LIMITS[milestone] + past_target})

    outcome = the_outcome(incident, milestone)

    assert outcome.verdict is verdict
    assert outcome.seconds == LIMITS[milestone] + past_target
    assert outcome.deadline == at(LIMITS[milestone])


def test_a_fraction_of_a_second_past_the_target_is_late() -> None:
    outcome = the_outcome(an_incident(arrived=300.4))

    assert outcome.verdict is Verdict.MISS


@pytest.mark.parametrize(
    ("now", "verdict"),
    [(0, Verdict.PENDING), (300, Verdict.PENDING), (301, Verdict.MISS)],
)
def test_an_open_incident_is_pending_up_to_the_target_and_a_miss_after_it(
    now: int, verdict: Verdict
) -> None:
    assert the_outcome(an_incident(), now=now).verdict is verdict


def test_an_arrival_that_has_not_happened_yet_does_not_count() -> None:
    incident = an_incident(arrived=250)

    assert the_outcome(incident, now=249).verdict is Verdict.PENDING
    assert the_outcome(incident, now=250).verdict is Verdict.HIT


def test_a_late_arrival_is_a_miss_from_the_target_on_and_stays_one() -> None:
    incident = an_incident(arrived=400)

    verdicts = [the_outcome(incident, now=now).verdict for now in (301, 399, 400, 5000)]

    assert verdicts == [Verdict.MISS] * 4


def test_a_very_late_arrival_is_kept_as_a_miss() -> None:
    outcome = the_outcome(an_incident(arrived=41_767))

    assert (outcome.verdict, outcome.seconds) == (Verdict.MISS, 41_767)


def test_a_silent_source_proves_nothing_after_the_target() -> None:
    incident = an_incident()

    outcome = the_outcome(incident, now=301, source_alive=False)

    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, "source_silent")
    assert the_outcome(incident, now=299, source_alive=False).verdict is Verdict.PENDING


def test_an_arrival_that_is_known_counts_even_when_the_source_fell_silent() -> None:
    assert the_outcome(an_incident(arrived=200), source_alive=False).verdict is Verdict.HIT


@pytest.mark.parametrize("resolved", [200, 900])
def test_closed_without_a_stamp_is_unknown_once_the_target_has_passed(resolved: int) -> None:
    incident = an_incident(resolved=resolved)

    outcome = the_outcome(incident)

    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, "closed_without_stamp")
    assert the_outcome(incident, now=300).verdict is Verdict.PENDING


def test_closed_or_cancelled_without_a_time_is_unknown_too() -> None:
    for incident in (an_incident(resolved=NO_TIME), an_incident(cancelled=NO_TIME)):
        assert the_outcome(incident).reason == "closed_without_stamp"


@pytest.mark.parametrize("cancelled", [1, 299, 300])
def test_cancelled_inside_the_target_is_left_out_and_said_so(cancelled: int) -> None:
    outcome = the_outcome(an_incident(cancelled=cancelled))

    assert (outcome.verdict, outcome.reason) == (Verdict.EXCLUDED, Reason.CANCELLED_IN_TIME)


def test_cancelled_after_the_target_is_a_miss() -> None:
    incident = an_incident(cancelled=301)

    outcome = the_outcome(incident)

    assert (outcome.verdict, outcome.reason) == (Verdict.MISS, "cancelled_late")


def test_cancelled_after_the_arrival_keeps_the_arrival() -> None:
    assert the_outcome(an_incident(arrived=100, cancelled=200)).verdict is Verdict.HIT
    assert the_outcome(an_incident(arrived=400, cancelled=500)).verdict is Verdict.MISS


def test_a_cancellation_that_has_not_happened_yet_does_not_count() -> None:
    assert the_outcome(an_incident(cancelled=200), now=199).verdict is Verdict.PENDING


def test_one_target_may_be_met_before_the_cancellation_that_excludes_another() -> None:
    incident = an_incident(accepted=30, cancelled=100)

    assert the_outcome(incident, Milestone.ACCEPTED).verdict is Verdict.HIT
    assert the_outcome(incident, Milestone.ARRIVED).verdict is Verdict.EXCLUDED


def test_arrival_before_the_report_is_quarantined() -> None:
    outcome = the_outcome(an_incident(arrived=-1))

    assert (outcome.verdict, outcome.reason) == (Verdict.QUARANTINED, "negative_duration")
    assert outcome.seconds is None


def test_arrival_before_our_receipt_waits_for_the_report_and_is_no_contradiction() -> None:
    outcome = the_outcome(an_incident(reported=None, arrived=100, recorded=400), now=500)
    told = the_outcome(an_incident(reported=0, arrived=100, recorded=400), now=500)

    assert (outcome.verdict, outcome.reason) == (Verdict.QUARANTINED, "before_received")
    assert (told.verdict, told.reason) == (Verdict.HIT, "in_time")


def test_arrival_at_the_moment_of_the_report_is_a_hit_of_no_duration() -> None:
    outcome = the_outcome(an_incident(arrived=0))

    assert (outcome.verdict, outcome.seconds) == (Verdict.HIT, 0)


@pytest.mark.parametrize(
    ("arrived", "verdict", "indeterminate"),
    [
        (240, Verdict.HIT, False),  # 08:04 for 08:00: at most 4 min 59 s
        (300, Verdict.HIT, True),  # 08:05 for 08:00: 4 min 1 s to 5 min 59 s
        (360, Verdict.MISS, False),  # 08:06 for 08:00: at least 5 min 1 s
    ],
)
def test_minute_stamps_that_straddle_the_target_are_indeterminate(
    arrived: int, verdict: Verdict, indeterminate: bool
) -> None:
    outcome = the_outcome(an_incident(arrived=arrived, precision_s=60))

    assert (outcome.verdict, outcome.indeterminate) == (verdict, indeterminate)


def test_second_stamps_are_never_indeterminate() -> None:
    for arrived in (299, 300, 301):
        assert not the_outcome(an_incident(arrived=arrived)).indeterminate


def test_an_arrival_inside_the_minute_of_the_report_is_not_impossible() -> None:
    reported = Fact(Milestone.REPORTED, at(30), 1)
    arrived = Fact(Milestone.ARRIVED, at(0), 60)

    outcome = the_outcome(an_incident(facts=(reported, arrived)))

    assert (outcome.verdict, outcome.seconds) == (Verdict.HIT, 0)


def test_an_arrival_whose_minute_ended_before_the_report_is_quarantined() -> None:
    reported = Fact(Milestone.REPORTED, at(60), 1)
    arrived = Fact(Milestone.ARRIVED, at(0), 60)

    assert the_outcome(an_incident(facts=(reported, arrived))).verdict is Verdict.QUARANTINED


def test_staged_reading_measures_each_stage_from_the_end_of_the_one_before() -> None:
    incident = an_incident(accepted=100, dispatched=250, arrived=500)

    seconds = {m: the_outcome(incident, m, STAGED).seconds for m in TARGETED}
    verdicts = {m: the_outcome(incident, m, STAGED).verdict for m in TARGETED}

    assert seconds == {
        Milestone.ACCEPTED: 100,
        Milestone.DISPATCHED: 150,
        Milestone.ARRIVED: 250,
    }
    assert verdicts[Milestone.ACCEPTED] is Verdict.MISS
    assert verdicts[Milestone.ARRIVED] is Verdict.HIT
    assert the_outcome(incident).verdict is Verdict.MISS


def test_a_stage_that_has_not_begun_is_pending_however_late_it_is() -> None:
    outcome = the_outcome(an_incident(accepted=30), reading=STAGED, now=9000)

    assert (outcome.verdict, outcome.reason) == (Verdict.PENDING, "stage_not_started")
    assert outcome.deadline is None


def test_a_stage_without_a_recorded_beginning_is_unknown() -> None:
    cases = (
        (an_incident(arrived=200), True, "stage_start_missing"),
        (an_incident(resolved=900), True, "closed_without_stamp"),
        (an_incident(), False, "source_silent"),
    )
    for incident, source_alive, reason in cases:
        outcome = the_outcome(incident, reading=STAGED, source_alive=source_alive)
        assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, reason)


def test_a_stage_that_never_began_before_the_cancellation_is_left_out() -> None:
    outcome = the_outcome(an_incident(cancelled=9000), reading=STAGED)

    assert (outcome.verdict, outcome.reason) == (Verdict.EXCLUDED, Reason.CANCELLED_IN_TIME)


def test_a_stage_that_ends_before_it_begins_is_quarantined_in_the_staged_reading_only() -> None:
    incident = an_incident(dispatched=200, arrived=150)

    assert the_outcome(incident, reading=STAGED).verdict is Verdict.QUARANTINED
    assert the_outcome(incident).verdict is Verdict.HIT


def test_a_complaint_is_never_in_the_five_minute_cohort() -> None:
    for now in (10, 400):
        for milestone, reading in product(TARGETED, Reading):
            outcome = the_outcome(an_incident(kind="noise"), milestone, reading, now=now)
            assert (outcome.verdict, outcome.reason) == (Verdict.EXCLUDED, Reason.NOT_EMERGENCY)


@pytest.mark.parametrize("kind", ["never-mapped", None])
def test_a_kind_that_nobody_has_mapped_counts_as_an_emergency(kind: str | None) -> None:
    assert the_outcome(an_incident(kind=kind), now=400).verdict is Verdict.MISS


def test_a_later_downgrade_does_not_remove_an_emergency_from_the_cohort() -> None:
    incident = fold(
        [
            a_statement(recorded=10, kind="fire", dispatched=90, arrived=400),
            a_statement(recorded=500, kind="noise", dispatched=90, arrived=400),
        ]
    )

    assert the_outcome(incident).verdict is Verdict.MISS


def test_a_fire_that_came_in_as_a_complaint_runs_its_clocks_before_the_dispatch() -> None:
    incident = fold([a_statement(recorded=10, kind="noise"), a_statement(recorded=60, kind="fire")])

    assert the_outcome(incident, now=100).verdict is Verdict.PENDING


@pytest.mark.parametrize("reason", [Reason.DRILL, Reason.PATROL_FOUND, Reason.OTHER_JURISDICTION])
def test_what_the_source_says_does_not_count_is_left_out_with_its_reason(reason: Reason) -> None:
    outcome = the_outcome(an_incident(excluded=reason, arrived=100))

    assert (outcome.verdict, outcome.reason) == (Verdict.EXCLUDED, reason)


def test_a_smoke_alarm_is_to_be_reached_in_three_minutes() -> None:
    assert the_outcome(an_incident(kind="smoke", arrived=180)).verdict is Verdict.HIT
    assert the_outcome(an_incident(kind="smoke", arrived=181)).verdict is Verdict.MISS


def test_an_exception_for_one_target_leaves_the_others_as_they_are() -> None:
    incident = an_incident(kind="smoke", dispatched=180)

    assert the_outcome(incident, Milestone.DISPATCHED).verdict is Verdict.HIT


@given(incident=incidents, later=st.timedeltas(timedelta(0), timedelta(days=2)))
def test_no_verdict_changes_once_the_incident_has_settled(
    incident: Incident, later: timedelta
) -> None:
    settled = settles_at(incident, the_rules())

    for milestone, reading in CLOCKS:
        then = the_outcome(incident, milestone, reading, now=settled)
        assert the_outcome(incident, milestone, reading, now=settled + later) == then
        silent = the_outcome(incident, milestone, reading, now=settled + later, source_alive=False)
        if then.marks & (Mark.OPEN_MISS | Mark.OPEN_PENDING):
            assert (silent.verdict, silent.reason) == (Verdict.UNKNOWN, "source_silent")
        else:
            assert silent == then
            assert then.verdict is not Verdict.PENDING


@given(incident=incidents, now=st.integers(-200, 1500).map(at))
def test_every_outcome_agrees_with_its_own_numbers(incident: Incident, now: datetime) -> None:
    for milestone, reading in CLOCKS:
        outcome = the_outcome(incident, milestone, reading, now=now)
        if outcome.verdict is Verdict.PENDING and outcome.deadline is not None:
            assert now <= outcome.deadline
        if outcome.seconds is not None:
            assert outcome.start is not None
            assert outcome.deadline is not None
            limit = (outcome.deadline - outcome.start).total_seconds()
            assert outcome.verdict in {Verdict.HIT, Verdict.MISS}
            assert (outcome.seconds - limit) * (1 if outcome.verdict is Verdict.HIT else -1) <= 0
        if outcome.indeterminate:
            assert outcome.verdict in {Verdict.HIT, Verdict.MISS}


def test_an_open_incident_without_an_arrival_settles_when_its_last_target_has_passed() -> None:
    assert settles_at(an_incident(accepted=30, dispatched=90), the_rules()) == at(391)


def test_an_open_incident_settles_when_its_last_target_is_stamped() -> None:
    incident = an_incident(accepted=30, dispatched=90, arrived=280)

    assert settles_at(incident, the_rules()) == at(280)


def test_an_incident_closed_inside_its_target_settles_when_the_target_passes() -> None:
    incident = an_incident(accepted=30, dispatched=90, resolved=200)

    settled = settles_at(incident, the_rules())

    # The staged arrival is the last to run out: 300 s from the dispatch, itself still in time.
    assert settled == at(391)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (0, ClockState.RUNNING),
        (209, ClockState.RUNNING),
        (210, ClockState.WARNING),
        (300, ClockState.WARNING),
        (301, ClockState.MISSED),
    ],
)
def test_a_running_clock_warns_from_seventy_percent_of_the_target(
    now: int, state: ClockState
) -> None:
    outcome = the_outcome(an_incident(), now=now)

    assert state_of(outcome, now=at(now), warning_share=0.7) is state


def test_a_clock_that_has_stopped_says_how() -> None:
    cases = (
        (an_incident(arrived=100), ClockState.MET),
        (an_incident(arrived=400), ClockState.MISSED),
        (an_incident(resolved=400), ClockState.UNKNOWN),
        (an_incident(arrived=-90), ClockState.UNKNOWN),
        (an_incident(kind="noise"), ClockState.NOT_APPLICABLE),
    )
    for incident, state in cases:
        assert state_of(the_outcome(incident), now=at(9000), warning_share=0.7) is state


def test_a_stage_that_has_not_begun_runs_without_a_warning() -> None:
    outcome = the_outcome(an_incident(), reading=STAGED, now=9000)

    assert state_of(outcome, now=at(9000), warning_share=0.7) is ClockState.RUNNING
