"""Counts as bytes add up to what adding them one by one gives."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.model.tally import COUNTERS, counted_by
from pipelines.store.sums import (
    Sum,
    changed,
    counts_of,
    pack,
    pack_arrays,
    pack_entries,
    unpack,
)
from tests.pipelines.store.test_counting import entries

keys = (
    st.integers(0, COUNTERS - 1) | st.integers(COUNTERS, COUNTERS + 40) | st.just(COUNTERS + 4000)
)
counts = st.dictionaries(
    keys, st.integers(1, 5) | st.sampled_from([200, 255, 256, 65_535, 65_536, 70_000]), max_size=12
)


def plus(a: dict[int, int], b: dict[int, int], sign: int = 1) -> dict[int, int]:
    both = {key: a.get(key, 0) + sign * b.get(key, 0) for key in a.keys() | b.keys()}
    return {key: n for key, n in both.items() if n}


@given(a=counts)
def test_what_is_packed_comes_out_again(a: dict[int, int]) -> None:
    assert unpack(pack(a)) == a


@given(a=counts)
def test_counts_in_arrays_are_packed_alike(a: dict[int, int]) -> None:
    every = np.zeros(COUNTERS + 4001, dtype=np.int64)
    for key, n in a.items():
        every[key] = n

    assert pack_arrays(every[:COUNTERS], every[COUNTERS:]) == pack(a)


@given(listed=st.lists(entries, max_size=40), times=st.sampled_from([1, 9]))
def test_entries_are_packed_as_what_they_count_for(listed: list[int], times: int) -> None:
    counted = Counter(key for entry in listed * times for key in counted_by(entry))

    assert counts_of(listed * times) == counted
    assert pack_entries(listed * times) == pack(counted)


@given(a=counts, b=counts)
def test_a_change_gives_the_bytes_of_the_sum_and_back(a: dict[int, int], b: dict[int, int]) -> None:
    more = changed(pack(a), b)

    assert more == pack(plus(a, b))
    assert changed(more, {key: -n for key, n in b.items()}) == pack(a)


@given(several=st.lists(counts, max_size=6), gone=counts)
def test_a_sum_is_what_adding_one_by_one_gives(
    several: list[dict[int, int]], gone: dict[int, int]
) -> None:
    total = Sum()
    expected: dict[int, int] = {}
    for one in several:
        total.add(pack(one))
        expected = plus(expected, one)
    total.add(pack(plus(expected, gone)))
    total.add(pack(gone), -1)

    assert dict(total.result().items()) == plus(expected, expected)


def test_what_is_not_there_cannot_be_taken_out() -> None:
    many = {COUNTERS + 5: 300, 0: 300}

    for content in (pack({0: 1}), pack(many)):
        with pytest.raises(OverflowError):
            changed(content, {0: -301})
