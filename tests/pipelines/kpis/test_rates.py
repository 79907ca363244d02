"""The rate within target, its bounds and its interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.kpis.kpi import Kpi
from pipelines.kpis.rates import COVERAGE, HIGH, KNOWN, LOW, WILSON, share, wilson
from tests.builders import an_arrival_tally

SOME = an_arrival_tally(hit=6, miss=2, unknown=1, quarantined=1)
NOTHING = an_arrival_tally()
ONLY_UNKNOWN = an_arrival_tally(unknown=3)


def test_the_rate_is_taken_over_the_cases_whose_outcome_is_known() -> None:
    assert KNOWN.value(SOME) == 6 / 8


def test_the_bounds_count_every_case_without_a_usable_stamp_as_missed_and_as_in_time() -> None:
    assert LOW.value(SOME) == 6 / 10
    assert HIGH.value(SOME) == 8 / 10


def test_coverage_is_the_share_of_cases_with_a_usable_stamp() -> None:
    assert COVERAGE.value(SOME) == 8 / 10


@pytest.mark.parametrize("kpi", [KNOWN, LOW, HIGH, COVERAGE, WILSON], ids=lambda kpi: kpi.id)
def test_nothing_to_measure_is_neither_zero_nor_all(kpi: Kpi) -> None:
    assert kpi.value(NOTHING) is None


def test_only_unknown_cases_give_bounds_but_no_rate() -> None:
    assert KNOWN.value(ONLY_UNKNOWN) is None
    assert WILSON.value(ONLY_UNKNOWN) is None
    assert (LOW.value(ONLY_UNKNOWN), HIGH.value(ONLY_UNKNOWN)) == (0.0, 1.0)
    assert COVERAGE.value(ONLY_UNKNOWN) == 0.0


# Known values: Brown, Cai and DasGupta, "Interval estimation for a binomial proportion" (2001),
# formula (4), worked out by hand with z = 1.959964.
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (615, 866, 0.679, 0.739),
        (184, 186, 0.9616, 0.9970),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (1, 1, 0.2065, 1.0),
        (5, 10, 0.2366, 0.7634),
    ],
)
def test_the_interval_has_the_known_values(k: int, n: int, low: float, high: float) -> None:
    interval = wilson(k, n)

    assert interval == pytest.approx((low, high), abs=5e-4)


@given(n=st.integers(1, 5000), data=st.data())
def test_the_interval_holds_the_rate_and_stays_inside_zero_and_one(
    n: int, data: st.DataObject
) -> None:
    k = data.draw(st.integers(0, n))
    interval = wilson(k, n)

    assert interval is not None
    low, high = interval
    assert 0 <= low < high <= 1
    assert low - 1e-12 <= k / n <= high + 1e-12


@given(
    hit=st.integers(0, 40),
    miss=st.integers(0, 40),
    unknown=st.integers(0, 40),
    quarantined=st.integers(0, 40),
)
def test_the_known_rate_lies_between_its_bounds(
    hit: int, miss: int, unknown: int, quarantined: int
) -> None:
    decided = hit + miss + unknown + quarantined
    known = share(hit, hit + miss)
    low = share(hit, decided)
    high = share(hit + unknown + quarantined, decided)

    if known is not None:
        assert low is not None
        assert high is not None
        assert low <= known <= high
