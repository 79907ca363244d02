"""k-anonymity of exports."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.privacy.anonymity import Row, k_anonymous, left_out, replaced

COMMUNITIES = {"G1": "C1", "G2": "C1", "G3": "C2"}
STEPS = (
    replaced("hour", lambda hour: hour[:10]),
    replaced("grid", lambda grid: COMMUNITIES.get(grid, grid)),
    left_out("grid", "hour"),
)
IDENTIFYING = ("grid", "hour", "kind")

rows_ = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(),
            "grid": st.sampled_from(list(COMMUNITIES)),
            "hour": st.sampled_from(["2026-03-02 09", "2026-03-02 10", "2026-03-03 09"]),
            "kind": st.sampled_from(["fire", "noise"]),
        }
    ),
    max_size=40,
)


def like(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in IDENTIFYING)


def a_row(grid: str = "G1", hour: str = "2026-03-02 09", kind: str = "fire", n: int = 0) -> Row:
    return {"id": n, "grid": grid, "hour": hour, "kind": kind}


@given(rows_, st.integers(1, 6))
def test_every_row_that_leaves_has_k_of_its_like(rows: list[Row], k: int) -> None:
    released = k_anonymous(rows, IDENTIFYING, STEPS, k=k)

    assert all(number >= k for number in Counter(map(like, released.rows)).values())
    assert len(released.rows) + released.suppressed == len(rows)


@given(rows_, st.integers(1, 6))
def test_no_row_comes_from_nowhere_and_the_order_stays(rows: list[Row], k: int) -> None:
    released = k_anonymous(rows, IDENTIFYING, STEPS, k=k)

    left = iter(row["id"] for row in rows)
    assert all(row["id"] in left for row in released.rows)


@given(rows_)
def test_with_k_of_one_everything_leaves_as_it_is(rows: list[Row]) -> None:
    assert k_anonymous(rows, IDENTIFYING, STEPS, k=1).rows == tuple(rows)


def test_ordinary_rows_keep_their_detail_and_rare_ones_get_as_coarse_as_they_must() -> None:
    ordinary = [a_row(n=n) for n in range(3)]
    rare = [
        a_row("G2", "2026-03-03 08", n=3),
        a_row("G2", "2026-03-03 10", n=4),
        a_row("G3", "2026-03-05 10", "noise", n=5),
    ]

    released = k_anonymous([*ordinary, *rare], IDENTIFYING, STEPS, k=2)

    assert [like(row) for row in released.rows] == [
        *[("G1", "2026-03-02 09", "fire")] * 3,
        *[("G2", "2026-03-03", "fire")] * 2,
    ]
    assert (released.coarser, released.suppressed) == (2, 1)


def test_a_k_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        k_anonymous([], IDENTIFYING, STEPS, k=0)
