"""The records of a sheet: what is below its header, by column."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Literal

import orjson

from pipelines.connectors.file_drop.format import BrokenFileError, Found, Mark
from pipelines.connectors.file_drop.options import FileDropOptions
from pipelines.connectors.file_drop.xlsx.header import (
    LOOKED_THROUGH,
    Header,
    find_header,
    letters_of,
)
from pipelines.connectors.file_drop.xlsx.parts import SHEET_MOST
from pipelines.connectors.file_drop.xlsx.rows import ROW_CHARACTERS_MOST, SheetRow, rows
from pipelines.connectors.file_drop.xlsx.values import Shown, moment_text
from pipelines.connectors.file_drop.xlsx.workbook import Merge, Workbook
from pipelines.connectors.reread import Reread


def read(path: Path, options: FileDropOptions, mark: Mark) -> Iterator[Found]:
    """Yield the records behind a mark.

    A workbook is written anew when it grows, so its bytes tell nothing. When its records up to
    the mark are those that were read before, reading goes on behind them, else at the beginning.
    """
    found = _records(path, options)
    if mark.digest and not _leads_to(mark, found):
        found = _records(path, options)
    yield from found


def reread(raw: bytes, _context: bytes, _options: FileDropOptions) -> Reread:
    """The cells of a row that was kept: they were kept by their headings, as they were shown."""
    try:
        fields = orjson.loads(raw)
    except ValueError as error:
        return Reread(None, ("(row)", "", f"cannot be read any more: {error}"))
    if isinstance(fields, dict):
        return Reread(fields)
    rule = f"has more than {ROW_CHARACTERS_MOST} characters; no record is that long"
    return Reread(None, ("(row)", "", rule))


def _leads_to(mark: Mark, found: Iterator[Found]) -> bool:
    """Take the records up to a mark; say whether they are those that it was set behind."""
    try:
        last = next((f for f in found if f.line >= mark.line), None)
    except BrokenFileError:
        return False  # it breaks off before; that is said behind the good rows
    return last is not None and (last.line, last.mark.digest) == (mark.line, mark.digest)


def _records(path: Path, options: FileDropOptions) -> Iterator[Found]:
    with closing(Workbook(path)) as book:
        sheet = book.sheet(options.sheet)
        merges = book.merges(sheet)
        found = rows(
            book.chunks(sheet), texts=book.texts, formats=book.formats, is_1904=book.is_1904
        )
        first, broken = _first(found, options.header_row)
        header = find_header(first, merges, options.header_row)
        if header is not None:
            context = orjson.dumps(
                {"format": "xlsx", "sheet": sheet.name, "columns": list(header.columns.values())}
            )
            below = (r for r in chain(first, found) if r.number > header.last_row)
            columns = _Columns(header, options.dates, is_1904=book.is_1904)
            yield from _found(_filled(below, merges, header), columns, context)
        if broken is not None:
            raise broken


def _first(
    found: Iterator[SheetRow], header_row: int | Literal["auto"]
) -> tuple[Sequence[SheetRow], BrokenFileError | None]:
    """Rows enough to find the header in, and why there are no more when the sheet breaks off."""
    first: list[SheetRow] = []
    behind = 0 if header_row == "auto" else header_row + LOOKED_THROUGH
    try:
        for row in found:
            first.append(row)
            if len(first) >= LOOKED_THROUGH and row.number >= behind:
                break
    except BrokenFileError as error:
        return first, error
    return first, None


def _filled(
    found: Iterator[SheetRow], merges: Sequence[Merge], header: Header
) -> Iterator[SheetRow]:
    """The rows with what merged cells show in each of the cells they take the place of."""
    waiting = [m for m in reversed(merges) if m.top > header.last_row]
    columns = sorted(header.columns)
    shown: dict[int, tuple[int, str]] = {}  # by column: down to which row, and what
    for row in found:
        room = len(columns)  # merged cells that overlap are no reason to take for ever
        while waiting and waiting[-1].top <= row.number:
            merge = waiting.pop()
            text = row.cells.get(merge.left) if merge.top == row.number else None
            if text is not None and room > 0:
                start = bisect_left(columns, merge.left)
                below = columns[start : bisect_right(columns, merge.right)]
                room -= len(below)
                shown |= dict.fromkeys(below, (merge.bottom, text))
        shown = {c: (last, text) for c, (last, text) in shown.items() if last >= row.number}
        for column, (_, text) in shown.items():
            row.cells.setdefault(column, text)
        if sum(len(text) for _, text in shown.values()) > ROW_CHARACTERS_MOST:
            yield row._replace(is_too_long=True)
        else:
            yield row


class _Columns:
    """Makes a row's cells into fields by name."""

    def __init__(self, header: Header, dates: Sequence[str], *, is_1904: bool) -> None:
        self._names = header.columns
        self._empty = dict.fromkeys(header.columns.values(), "")
        self._dates = {column for column, name in header.columns.items() if name in dates}
        self._is_1904 = is_1904

    def fields(self, row: SheetRow) -> dict[str, str]:
        """The fields of a row; a cell below no heading is named by its letter."""
        fields = self._empty.copy()
        for column, text in row.cells.items():
            fields[self._names.get(column) or self._unnamed(column)] = text
        for column in self._dates & row.figures & row.cells.keys():
            fields[self._names[column]] = self._date(row.cells[column])
        return fields

    def _unnamed(self, column: int) -> str:
        letters = letters_of(column)
        return f"{letters} (2)" if letters in self._empty else letters

    def _date(self, text: str) -> str:
        try:
            return moment_text(text, Shown.MOMENT, is_1904=self._is_1904)
        except ValueError:
            return text  # a date already


def _found(below: Iterator[SheetRow], columns: _Columns, context: bytes) -> Iterator[Found]:
    before, said = blake2b(context, digest_size=16), 0
    for row in below:
        fields = None if row.is_too_long else columns.fields(row)
        raw = orjson.dumps(
            fields if fields is not None else row.number, option=orjson.OPT_SORT_KEYS
        )
        before.update(raw)
        said += len(raw)
        if said > SHEET_MOST:  # one text may be shown in many cells
            raise BrokenFileError(
                "says more than 2 GB; a zip bomb? Else export it in smaller parts"
            )
        mark = Mark(line=row.number, digest=before.hexdigest())
        rule = f"has more than {ROW_CHARACTERS_MOST} characters; no record is that long"
        problem = None if fields is not None else ("(row)", "", rule)
        yield Found(raw, context, fields, row.number, mark, problem)
