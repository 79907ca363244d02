"""Volumes (册): the sheets of a UTC day bound together, column by column.

A question about a year looks at one clock of a million incidents: of 40 bytes a line it needs
four, and from a volume it reads no others. A volume says nothing that its sheets do not say. Who
writes on a sheet takes the volume of its day away in the same transaction, and it is bound anew
beside the door (:mod:`pipelines.upkeep.binding`); a day without one is read from its sheets. So
what is read is exact at every moment, whether days are bound or not.

A volume is one row a column, little-endian, its incidents by when they began: the milliseconds
since the day began (32 bits), the slot as a number in the register (32), the severity and whether
closed (8), then what each clock counts it for (32 each). The register, which only grows, lists the
slots' ids (64 each).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from pipelines.model.clock import CLOCKS
from pipelines.store import schema
from pipelines.store.hours import sheets_at
from pipelines.store.sheets import (
    COLUMNS,
    HOUR_MS,
    LINE_BYTES,
    OFFSET_MASK,
    STATE_MASK,
    STATE_SHIFT,
    between,
)
from pipelines.store.slots import Slots, SlotTable
from pipelines.store.store import Reader, Writer

DAY_MS = 24 * HOUR_MS


class Column(IntEnum):
    """The columns of a volume; those of the clocks follow."""

    BEGUN = 0
    SLOT = 1
    STATE = 2
    CLOCK = 3


_REGISTER = (-1, int(Column.SLOT))
"""The key under which the register stands."""
_EVERY_COLUMN = tuple(range(Column.CLOCK + len(CLOCKS)))
_TYPES = {column: np.dtype("<u1" if column == Column.STATE else "<u4") for column in _EVERY_COLUMN}
_WORTH_MS = 4 * HOUR_MS
"""Of a day that less is asked of, its sheets are read as fast."""
_DAYS_AT_ONCE = 64
_LONG = 400

Whole = NDArray[np.int64]
Stretch = tuple[int, int, int]
"""What is added (1) or taken away (-1), from when until before when, in milliseconds."""


class Wish(NamedTuple):
    """What a question needs to know of each incident; ``clocks`` are indices into ``CLOCKS``."""

    clocks: Sequence[int]
    edges: Sequence[int] = ()
    """Moments, ascending, between which incidents are told apart by when they began."""
    slots: bool = False
    states: NDArray[np.bool_] | None = None
    """Of each state whether its incidents are wished for; None where states do not matter."""
    from_sheets: bool = False
    """For who proves what volumes say, or was made from them."""


class Lines(NamedTuple):
    """The columns of some incidents; those that nobody wished for are empty."""

    number: int
    turns: NDArray[np.int32]
    """The last edge that is not after its beginning; the first for those before all."""
    slots: Whole
    """Places in ``table``."""
    table: SlotTable | None
    states: NDArray[np.uint8]
    entries: Sequence[NDArray[np.uint32]]


class _Task(NamedTuple):
    """A part of a day, in milliseconds since it began."""

    sign: int
    day: int
    begin: int
    end: int

    @property
    def is_long(self) -> bool:
        """Whether it is worth to look for a volume."""
        return self.end - self.begin >= _WORTH_MS

    def hours(self) -> range:
        """When its hours begin."""
        return range(self.day + self.begin // HOUR_MS * HOUR_MS, self.day + self.end, HOUR_MS)


def read_lines(
    reader: Reader, stretches: Sequence[Stretch], wish: Wish, slots: Slots
) -> Iterator[tuple[int, Lines]]:
    """The incidents that began in some stretches, with their sign, some thousands at a time."""
    tasks = [task for stretch in stretches for task in _tasks(*stretch)]
    if len(tasks) > _LONG:
        tasks = _where_sheets_are(reader, tasks)
    tasks.sort()
    for i in range(0, len(tasks), _DAYS_AT_ONCE):
        chunk = tasks[i : i + _DAYS_AT_ONCE]
        found = _Fetched(reader, chunk, wish, slots)
        for sign in sorted({task.sign for task in chunk}):
            lines = found.lines([task for task in chunk if task.sign == sign])
            if lines.number:
                yield sign, lines


def _tasks(sign: int, begin_ms: int, end_ms: int) -> Iterator[_Task]:
    day = begin_ms // DAY_MS * DAY_MS
    while day < end_ms:
        yield _Task(sign, day, max(begin_ms - day, 0), min(end_ms - day, DAY_MS))
        day += DAY_MS


def _where_sheets_are(reader: Reader, tasks: Sequence[_Task]) -> list[_Task]:
    hour = schema.sheet.c.hour_ms
    ((first, last),) = reader.rows(select(func.min(hour), func.max(hour)))
    if first is None:
        return []
    return [task for task in tasks if first - DAY_MS < task.day <= last]


class _Fetched:
    """The volumes and sheets of some parts of days, all read at once."""

    def __init__(self, reader: Reader, tasks: Sequence[_Task], wish: Wish, slots: Slots) -> None:
        self._reader = reader
        self._wish = wish
        self._slots = slots
        self._columns = (
            Column.BEGUN,
            *(Column.CLOCK + clock for clock in wish.clocks),
            *((Column.SLOT,) if wish.slots else ()),
            *((Column.STATE,) if wish.states is not None else ()),
        )
        self._register = np.zeros(0, dtype=np.uint64)
        self._volumes: dict[int, dict[int, bytes]] = {}
        self._read_volumes(sorted({task.day for task in tasks if task.is_long}))
        loose = {hour for task in tasks if not self._is_bound(task) for hour in task.hours()}
        self._sheets = sheets_at(reader, sorted(loose))

    def _read_volumes(self, days: Sequence[int]) -> None:
        if not days or self._wish.from_sheets:
            return
        keys = [_REGISTER, *product(days, map(int, self._columns))]
        register, *rows = self._reader.by_key(schema.volume, keys)
        self._register = _ids_in(register)
        for row in rows:
            if row is not None:
                self._volumes.setdefault(row[0], {})[row[1]] = row[2]

    def _is_bound(self, task: _Task) -> bool:
        return task.is_long and task.day in self._volumes

    def lines(self, tasks: Sequence[_Task]) -> Lines:
        """The incidents of some of the parts of days that were read."""
        bound = self._from_volumes([task for task in tasks if self._is_bound(task)])
        loose = self._from_sheets([task for task in tasks if not self._is_bound(task)])
        table, places = None, np.zeros(0, dtype=np.int64)
        if self._wish.slots:
            # what the register and the sheets call a slot, looked up together, in one table
            ids = np.concatenate((self._register, loose.slots))
            table, at = self._slots.holding(self._reader, ids)
            places = _joined(at[bound.slots], at[len(self._register) :])
        return Lines(
            bound.number + loose.number,
            _joined(bound.turns, loose.turns),
            places,
            table,
            _joined(bound.states, loose.states),
            [_joined(*both) for both in zip(bound.entries, loose.entries, strict=True)],
        )

    def _from_volumes(self, tasks: Sequence[_Task]) -> "_Found":
        pieces: dict[int, list[bytes]] = {column: [] for column in self._columns}
        turns: list[int] = []
        lengths: list[int] = []
        number = 0
        for task in tasks:
            volume = self._volumes[task.day]
            begun = np.frombuffer(volume[Column.BEGUN], "<u4")
            first, last = 0, len(begun)
            if (task.begin, task.end) != (0, DAY_MS):
                first, last = np.searchsorted(begun, [task.begin, task.end]).tolist()
            number += last - first
            if self._wish.edges:
                edges = self._wish.edges
                turn = bisect_right(edges, task.day + task.begin) - 1
                until = bisect_left(edges, task.day + task.end)
                inside = [edge - task.day for edge in edges[turn + 1 : until]]
                cuts = [first, *np.searchsorted(begun, inside).tolist(), last]
                turns += range(turn, until)
                lengths += (after - before for before, after in pairwise(cuts))
            for column in self._columns:
                size = _TYPES[column].itemsize
                pieces[column].append(volume[column][first * size : last * size])
        found = {
            column: np.frombuffer(b"".join(of), _TYPES[column]) for column, of in pieces.items()
        }
        nothing = np.zeros(0, dtype=np.uint8)
        return self._wished(
            number,
            np.repeat(np.array(turns, dtype=np.int32), lengths),
            found.get(Column.SLOT, nothing),
            found.get(Column.STATE, nothing),
            [found[Column.CLOCK + clock] for clock in self._wish.clocks],
        )

    def _from_sheets(self, tasks: Sequence[_Task]) -> "_Found":
        pieces = [
            (hour, between(sheet, task.day + task.begin - hour, task.day + task.end - hour))
            for task in tasks
            for hour in task.hours()
            if (sheet := self._sheets.get(hour)) is not None
        ]
        every, wish = _columns_of(pieces), self._wish
        turns = np.searchsorted(wish.edges, every.begun if wish.edges else (), side="right") - 1
        return self._wished(
            every.number,
            turns.astype(np.int32),
            every.slots if wish.slots else every.slots[:0],
            every.states if wish.states is not None else every.states[:0],
            [every.entries[clock] for clock in wish.clocks],
        )

    def _wished(
        self,
        number: int,
        turns: NDArray[np.int32],
        slots: NDArray[Any],
        states: NDArray[np.uint8],
        entries: Sequence[NDArray[np.uint32]],
    ) -> "_Found":
        """Those of the lines that are of a state that is wished for."""
        found = _Found(number, turns, slots, states, entries)
        if self._wish.states is None:
            return found
        at = np.flatnonzero(self._wish.states[states])
        if len(at) == number:
            return found
        return _Found(
            len(at),
            turns[at] if len(turns) else turns,
            slots[at] if len(slots) else slots,
            states[at],
            [column[at] for column in entries],
        )


class _Found(NamedTuple):
    """What is wished for, slots by whatever name they have where it was found."""

    number: int
    turns: NDArray[np.int32]
    slots: NDArray[Any]
    states: NDArray[np.uint8]
    entries: Sequence[NDArray[np.uint32]]


def _joined(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Both, one behind the other; copies nothing when one is empty."""
    if not len(one) or not len(other):
        return one if len(one) else other
    return np.concatenate((one, other))


class _Columns(NamedTuple):
    """All columns of some sheets; ``begun`` in milliseconds since 1970."""

    number: int
    begun: Whole
    slots: NDArray[np.uint64]
    states: NDArray[np.uint8]
    entries: Sequence[NDArray[np.uint32]]


def _columns_of(pieces: Sequence[tuple[int, bytes]]) -> _Columns:
    """The columns of some sheets, each with when its hour began."""
    lines = np.frombuffer(b"".join(content for _, content in pieces), COLUMNS)
    lengths = [len(content) // LINE_BYTES for _, content in pieces]
    hours = np.repeat(np.array([hour for hour, _ in pieces], dtype=np.int64), lengths)
    starts = lines["start"]
    return _Columns(
        len(lines),
        hours + (starts & OFFSET_MASK),
        lines["slot"],
        (starts >> STATE_SHIFT & STATE_MASK).astype(np.uint8),
        [lines["entries"][:, clock] for clock in range(len(CLOCKS))],
    )


def _ids_in(register: Sequence[Any] | None) -> NDArray[np.uint64]:
    return np.frombuffer(b"" if register is None else register[2], "<u8")


def bind(writer: Writer, days: Sequence[int]) -> None:
    """Bind the sheets of some days, within the writer's transaction.

    ``days`` are when they begin, in order.
    """
    (row,) = writer.by_key(schema.volume, [_REGISTER])
    every, known = _columns_of_days(writer, days), _ids_in(row)
    ids, which = np.unique(every.slots, return_inverse=True)
    register = np.concatenate((known, ids[~np.isin(ids, known)]))
    by_id = np.argsort(register)
    numbers = by_id[np.searchsorted(register, ids, sorter=by_id)][which]
    ends = np.searchsorted(every.begun, [day + DAY_MS for day in days]).tolist()
    begins = [0, *ends[:-1]]
    lengths = np.subtract(ends, begins)
    columns: tuple[NDArray[Any], ...] = (
        every.begun - np.repeat(np.array(days, dtype=np.int64), lengths),
        numbers,
        every.states,
        *every.entries,
    )
    rows = [
        (day, column, values[begin:end].astype(_TYPES[column]).tobytes())
        for column, values in enumerate(columns)
        for day, begin, end in zip(days, begins, ends, strict=True)
    ]
    if len(register) > len(known):
        rows.append((*_REGISTER, register.astype("<u8").tobytes()))
    writer.put(schema.volume, rows)


def _columns_of_days(reader: Reader, days: Sequence[int]) -> _Columns:
    """The columns of whole days, from their sheets, by when the incidents began."""
    hours = [hour for day in days for hour in range(day, day + DAY_MS, HOUR_MS)]
    found = _columns_of(list(sheets_at(reader, hours).items()))
    order = np.argsort(found.begun, kind="stable")
    return _Columns(
        found.number,
        found.begun[order],
        found.slots[order],
        found.states[order],
        [entries[order] for entries in found.entries],
    )


def release(writer: Writer, hours: Iterable[int]) -> None:
    """Take away the volumes that hold any of these hours: their sheets are written on."""
    days = sorted({hour // DAY_MS * DAY_MS for hour in hours})
    writer.remove(schema.volume, list(product(days, _EVERY_COLUMN)))


def bound_days(reader: Reader) -> list[int]:
    """When the days begin that are bound, in order."""
    day, column = schema.volume.c.day_ms, schema.volume.c.part
    rows = reader.rows(select(day).where(column == int(Column.BEGUN)).order_by(day))
    return [row[0] for row in rows]


def unbound_days(reader: Reader) -> list[int]:
    """When the days begin that have sheets and are not bound, in order."""
    hours = reader.rows(select(schema.sheet.c.hour_ms))
    days = {row[0] // DAY_MS * DAY_MS for row in hours}
    return sorted(days.difference(bound_days(reader)))


def wrong_days(reader: Reader) -> Iterator[int]:
    """When the days begin whose volume says something else than their sheets."""
    (row,) = reader.by_key(schema.volume, [_REGISTER])
    register = _ids_in(row)
    for day in bound_days(reader):
        due = _columns_of_days(reader, [day])
        keys = [(day, column) for column in _EVERY_COLUMN]
        begun, slots, states, *entries = (
            np.frombuffer(b"" if row is None else row[2], _TYPES[column])
            for column, row in zip(_EVERY_COLUMN, reader.by_key(schema.volume, keys), strict=True)
        )
        is_right = (
            np.array_equal(begun.astype(np.int64) + day, due.begun)
            and len(register) > slots.max(initial=0)
            and np.array_equal(register[slots], due.slots)
            and np.array_equal(states, due.states)
            and all(map(np.array_equal, entries, due.entries))
        )
        if not is_right:
            yield day
