"""Small groups are compared by chance, not by rank."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.kpis.comparison import compare, limits, prior_weight, tail


@given(n=st.integers(1, 60), k=st.integers(-1, 61), rate=st.floats(0.01, 0.99))
def test_a_tail_is_the_sum_of_the_binomial_chances(n: int, k: int, rate: float) -> None:
    wanted = sum(comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(min(k, n) + 1))

    assert tail(k, n, rate) == pytest.approx(wanted, abs=1e-9)


@given(n=st.integers(1, 400), rate=st.floats(0.02, 0.98), share=st.sampled_from([0.025, 0.001]))
def test_what_lies_beyond_the_limits_is_rarer_than_their_share(
    n: int, rate: float, share: float
) -> None:
    low, high = limits(n, rate, share)

    k, most = round(low * n), round(high * n)
    assert tail(k, n, rate) >= share > tail(k - 1, n, rate)
    assert 1 - tail(most - 1, n, rate) >= share - 1e-12
    assert most == n or 1 - tail(most, n, rate) < share + 1e-12


def test_one_case_says_almost_nothing() -> None:
    found = compare({"small": (0, 1), **{f"g{i}": (90 + i, 100) for i in range(6)}})

    assert found["small"].verdict == "usual"
    assert found["small"].shrunk > 0.85
    assert found["small"].limits_95 == (0.0, 1.0)


def test_a_group_far_from_the_others_is_exceptional() -> None:
    found = compare({"far": (60, 100), **{f"g{i}": (95, 100) for i in range(9)}})

    assert (found["far"].verdict, found["far"].side) == ("exceptional", "low")
    assert 0.60 < found["far"].shrunk < 0.75
    assert found["g1"].verdict == "usual"


def test_groups_that_differ_by_chance_alone_are_all_the_same() -> None:
    groups = {f"g{i}": (9, 10) for i in range(5)}

    assert prior_weight(groups) is None
    assert {round(s.shrunk, 9) for s in compare(groups).values()} == {0.9}


def test_nothing_to_compare_is_nothing() -> None:
    assert compare({}) == compare({"a": (0, 0)}) == {}
    assert compare({"a": (3, 3)})["a"].limits_95 == (1.0, 1.0)


@given(
    groups=st.dictionaries(
        st.text(max_size=3),
        st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
        min_size=1,
        max_size=8,
    )
)
def test_a_shrunk_rate_lies_between_its_own_and_that_of_all(
    groups: dict[str, tuple[int, int]],
) -> None:
    rate = sum(k for k, _ in groups.values()) / sum(n for _, n in groups.values())

    for key, standing in compare(groups).items():
        k, n = groups[key]
        low, high = sorted((k / n, rate))
        assert low - 1e-9 <= standing.shrunk <= high + 1e-9
