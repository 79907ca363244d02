"""The slots as a table: which grid, kind and source the numbers on a sheet stand for."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from pipelines.store import schema
from pipelines.store.store import Reader

Numbers = NDArray[np.uint64]
Whole = NDArray[np.int64]


class SlotTable(NamedTuple):
    """Every slot by its number, ascending; its grid, kind and source as places in their lists."""

    numbers: Numbers
    grid: Whole
    kind: Whole
    source: Whole
    grids: tuple[str, ...]
    kinds: tuple[str, ...]
    sources: tuple[str, ...]


class Slots:
    """Keeps the table; reads it anew when a number is not in it. What it holds never changes."""

    def __init__(self) -> None:
        self._table: SlotTable | None = None

    def holding(self, reader: Reader, numbers: Numbers) -> tuple[SlotTable, Whole]:
        """A table with all of these numbers, and where in it each stands."""
        table = self._table
        at = None if table is None else _places(table, numbers)
        if table is None or at is None:
            table = self._table = _read(reader)
            at = _places(table, numbers)
            assert at is not None, "a sheet names a slot that is nowhere"
        return table, at


def grids_in(reader: Reader) -> list[str]:
    """Every grid that something was counted in."""
    return [row[0] for row in reader.rows(select(schema.slot.c.grid).distinct())]


def _places(table: SlotTable, numbers: Numbers) -> Whole | None:
    at = np.searchsorted(table.numbers, numbers)
    known = at < len(table.numbers)
    if not known.all() or (table.numbers[at] != numbers).any():
        return None
    return at


def _read(reader: Reader) -> SlotTable:
    slot = schema.slot.c
    rows = reader.rows(select(slot.slot, slot.grid, slot.kind, slot.source).order_by(slot.slot))
    numbers = np.array([row[0] for row in rows], dtype=np.uint64)
    coded = [_coded(row[i] for row in rows) for i in (1, 2, 3)]
    (grid, grids), (kind, kinds), (source, sources) = coded
    return SlotTable(numbers, grid, kind, source, grids, kinds, sources)


def _coded(texts: Iterable[str]) -> tuple[Whole, tuple[str, ...]]:
    """Texts as places in the list of all different ones."""
    known: dict[str, int] = {}
    places = [known.setdefault(text, len(known)) for text in texts]
    return np.array(places, dtype=np.int64), tuple(known)
