"""What a good rate could owe to something else than speed stands beside it."""

from pipelines.kpis import figures
from pipelines.model.clock import Reading
from pipelines.model.incident import fold
from pipelines.model.milestone import Milestone
from pipelines.model.stamp import Method
from tests.builders import a_statement, a_tally, an_incident, at


def the_figures(*incidents):
    return figures(a_tally(*incidents).clock(Milestone.ARRIVED, Reading.CUMULATIVE))


def test_every_cancellation_is_counted_early_or_late():
    found = the_figures(
        an_incident(arrived=100),
        an_incident(cancelled=100),
        an_incident(cancelled=400),
        an_incident(arrived=200, cancelled=400),
    )

    assert (found["eligible"], found["cancelled"]) == (3, 3 / 4)


def test_a_downgrade_after_the_dispatch_is_counted_and_stays_in_the_cohort():
    first = a_statement(kind="fire", dispatched=60, arrived=200)
    later = a_statement(kind="noise", dispatched=60, arrived=200, recorded=500)

    found = the_figures(fold([first, later]), an_incident(arrived=100))

    assert (found["eligible"], found["downgraded"]) == (2, 1 / 2)


def test_what_was_entered_afterwards_and_what_was_very_short_is_kept_and_shown():
    found = the_figures(
        an_incident(arrived=9),
        an_incident(arrived=10),
        an_incident(arrived=250, method=Method.BACKFILLED),
        an_incident(arrived=400),
    )

    assert (found["hit"], found["backfilled"], found["very_short"]) == (3, 1 / 4, 1 / 4)


def test_nothing_to_measure_has_no_share():
    found = the_figures()

    valves = ("cancelled", "downgraded", "returned", "backfilled", "very_short")
    assert {found[key] for key in valves} == {None}


def test_what_was_handed_back_is_a_share_of_the_eligible_from_that_moment_on():
    cases = [an_incident(dispatched=60, returned=100, arrived=280), an_incident(arrived=400)]
    clocks = [
        a_tally(*cases, now=at(seconds)).clock(Milestone.ARRIVED, Reading.CUMULATIVE)
        for seconds in (99, 100, 500)
    ]

    assert [figures(clock)["returned"] for clock in clocks] == [0, 1 / 2, 1 / 2]
    assert figures(clocks[-1])["hit"] == 1
