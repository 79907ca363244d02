"""The order of a list by verdict or by duration, read off the census behind it.

No database can sort by a verdict, which comes from rules, calendars and the silence of sources. But
the census of a list has each incident's verdict and the bin of its duration, so it says which
incidents a page holds and when they began; those alone are read. Bins of a second decide; inside
wider ones, from 15 minutes on, the rows of the whole bin are read and put in order by the second.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from pipelines.figures.census import Chosen, Numbers
from pipelines.figures.groups import Query
from pipelines.model.clock import Verdict
from pipelines.model.tally import EXACT_BINS, duration_bin
from pipelines.store.rows import to_ms

Row = Mapping[str, Any]
Place = tuple[int, int]
"""Where a row stands: by its rank, and from the newest down."""
VERDICT, SECONDS = "verdict", "seconds"
JUDGED = (VERDICT, SECONDS)
"""What a list can be sorted by that is no column of the store."""


class Piece(NamedTuple):
    """Some of a list, from one place in its order up to another, and when those began."""

    first: int
    last: int
    moments: Numbers


class JudgedOrder:
    """A list of incidents by verdict or by duration; equal ones from the newest down.

    Verdicts come as :class:`pipelines.model.clock.Verdict` lists them. What has no duration comes
    before everything, as in a database.
    """

    def __init__(self, chosen: Chosen, query: Query, sort: str) -> None:
        """``sort`` is one of ``JUDGED``, with a minus before it from the highest down."""
        self._by = sort.removeprefix("-")
        self._sign = -1 if sort.startswith("-") else 1
        self._begun = chosen.begun_ms()
        what = ("order", sort, query.milestone, query.reading)
        self._order, self._ranks = chosen.once(what, lambda: self._put(chosen, query))

    def _put(self, chosen: Chosen, query: Query) -> tuple[Numbers, Numbers]:
        """The incidents of the list in its order, and the ranks of those, ascending."""
        clock = (query.milestone, query.reading)
        values = chosen.verdicts(*clock) if self._by == VERDICT else chosen.bins(*clock)
        ranks = self._sign * values.astype(np.int16)
        newest_first = np.arange(len(ranks))[::-1]
        order = newest_first[np.argsort(ranks[newest_first], kind="stable")]
        return order, ranks[order]

    def piece(self, offset: int, limit: int) -> Piece:
        """What must be read for a page."""
        first, last = offset, min(offset + limit, len(self._order))
        if first >= last:
            return Piece(first, first, self._begun[:0])
        if self._is_wide(first):
            first = int(np.searchsorted(self._ranks, self._ranks[first], side="left"))
        if self._is_wide(last - 1):
            last = int(np.searchsorted(self._ranks, self._ranks[last - 1], side="right"))
        return Piece(first, last, np.unique(self._begun[self._order[first:last]]))

    def page(self, piece: Piece, rows: Iterable[Row], offset: int, limit: int) -> list[Any]:
        """The page, given all rows of the list that began when those of its piece did."""
        if piece.first == piece.last:
            return []
        least = self._place(piece.first)
        found = [row for row in rows if self._place_of(row) >= least]
        found.sort(key=lambda row: str(row["id"]))
        found.sort(key=lambda row: str(row["t0"]), reverse=True)
        found.sort(key=self._value)
        alike = piece.first
        while alike and self._place(alike - 1) == least:
            alike -= 1
        # what began with the first one and counts like it may stand before it
        begin = offset - alike
        return found[begin : begin + limit]

    def _is_wide(self, index: int) -> bool:
        return self._by == SECONDS and abs(int(self._ranks[index])) > EXACT_BINS

    def _place(self, index: int) -> Place:
        return int(self._ranks[index]), -int(self._begun[self._order[index]])

    def _place_of(self, row: Row) -> Place:
        value = self._value(row)
        if self._by == SECONDS and value:
            value = self._sign * (duration_bin(abs(value) - 1) + 1)
        return value, -to_ms(datetime.fromisoformat(row["t0"]))

    def _value(self, row: Row) -> int:
        """What a row is put in order by; the seconds are one up, so that none are before 0."""
        if self._by == VERDICT:
            return self._sign * list(Verdict).index(Verdict(row["verdict"]))
        seconds = row["seconds"]
        return 0 if seconds is None else self._sign * (int(seconds) + 1)
