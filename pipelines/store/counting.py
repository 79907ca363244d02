"""What thousands of entries count for, counted as arrays by group."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.model.tally import BIN_SHIFT, COUNTERS, COUNTERS_MASK, counted_by

Whole = NDArray[np.int64]


class Counts(NamedTuple):
    """A row a group: its counters, and its durations by bin, as far as there are any."""

    counters: Whole
    bins: Whole


def counted(entries: NDArray[np.uint32], groups: NDArray[np.integer], number: int) -> Counts:
    """The counts of some entries (:func:`pipelines.model.tally.entry`), each in one of the groups.

    ``groups`` says which, from 0 on; there are ``number`` of them.
    """
    counters = np.zeros((number, COUNTERS), dtype=np.int64)
    low = (entries & COUNTERS_MASK).astype(np.intp)
    there = np.flatnonzero(np.bincount(low, minlength=1))
    # verdicts, reasons and marks come in few combinations, so these are counted, not each
    place = np.zeros(COUNTERS_MASK + 1, dtype=np.intp)
    place[there] = np.arange(len(there))
    of_combination = _crossed(groups, place[low], number, len(there))
    for i, combination in enumerate(there.tolist()):
        for counter in counted_by(combination):
            counters[:, counter] += of_combination[:, i]
    durations = (entries >> BIN_SHIFT).astype(np.intp)
    longest = int(durations.max(initial=0))
    return Counts(counters, _crossed(groups, durations, number, longest + 1)[:, 1:])


def _crossed(groups: NDArray[np.integer], values: Whole, number: int, width: int) -> Whole:
    """How often each value occurs in each group."""
    joint = values if number == 1 else groups * width + values
    return np.bincount(joint, minlength=number * width).reshape(number, width)
