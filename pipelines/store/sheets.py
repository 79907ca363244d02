"""The settled incidents of an hour on a sheet: when each began, where it is counted, as what.

A sheet is the narrowest rollup, and it loses nothing: any part of its hour can be counted from
it without reading an incident. A long hour has several, see :mod:`pipelines.store.hours`. A line
is 40 bytes, little-endian: the slot (64 bits), the milliseconds since the hour began (22), the
severity (4, 0 for none), whether it is closed (1; 5 are free), and what each clock counts it for
(32 each, see :func:`pipelines.model.tally.entry`). The lines are sorted, so a sheet is a function
of what is on it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Any, NamedTuple

import numpy as np

from pipelines.model.clock import CLOCKS
from pipelines.store.sums import numbers

HOUR_MS = 3_600_000
_CLOCKS = len(CLOCKS)
_LINE = Struct(f"<QI{_CLOCKS}I")
LINE_BYTES = _LINE.size
ENTRIES_BYTES = 4 * _CLOCKS
_FIRST_ENTRY = 3
_FIELDS = _LINE.size // 4
_OFFSET_BITS, _SEVERITY_BITS = 22, 4
OFFSET_MASK = (1 << _OFFSET_BITS) - 1
SEVERITY_SHIFT, SEVERITY_MASK = _OFFSET_BITS, (1 << _SEVERITY_BITS) - 1
CLOSED_BIT = 1 << _OFFSET_BITS + _SEVERITY_BITS
STATE_SHIFT, STATE_MASK = SEVERITY_SHIFT, SEVERITY_MASK << 1 | 1
"""Where the second field of a line says severity and whether closed, in five bits."""
assert HOUR_MS <= OFFSET_MASK, "an hour of milliseconds"
assert _LINE.size % 8 == 0, "a line is whole 64-bit numbers"
COLUMNS = np.dtype([("slot", "<u8"), ("start", "<u4"), ("entries", "<u4", (_CLOCKS,))])
"""A line for numpy."""
_LONG = 32
"""A content of so many items a change is edited where it changes; a shorter one is sorted anew."""
_NOT_THERE = "the rollups do not hold what is to be taken out of them"
assert COLUMNS.itemsize == LINE_BYTES, "both say what a line is"


class Slot(NamedTuple):
    """Where an incident is counted: its grid, kind and source."""

    grid: str
    kind: str
    source: str


@lru_cache(maxsize=65_536)
def slot_id(slot: Slot) -> int:
    """The same 63 bits for the same slot everywhere."""
    digest = blake2b("\x1f".join(slot).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def start_of(offset_ms: int, severity: int | None, *, closed: bool) -> int:
    """The second field of a line: how far into the hour it began, how severe, whether closed."""
    level = min(max(severity or 0, 0), SEVERITY_MASK)
    return offset_ms | level << SEVERITY_SHIFT | (CLOSED_BIT if closed else 0)


def severity_of(start: int) -> int:
    """The severity in the second field of a line; 0 for none."""
    return start >> SEVERITY_SHIFT & SEVERITY_MASK


def line_of(slot: int, start: int, entries: Sequence[int]) -> bytes:
    """One settled incident as a line: the id of its slot, and its ``start_of``.

    ``entries`` in the order of ``CLOCKS``.
    """
    return _LINE.pack(slot, start, *entries)


def offset_of(line: bytes) -> int:
    """How many milliseconds into its hour the incident of a line began."""
    start: int = _LINE.unpack_from(line)[1]
    return start & OFFSET_MASK


def multiset(content: bytes, size: int, added: Sequence[bytes], removed: Sequence[bytes]) -> bytes:
    """Sorted items of ``size`` bytes, with some more and some fewer.

    Raises OverflowError when an item is to be taken out that is not there.
    """
    if len(content) > _LONG * size * (len(added) + len(removed)):
        return _edited(content, size, added, removed)
    items = [content[i : i + size] for i in range(0, len(content), size)]
    items += added
    if removed:
        left = Counter(items)
        left.subtract(removed)
        if min(left.values()) < 0:
            raise OverflowError(_NOT_THERE)
        items = list(left.elements())
    items.sort()
    return b"".join(items)


def _edited(content: bytes, size: int, added: Sequence[bytes], removed: Sequence[bytes]) -> bytes:
    """The same for a long content with few changes, of which only their places are looked at.

    In a flood an hour has hundreds of thousands of lines, and every transaction changes its sheet.
    """
    changes = Counter(added)
    changes.subtract(removed)
    items, view = _Items(content, size), memoryview(content)
    parts: list[bytes | memoryview] = []
    kept = 0
    for item in sorted(changes):
        number = changes[item]
        at = bisect_left(items, item, kept)
        parts += view[kept * size : at * size], memoryview(item * max(number, 0))
        kept = at - min(number, 0)
        if number < 0 and (kept > len(items) or items[kept - 1] != item):
            raise OverflowError(_NOT_THERE)
    return b"".join((*parts, view[kept * size :]))


class _Items(Sequence[bytes]):
    """Items of one size in their bytes, none of them cut out before it is looked at."""

    def __init__(self, content: bytes, size: int) -> None:
        self._content = content
        self._size = size

    def __len__(self) -> int:
        return len(self._content) // self._size

    def __getitem__(self, index: Any) -> Any:
        return self._content[index * self._size : (index + 1) * self._size]


class Lines(NamedTuple):
    """The columns of some sheets."""

    slots: Sequence[int]
    entries: Sequence[Sequence[int]]
    """One column a clock that was asked for."""
    starts: Sequence[int]
    """As ``start_of`` makes them."""

    @property
    def offsets(self) -> Sequence[int]:
        """How many milliseconds into its hour each began."""
        return [start & OFFSET_MASK for start in self.starts]


def read(content: bytes, clocks: Iterable[int]) -> Lines:
    """The columns of a sheet, or of several, one behind the other; ``clocks`` by index."""
    small = numbers("I", content)
    columns = [small[_FIRST_ENTRY + clock :: _FIELDS] for clock in clocks]
    return Lines(numbers("Q", content)[0 :: _FIELDS // 2], columns, small[2::_FIELDS])


def between(content: bytes, begin_ms: int, end_ms: int) -> bytes:
    """The lines of one sheet that begin in [begin, end), milliseconds since its hour began."""
    if begin_ms <= 0 and end_ms >= HOUR_MS:
        return content
    lines = np.frombuffer(content, COLUMNS)
    offsets = lines["start"] & OFFSET_MASK
    return lines[(offsets >= begin_ms) & (offsets < end_ms)].tobytes()
