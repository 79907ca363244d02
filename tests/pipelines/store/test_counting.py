"""Counting entries as arrays gives what counting them one by one gives."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.model.clock import Mark, Outcome, Verdict
from pipelines.model.fact import Reason
from pipelines.model.tally import COUNTERS, counted_by, entry, entry_of_reason
from pipelines.store.counting import counted

judged = st.builds(
    lambda verdict, seconds, mark: entry(Outcome(verdict, "", seconds=seconds, marks=mark)),
    st.sampled_from([verdict for verdict in Verdict if verdict is not Verdict.EXCLUDED]),
    st.none() | st.integers(0, 400) | st.sampled_from([899, 900, 86_400, 100 * 86_400]),
    st.sampled_from([0, *Mark, Mark.INDETERMINATE | Mark.BACKFILLED]),
)
entries = judged | st.sampled_from(Reason).map(entry_of_reason)


@given(listed=st.lists(st.tuples(st.integers(0, 2), entries), max_size=30))
def test_the_counts_of_each_group_are_those_of_its_entries_one_by_one(
    listed: list[tuple[int, int]],
) -> None:
    groups = np.array([group for group, _ in listed], dtype=np.int64)
    numbers = np.array([number for _, number in listed], dtype=np.uint32)

    found = counted(numbers, groups, 3)

    for group in range(3):
        expected = Counter(key for g, number in listed if g == group for key in counted_by(number))
        both = [*found.counters[group].tolist(), *found.bins[group].tolist()]
        assert len(found.counters[group]) == COUNTERS
        assert {key: n for key, n in enumerate(both) if n} == expected
