"""The display rules of the KPI contract, section 4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.text.rate import Tone, percent, rate_text
from tests.dashboard.builders import figures


def shown(hit, miss, *, unknown=0, quarantined=0, goal=None):
    return rate_text(figures(hit, miss, unknown, 0, quarantined), goal)


def test_nothing_to_measure_is_a_dash_and_never_a_percentage():
    rate = shown(0, 0)

    assert rate.fraction == "—"
    assert rate.percent is None
    assert rate.interval is None
    assert rate.coverage is None


@pytest.mark.parametrize("n", [1, 5, 9])
def test_fewer_than_ten_cases_are_shown_as_a_fraction_only(n):
    rate = shown(n, 0)

    assert rate.fraction == f"{n}/{n}"
    assert rate.percent is None
    assert rate.interval is None


@pytest.mark.parametrize(("n", "greyed"), [(10, True), (29, True), (30, False), (866, False)])
def test_a_percentage_is_greyed_below_thirty_cases(n, greyed):
    rate = shown(n - 1, 1)

    assert rate.percent is not None
    assert rate.interval is not None
    assert rate.greyed is greyed


def test_the_example_of_the_contract():
    rate = shown(184, 2, unknown=5)

    assert (rate.fraction, rate.percent) == ("184/186", "98.9")
    assert rate.interval == ("96.2", "99.7")
    assert rate.coverage == "97%"
    assert not rate.insufficient


def test_low_coverage_is_said():
    assert shown(90, 4, unknown=6).insufficient
    assert not shown(90, 5, unknown=5).insufficient


def test_99_9_percent_needs_667_cases():
    assert percent(665, 666) == "99.8"
    assert percent(666, 667) == "99.9"


def test_a_miss_is_never_rounded_away():
    assert percent(99_999, 100_000) == "99.9"
    assert percent(1, 100_000) == "0.1"
    assert percent(50, 50) == "100"
    assert percent(0, 50) == "0"


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_percentage_is_within_one_case_of_the_truth_and_whole_below_100_cases(case):
    k, n = case

    text = percent(k, n)

    assert abs(float(text) - 100 * k / n) <= max(100 / n, 0.1)
    assert ("." in text) <= (n >= 100)
    assert (text == "100") == (k == n)
    assert (text == "0") == (k == 0)


@pytest.mark.parametrize(
    ("hit", "miss", "tone"),
    [(95, 5, Tone.GOOD), (88, 12, Tone.NEAR), (60, 40, Tone.BAD), (20, 5, Tone.NEUTRAL)],
)
def test_the_tone_follows_the_goal_and_the_interval(hit, miss, tone):
    assert shown(hit, miss, goal=0.9).tone is tone


def test_without_a_goal_a_rate_has_no_tone():
    assert shown(95, 5).tone is Tone.NEUTRAL
