"""What thousands of entries count for, counted as arrays by group."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.model.tally import BIN_SHIFT, COUNTERS, COUNTERS_MASK, counted_by

Whole = NDArray[np.int64]
Numbers = NDArray[np.int32]

_FEW = 4
"""Of many entries in so few groups every combination there may be is counted at once."""


class Counts(NamedTuple):
    """A row a group: its counters, and its durations by bin, as far as there are any."""

    counters: Whole
    bins: Whole


def counted(entries: NDArray[np.uint32], groups: Numbers | None, number: int) -> Counts:
    """The counts of some entries (:func:`pipelines.model.tally.entry`), each in one of the groups.

    ``groups`` says which, from 0 on, below ``number``; None is all in the first.
    """
    counters = np.zeros((number, COUNTERS), dtype=np.int64)
    combinations = entries & COUNTERS_MASK
    if number <= _FEW and len(entries) > COUNTERS_MASK:
        of_combination = _crossed(groups, combinations, number, COUNTERS_MASK + 1)
        there: list[int] = np.flatnonzero(of_combination.any(axis=0)).tolist()
        of_combination = of_combination[:, there]
    else:
        # verdicts, reasons and marks come in few combinations, so those are numbered first
        there = np.flatnonzero(np.bincount(combinations, minlength=1)).tolist()
        place = np.zeros(COUNTERS_MASK + 1, dtype=np.uint32)
        place[there] = np.arange(len(there))
        of_combination = _crossed(groups, place[combinations], number, len(there))
    for i, combination in enumerate(there):
        for counter in counted_by(combination):
            counters[:, counter] += of_combination[:, i]
    durations = entries >> BIN_SHIFT
    longest = int(durations.max(initial=0))
    return Counts(counters, _crossed(groups, durations, number, longest + 1)[:, 1:])


def _crossed(groups: Numbers | None, values: NDArray[np.integer], number: int, width: int) -> Whole:
    """How often each value below ``width`` occurs in each group."""
    joint = values if groups is None or number == 1 else groups * np.int32(width) + values
    return np.bincount(joint, minlength=number * width).reshape(number, width)
