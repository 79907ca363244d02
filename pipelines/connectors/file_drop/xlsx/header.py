"""Where a sheet's header is, how many rows it takes, and what its columns are called."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Literal, NamedTuple

from pipelines.connectors.file_drop.format import BrokenFileError
from pipelines.connectors.file_drop.xlsx.rows import SheetRow
from pipelines.connectors.file_drop.xlsx.workbook import Merge

BETWEEN = "/"
LOOKED_THROUGH = 50
_DEEPEST = 5
# a sheet may say that it is wider, and that all of it is merged
_WIDEST = 2000
_MERGES_MOST = 2000


class Header(NamedTuple):
    """The columns by number, and the last row of the header."""

    columns: Mapping[int, str]
    last_row: int


def find_header(
    rows: Sequence[SheetRow], merges: Sequence[Merge], wanted: int | Literal["auto"]
) -> Header | None:
    """The header among the first rows of a sheet; None when they are too few to have one.

    It is the first row whose cells are all text and more than half as many as those of the row
    with the most; merged cells count as one, so that titles and notes above it are too few.
    Raises BrokenFileError when no row is like that.
    """
    if not rows:
        return None
    merges = _near(rows, merges)
    if wanted == "auto":
        most = max(_count(row, merges) for row in rows)
        found = (r for r in rows if not r.figures and _count(r, merges) * 2 > most)
    else:
        found = (r for r in rows if r.number >= wanted)
    first = next(found, None)
    if first is None:
        raise BrokenFileError(
            f"no row of the first {LOOKED_THROUGH} looks like a header; set header_row and sheet"
        )
    last = first.number + _depth(first, rows, merges) - 1
    return Header(_named(_texts(rows, merges, first.number, last)), last)


def letters_of(column: int) -> str:
    """1 is ``A``, 27 is ``AA``."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _near(rows: Sequence[SheetRow], merges: Sequence[Merge]) -> list[Merge]:
    """The merged cells beside these rows, no wider than those are."""
    width = min(max((c for row in rows for c in row.cells), default=0), _WIDEST)
    near = (m for m in merges if m.top <= rows[-1].number and m.left <= min(m.right, width))
    return [m._replace(right=min(m.right, width)) for m in islice(near, _MERGES_MOST)]


def _count(row: SheetRow, merges: Sequence[Merge]) -> int:
    hidden = bytearray(_WIDEST + 1)
    for m in merges:
        if m.top <= row.number <= m.bottom:
            start = m.left + (m.top == row.number)
            hidden[start : m.right + 1] = b"\1" * (m.right + 1 - start)
    return sum(1 for column in row.cells if column <= _WIDEST and not hidden[column])


def _depth(first: SheetRow, rows: Sequence[SheetRow], merges: Sequence[Merge]) -> int:
    own = [m for m in merges if m.top == first.number and m.left in first.cells]
    down = max((m.bottom - m.top + 1 for m in own), default=1)
    if down > 1:
        return min(down, _DEEPEST)
    below = next((r for r in rows if r.number == first.number + 1), None)
    wide = {column for m in own for column in range(m.left, m.right + 1)}
    # headings over groups of columns: the row below names the columns of the groups, and no others
    is_second = below is not None and not below.figures and below.cells.keys() == wide
    return 2 if wide and is_second else 1


def _texts(
    rows: Sequence[SheetRow], merges: Sequence[Merge], first: int, last: int
) -> dict[int, list[str]]:
    """The headings of each column from top to bottom."""
    room = _WIDEST * (last - first + 1)
    cells = {(r.number, c): _one_line(t) for r in rows for c, t in r.cells.items() if c <= _WIDEST}
    for m in merges:
        if m.top > last or m.bottom < first or (m.top, m.left) not in cells:
            continue
        room -= m.right - m.left + 1
        if room < 0:
            raise BrokenFileError("its merged cells overlap; the workbook is damaged")
        for row in range(max(m.top, first), min(m.bottom, last) + 1):
            for column in range(m.left, m.right + 1):
                cells[row, column] = cells[m.top, m.left]
    found: dict[int, list[str]] = {}
    for row, column in sorted(cells):
        text = cells[row, column]
        above = found.setdefault(column, []) if first <= row <= last else None
        if above is not None and text and text not in above[-1:]:
            above.append(text)
    return found


def _named(texts: Mapping[int, Sequence[str]]) -> dict[int, str]:
    """One name a column; a second one of a name is numbered, one without is its letter."""
    columns: dict[int, str] = {}
    taken: set[str] = set()
    for column in sorted(texts):
        name = once = BETWEEN.join(texts[column]) or letters_of(column)
        n = 1
        while name in taken:
            n += 1
            name = f"{once} ({n})"
        taken.add(name)
        columns[column] = name
    return columns


def _one_line(text: str) -> str:
    return "".join(line.strip() for line in text.splitlines())
