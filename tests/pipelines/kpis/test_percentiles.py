"""Percentiles of the pooled cases, from a histogram that adds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.kpis.kpi import Kpi
from pipelines.kpis.percentiles import P50, P90, P95, nearest_rank
from pipelines.model.clock import Reading
from pipelines.model.milestone import Milestone
from pipelines.model.tally import COUNTERS, ClockTally, bin_seconds, duration_bin
from tests.builders import a_tally, an_arrival_tally, an_incident


def a_tally_of(durations: list[int]) -> ClockTally:
    incidents = [an_incident(arrived=seconds) for seconds in durations]
    return a_tally(*incidents).clock(Milestone.ARRIVED, Reading.CUMULATIVE)


def by_sorting(durations: list[int], percent: int) -> int:
    rank = -(-percent * len(durations) // 100)  # rounded up, in whole numbers
    return sorted(durations)[rank - 1]


@given(
    durations=st.lists(st.integers(0, 899), min_size=1, max_size=40),
    percent=st.sampled_from([50, 90, 95]),
)
def test_below_a_quarter_of_an_hour_it_is_what_sorting_gives(
    durations: list[int], percent: int
) -> None:
    assert nearest_rank(a_tally_of(durations), percent / 100) == by_sorting(durations, percent)


@given(
    durations=st.lists(st.integers(0, 100_000), min_size=1, max_size=40),
    percent=st.sampled_from([50, 90, 95]),
)
def test_above_it_is_the_bin_of_what_sorting_gives(durations: list[int], percent: int) -> None:
    exact = by_sorting(durations, percent)

    assert nearest_rank(a_tally_of(durations), percent / 100) == bin_seconds(duration_bin(exact))


@given(n=st.integers(1, 100_000), percent=st.sampled_from([50, 90, 95]))
def test_the_rank_is_not_off_by_one_for_any_number_of_cases(n: int, percent: int) -> None:
    wanted = -(-percent * n // 100)
    # So many cases of 1 s that the wanted rank is just the first of the cases of 2 s.
    first_bin = COUNTERS
    tally = ClockTally({first_bin + 1: wanted - 1, first_bin + 2: n - wanted + 1})

    assert nearest_rank(tally, percent / 100) == 2


@pytest.mark.parametrize("kpi", [P50, P90, P95], ids=lambda kpi: kpi.id)
def test_nothing_measured_has_no_percentile(kpi: Kpi) -> None:
    tally = an_arrival_tally(unknown=3, quarantined=1)

    assert kpi.value(tally) is None


def test_late_cases_are_pooled_with_the_others() -> None:
    tally = a_tally_of([100, 200, 300, 400, 500, 600, 700, 800, 850, 41_760])

    assert (P50.value(tally), P90.value(tally)) == (500, 850)
    assert P95.value(tally) == bin_seconds(duration_bin(41_760))
