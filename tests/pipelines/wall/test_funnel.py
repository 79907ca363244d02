"""The funnel around the street's rate: what chance allows a community, and what it does not."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.snapshot import Standing
from pipelines.wall.communities import funnel_limit, standing

RATES = st.floats(min_value=0.02, max_value=0.98)


@pytest.mark.parametrize(
    ("k", "n", "said"),
    [
        (9, 9, Standing.TOO_FEW),
        (0, 9, Standing.TOO_FEW),
        (18, 20, Standing.USUAL),
        (15, 20, Standing.BELOW),
        (10, 20, Standing.FAR_BELOW),
        (200, 200, Standing.ABOVE),
        (20, 20, Standing.USUAL),
    ],
)
def test_a_community_is_judged_by_what_chance_allows(k: int, n: int, said: Standing) -> None:
    assert standing(k, n, 0.92) is said


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_street_without_a_miss_or_a_hit_can_be_compared(rate: float) -> None:
    assert standing(round(20 * rate), 20, rate) is Standing.USUAL
    assert funnel_limit(20, rate).low == rate


@given(n=st.integers(10, 400), rate=RATES)
def test_the_limits_lie_around_each_other(n: int, rate: float) -> None:
    found = funnel_limit(n, rate)

    assert 0 <= found.far_low <= found.low <= found.high <= found.far_high <= 1


@given(n=st.integers(10, 200), rate=RATES)
def test_fewer_hits_never_stand_better(n: int, rate: float) -> None:
    order = (Standing.FAR_BELOW, Standing.BELOW, Standing.USUAL, Standing.ABOVE)
    ranks = [order.index(standing(k, n, rate)) for k in range(n + 1)]

    assert all(a <= b for a, b in pairwise(ranks))


@given(n=st.integers(10, 200), rate=RATES, k=st.integers(0, 200))
def test_what_is_drawn_and_what_is_said_agree(n: int, rate: float, k: int) -> None:
    found, share = funnel_limit(n, rate), min(k, n) / n

    said = standing(min(k, n), n, rate)

    assert (said is Standing.USUAL) == (found.low - 1e-9 <= share <= found.high + 1e-9)
