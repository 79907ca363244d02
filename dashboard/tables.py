"""Writing a table as CSV or as a workbook, row by row, without holding it."""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

from pipelines.desk.export import harmless

Line = Sequence[Any]
BOM = "\ufeff"
"""Without it Excel takes UTF-8 for the code page of the machine."""
SHEET_ROWS = 1_000_000
"""A sheet of a workbook holds 1,048,576 rows; from here on another one is begun."""
_WIDTH = 18


def write_csv(file: Path, about: Iterable[Line], head: Line, rows: Iterable[Line]) -> None:
    """A block that says what this is, an empty line, the names of the columns, the rows."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        stream.write(BOM)
        writer = csv.writer(stream)
        for line in (*about, (), head):
            writer.writerow([harmless(value) for value in line])
        for row in rows:
            writer.writerow([harmless(value) for value in row])


def write_xlsx(
    file: Path,
    about: Iterable[Line],
    head: Line,
    rows: Iterable[Line],
    *,
    sheets: tuple[str, str],
) -> None:
    """A sheet that says what this is, and one or more with the rows; texts are never formulas."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(str(file), options) as book:
        bold = book.add_format({"bold": True})
        first = book.add_worksheet(sheets[0])
        first.set_column(0, 0, _WIDTH)
        first.set_column(1, 1, 4 * _WIDTH)
        for i, line in enumerate(about):
            _write(first, i, line)
        sheet, at, number = None, 0, 1
        for row in rows:
            if sheet is None or at > SHEET_ROWS:
                name = sheets[1] if number == 1 else f"{sheets[1]} {number}"
                sheet, at, number = book.add_worksheet(name), 1, number + 1
                sheet.set_column(0, len(head) - 1, _WIDTH)
                sheet.freeze_panes(1, 0)
                for column, name in enumerate(head):
                    sheet.write_string(0, column, str(name), bold)
            _write(sheet, at, row)
            at += 1
        if sheet is None:
            sheet = book.add_worksheet(sheets[1])
            for column, name in enumerate(head):
                sheet.write_string(0, column, str(name), bold)


def _write(sheet: Any, at: int, line: Line) -> None:
    for column, value in enumerate(line):
        if isinstance(value, int | float) and not isinstance(value, bool):
            sheet.write_number(at, column, value)
        elif value not in (None, ""):
            sheet.write_string(at, column, str(harmless(value)))


WRITERS: dict[str, Callable[..., None]] = {"csv": write_csv, "xlsx": write_xlsx}
"""The forms that a table can be taken away in."""
