"""k-anonymity: no row of an export stands for fewer than k of its like.

What could tell a row apart together, its place, time and kind (the quasi-identifiers), is made
coarser for the rows that are too rare, one step after the other; what is rare even at the last
step is left out, and counted. Sweeney (2002), doi:10.1142/S0218488502001648; here with local
recoding, so that ordinary rows keep their full detail.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Step = Callable[[Row], Row]
"""Makes a row coarser: a grid becomes its community, an hour its day. It only replaces values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """What may leave, in the order it came.

    ``coarser`` of the rows are less exact than they were; ``suppressed`` ones are left out,
    because they stay too rare.
    """

    rows: tuple[Row, ...]
    coarser: int
    suppressed: int


def k_anonymous(
    rows: Sequence[Row], identifying: Sequence[str], steps: Sequence[Step], *, k: int
) -> Released:
    """The rows in which every combination of the ``identifying`` columns occurs at least k times.

    ``steps`` are taken in turn by the rows that are still too rare, each on what the one before
    has left. Raises ValueError for a k below 1.
    """
    if k < 1:
        raise ValueError(f"k = {k}: must be at least 1")

    def like(row: Row) -> tuple[Any, ...]:
        return tuple(row.get(name) for name in identifying)

    settled: dict[int, Row] = {}
    rare = dict(enumerate(rows))
    changed: set[int] = set()
    for step in (None, *steps):
        if step is not None:
            coarse = {number: step(row) for number, row in rare.items()}
            changed |= {number for number, row in coarse.items() if like(row) != like(rare[number])}
            rare = coarse
        # those that have settled count too: a rare row may become like them
        counts = Counter(like(row) for row in (*settled.values(), *rare.values()))
        enough = {number: row for number, row in rare.items() if counts[like(row)] >= k}
        settled |= enough
        rare = {number: row for number, row in rare.items() if number not in enough}
    return Released(
        rows=tuple(settled[number] for number in sorted(settled)),
        coarser=len(changed & settled.keys()),
        suppressed=len(rare),
    )


def replaced(name: str, change: Callable[[Any], Any]) -> Step:
    """The step that makes one column coarser."""
    return lambda row: {**row, name: change(row.get(name))}


def left_out(*names: str) -> Step:
    """The step that says no more what these columns hold."""
    return lambda row: {**row, **dict.fromkeys(names)}
