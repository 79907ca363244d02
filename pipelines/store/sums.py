"""The counts of one clock as bytes that add up fast.

A figure over ten years of sixty grids is the sum of thousands of histograms. Kept as fields of
fixed width they are added as arrays, a histogram at a time, not bin by bin. The bytes are
a function of the counts alone, so equal counts are equal bytes, whatever their history.

Layout, little-endian: how many counters (8 bits), form (8), first bin (16), how many durations
(32); the counters, 32 bits each; then the durations. Form 0 lists the bin of each, ascending, 16
bits each. Forms 1, 2 and 4 count by bin from the first on, so many bytes each: as few as do. Most
sums of a month or year fit in one, and a database fetches long rows page by page.
"""

import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.model.tally import (
    BIN_SHIFT,
    COUNTERS,
    COUNTERS_MASK,
    ClockTally,
    counted_by,
    silenced,
)

Whole = NDArray[np.int64]

_HEAD = Struct("<BBHI")
_LISTED = 256
"""Fewer durations than this are listed, more are counted by bin."""
_TYPE = {1: "B", 2: "H", 4: "I"}
_WIDE, _SHORT = np.dtype("<u4"), np.dtype("<u2")
_NUMBERS: dict[int, np.dtype[Any]] = {1: np.dtype("u1"), 2: _SHORT, 4: _WIDE}
_FIELD = {1: Struct("<B"), 2: Struct("<H"), 4: Struct("<I")}
_TOGETHER = 1000
"""So many counts by bin are held back at most: a megabyte or two."""
_BIG_ENDIAN = sys.byteorder == "big"


def numbers(kind: str, content: bytes | bytearray | memoryview) -> "array[int]":
    """The little-endian numbers (``H``, ``I``, ``Q``) that some bytes hold."""
    found = array(kind)
    found.frombytes(content)
    if _BIG_ENDIAN:
        found.byteswap()
    return found


def as_bytes(kind: str, values: Iterable[int]) -> bytes:
    """Numbers as little-endian bytes; see :func:`numbers`."""
    found = array(kind, values)
    if _BIG_ENDIAN:
        found.byteswap()
    return found.tobytes()


def pack(counts: Mapping[int, int]) -> bytes:
    """The counts of a clock, by counter and bins behind them, as bytes; none are no bytes.

    Raises OverflowError when a count is below zero.
    """
    if not counts:
        return b""
    counters = [0] * (1 + max((k for k in counts if k < COUNTERS), default=-1))
    bins: dict[int, int] = {}
    for key, n in counts.items():
        if key < COUNTERS:
            counters[key] = n
        else:
            bins[key - COUNTERS] = n
    durations = sum(bins.values())
    first, form = 0, 0
    if durations < _LISTED:
        if min(bins.values(), default=0) < 0:
            raise OverflowError("a bin below zero")
        body = as_bytes("H", sorted(Counter(bins).elements()))
    else:
        form = _form_for(max(bins.values()))
        first = min(bins)
        fields = [0] * (max(bins) + 1 - first)
        for index, n in bins.items():
            fields[index - first] = n
        body = as_bytes(_TYPE[form], fields)
    return _HEAD.pack(len(counters), form, first, durations) + as_bytes("I", counters) + body


def counts_of(entries: Sequence[int]) -> dict[int, int]:
    """What entries of one clock count for, by counter and bins behind them."""
    counts: dict[int, int] = {}
    for number, n in Counter([entry & COUNTERS_MASK for entry in entries]).items():
        for key in counted_by(number):
            counts[key] = counts.get(key, 0) + n
    for place, n in Counter([entry >> BIN_SHIFT for entry in entries]).items():
        if place:
            counts[COUNTERS + place - 1] = n
    return counts


def pack_entries(entries: Sequence[int]) -> bytes:
    """The same bytes as ``pack``, of what entries of one clock count for."""
    bins = [entry >> BIN_SHIFT for entry in entries]
    if len(bins) >= _LISTED:
        return pack(counts_of(entries))
    counters = [0] * COUNTERS
    for number, n in Counter([entry & COUNTERS_MASK for entry in entries]).items():
        for key in counted_by(number):
            counters[key] += n
    while counters and not counters[-1]:
        counters.pop()
    listed = sorted(place - 1 for place in bins if place)
    if not counters:
        return b""
    head = _HEAD.pack(len(counters), 0, 0, len(listed))
    return head + as_bytes("I", counters) + as_bytes("H", listed)


def pack_arrays(counters: Whole, bins: Whole) -> bytes:
    """The same bytes as ``pack``, of counts by counter and by bin, none of them below zero."""
    there, durations = np.flatnonzero(bins), int(bins.sum())
    number = int(np.flatnonzero(counters)[-1]) + 1 if counters.any() else 0
    if not number and not durations:
        return b""
    first, form = 0, 0
    if durations < _LISTED:
        body = np.repeat(there, bins[there]).astype("<u2").tobytes()
    else:
        form = _form_for(int(bins.max()))
        first, last = int(there[0]), int(there[-1])
        body = bins[first : last + 1].astype(_NUMBERS[form]).tobytes()
    return (
        _HEAD.pack(number, form, first, durations)
        + counters[:number].astype("<u4").tobytes()
        + body
    )


def _form_for(most: int) -> int:
    """The bytes that the count of the fullest bin needs."""
    return 1 if most < 1 << 8 else 2 if most < 1 << 16 else 4


def unpack(content: bytes) -> dict[int, int]:
    """The counts of ``pack``."""
    if not content:
        return {}
    number, form, first, _ = _HEAD.unpack_from(content)
    at = 8 + 4 * number
    found = {i: n for i, n in enumerate(numbers("I", content[8:at])) if n}
    if form == 0:
        for index, n in Counter(numbers("H", content[at:])).items():
            found[COUNTERS + index] = n
    else:
        fields = numbers(_TYPE[form], content[at:])
        found.update((COUNTERS + first + i, n) for i, n in enumerate(fields) if n)
    return found


def changed(content: bytes, delta: Mapping[int, int]) -> bytes:
    """The bytes after adding ``delta``, by counter and bins behind them.

    Raises OverflowError when a count would fall below zero.
    """
    patched = _patched(content, delta) if content else None
    if patched is not None:
        return patched
    counts = unpack(content)
    for key, n in delta.items():
        counts[key] = counts.get(key, 0) + n
    return pack({key: n for key, n in counts.items() if n})


def _patched(content: bytes, delta: Mapping[int, int]) -> bytes | None:
    """A histogram that keeps its form, changed in place; None where it does not."""
    number, form, first, durations = _HEAD.unpack_from(content)
    if not form:
        return _relisted(content, delta)
    fields = bytearray(content)
    at = 8 + 4 * number
    field, most = _FIELD[form], (len(content) - at) // form
    is_lower = False
    for key, n in delta.items():
        if key < COUNTERS:
            if key >= number:
                return None
            if _add(fields, 8 + 4 * key, _FIELD[4], n) is None:
                return None
        else:
            index = key - COUNTERS - first
            if not 0 <= index < most:
                return None
            after = _add(fields, at + form * index, field, n)
            if after is None:
                return None
            durations += n
            is_lower |= n < 0 and _form_for(after) < form <= _form_for(after - n)
    # counts begin and end with something, so that equal counts are equal bytes
    ends = fields[at : at + form], fields[-form:], fields[at - 4 : at]
    if durations < _LISTED or not all(map(any, ends)):
        return None
    if is_lower and _form_for(int(np.frombuffer(fields, _NUMBERS[form], -1, at).max())) < form:
        return None
    _HEAD.pack_into(fields, 0, number, form, first, durations)
    return bytes(fields)


def _relisted(content: bytes, delta: Mapping[int, int]) -> bytes | None:
    """Listed durations, with some more in their places; None where any are to go, or too many."""
    number, _, _, durations = _HEAD.unpack_from(content)
    at = 8 + 4 * number
    counters, more = numbers("I", content[8:at]), []
    for key, n in delta.items():
        if n < 0 or COUNTERS > key >= number:
            return None
        if key < COUNTERS:
            counters[key] += n
        else:
            more += [key - COUNTERS] * n
    if durations + len(more) >= _LISTED:
        return None
    listed = sorted([*numbers("H", content[at:]), *more])
    head = _HEAD.pack(number, 0, 0, len(listed))
    return head + as_bytes("I", counters) + as_bytes("H", listed)


def _add(fields: bytearray, at: int, field: Struct, n: int) -> int | None:
    """Add to a count and return it; None where it has no room."""
    (before,) = field.unpack_from(fields, at)
    after: int = before + n
    if after < 0:
        raise OverflowError("a count below zero")
    if after >> 8 * field.size:
        return None
    field.pack_into(fields, at, after)
    return after


class Sum:
    """Adds and subtracts the counts of one clock.

    What is packed alike is laid together and added at once, which takes a third of the time that
    adding it piece by piece does.
    """

    __slots__ = ("_bins", "_counters", "_counts", "_fields", "_listed")

    def __init__(self) -> None:
        self._counters = np.zeros(COUNTERS, dtype=np.int64)
        self._bins = np.zeros(0, dtype=np.int64)
        self._counts: defaultdict[int, list[bytes]] = defaultdict(list)
        """Counters that are not added yet, by how many there are, with the sign they have."""
        self._fields: defaultdict[int, list[tuple[int, bytes]]] = defaultdict(list)
        """The first bin and the counts by bin that are not added yet, by form and sign."""
        self._listed = {1: bytearray(), -1: bytearray()}
        """By sign, durations that are not yet counted."""

    def add(self, content: bytes, sign: int = 1) -> None:
        """Add the counts of ``pack``, or take them away."""
        if not content:
            return
        number, form, first, _ = _HEAD.unpack_from(content)
        at = 8 + 4 * number
        if number:
            self._counts[sign * number].append(content[8:at])
        if form:
            fields = self._fields[sign * form]
            fields.append((first, content[at:]))
            if len(fields) >= _TOGETHER:
                self._add_up()
        else:
            self._listed[sign] += content[at:]

    def add_counts(self, counters: Whole, bins: Whole, sign: int = 1) -> None:
        """Add counts by counter and by bin, or take them away."""
        change = np.add if sign > 0 else np.subtract
        change(self._counters, counters, self._counters)
        known = self._room(len(bins))[: len(bins)]
        change(known, bins, known)

    def count(self, key: int, n: int) -> None:
        """Add ``n`` to a counter, or to a bin, which come behind them."""
        if key < COUNTERS:
            self._counters[key] += n
        else:
            self._room(key + 1 - COUNTERS)[key - COUNTERS] += n

    def result(self, *, hushed: bool = False) -> ClockTally:
        """What it all comes to; ``hushed``: had the source of it all fallen silent."""
        self._add_up()
        there = np.flatnonzero(self._bins)
        bins = self._bins[: there[-1] + 1 if len(there) else 0]
        counters = dict(enumerate(self._counters.tolist()))
        # as arrays: of a thousand bins, a figure looks at ten
        by_bin, running = (array("q", counts.tobytes()) for counts in (bins, np.cumsum(bins)))
        return ClockTally(silenced(counters) if hushed else counters, by_bin, running)

    def _add_up(self) -> None:
        """Add what was not added yet."""
        for signed, counts in self._counts.items():
            number = abs(signed)
            total = _total(counts, _WIDE, number)
            self._counters[:number] += total if signed > 0 else -total
        for signed, fields in self._fields.items():
            form = abs(signed)
            start = min(first for first, _ in fields)
            rows = [bytes(form * (first - start)) + content for first, content in fields]
            width = max(map(len, rows))
            total = _total([row.ljust(width, b"\0") for row in rows], _NUMBERS[form], width // form)
            known = self._room(start + len(total))[start : start + len(total)]
            known += total if signed > 0 else -total
        for sign, listed in self._listed.items():
            if listed:
                found = np.bincount(np.frombuffer(bytes(listed), _SHORT))
                self._room(len(found))[: len(found)] += sign * found
                listed.clear()
        self._counts.clear()
        self._fields.clear()

    def _room(self, number: int) -> Whole:
        """The bins, so many at least."""
        if number > len(self._bins):
            bins = np.zeros(number, dtype=np.int64)
            bins[: len(self._bins)] = self._bins
            self._bins = bins
        return self._bins


def _total(rows: Sequence[bytes], kind: np.dtype[Any], number: int) -> Whole:
    """Rows of so many numbers, added up column by column."""
    if len(rows) == 1:
        return np.frombuffer(rows[0], kind).astype(np.int64)
    # a thousand of the narrow ones fit, which takes half the time
    enough = np.uint32 if kind.itemsize < 4 else np.int64
    table = np.frombuffer(b"".join(rows), kind).reshape(-1, number)
    total: Whole = table.sum(0, dtype=enough).astype(np.int64)
    return total
