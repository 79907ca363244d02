"""The rows of a sheet as a stream: each cell's text by the number of its column."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple
from xml.parsers import expat

from pipelines.connectors.file_drop.lines import MAX_BYTES
from pipelines.connectors.file_drop.xlsx.parts import fed, local
from pipelines.connectors.file_drop.xlsx.values import Shown, moment_text, number_text, unescaped
from pipelines.connectors.file_drop.xlsx.workbook import Texts, column_number

COLUMNS_MOST = 16_384
ROW_CHARACTERS_MOST = MAX_BYTES


class SheetRow(NamedTuple):
    """A row that has text somewhere; ``figures`` are the columns whose cells are not text.

    A row that is longer than any record is handed over without its cells.
    """

    number: int
    cells: dict[int, str]
    figures: set[int]
    is_too_long: bool = False


def rows(
    chunks: Iterator[bytes], *, texts: Texts, formats: Sequence[Shown], is_1904: bool
) -> Iterator[SheetRow]:
    """Yield the rows of a sheet that are not empty; raises BrokenFileError where it breaks off."""
    reading = _Reading(texts, formats, is_1904)
    for _ in fed(reading.parser, chunks):
        yield from reading.rows
        reading.rows.clear()


class _Reading:
    """What the parser has seen of the row and the cell it is in."""

    def __init__(self, texts: Texts, formats: Sequence[Shown], is_1904: bool) -> None:
        self.rows: list[SheetRow] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._texts = texts
        self._formats = formats
        self._is_1904 = is_1904
        self._row = self._column = self._size = 0
        self._cells: dict[int, str] = {}
        self._figures: set[int] = set()
        self._type = self._style = ""
        self._pieces: list[str] = []
        self._is_aside = False

    def _start(self, name: str, about: dict[str, str]) -> None:
        if ":" in name:
            name = local(name)
        if name == "c":
            self._column = _column(about.get("r", "")) or self._column + 1
            self._type = about.get("t", "n")
            self._style = about.get("s", "")
            self._pieces = []
        elif name == "v" or (name == "t" and not self._is_aside):
            self.parser.CharacterDataHandler = self._add
        elif name == "row":
            number = about.get("r", "")
            self._row = int(number) if number.isdecimal() and len(number) < 10 else self._row + 1
            self._column = self._size = 0
            self._cells, self._figures = {}, set()
        elif name == "rPh":
            self._is_aside = True

    def _add(self, text: str) -> None:
        self._size += len(text)
        if self._size <= ROW_CHARACTERS_MOST:
            self._pieces.append(text)

    def _end(self, name: str) -> None:
        if ":" in name:
            name = local(name)
        if name in ("v", "t"):
            self.parser.CharacterDataHandler = None
        elif name == "c":
            if self._pieces and self._column <= COLUMNS_MOST:
                self._keep(self._value("".join(self._pieces)))
        elif name == "row":
            self._finish()
        elif name == "rPh":
            self._is_aside = False

    def _keep(self, text: str) -> None:
        if self._type == "s":
            self._size += len(text)
        if text and self._size <= ROW_CHARACTERS_MOST:
            self._cells[self._column] = text

    def _value(self, value: str) -> str:
        """The text of a cell; raises ValueError, as unsound XML does, for what can be none."""
        match self._type:
            case "s":
                if not value.isdecimal():
                    raise ValueError(f"row {self._row} refers to a text by no number")
                return self._texts[int(value[:9])]
            case "str" | "inlineStr":
                return unescaped(value)
            case "e":
                return ""  # #N/A and the like say that there is nothing
            case "b":
                self._figures.add(self._column)
                return "true" if value.strip() == "1" else "false"
            case "d":
                self._figures.add(self._column)
                return value.strip().replace("T", " ").removesuffix("Z")
        self._figures.add(self._column)
        shown = self._shown()
        try:
            if shown is Shown.NUMBER:
                return number_text(value)
            return moment_text(value, shown, is_1904=self._is_1904)
        except ValueError:
            return value.strip()  # said to be a number, but none

    def _shown(self) -> Shown:
        if not self._style.isdecimal() or len(self._style) > 9:
            return Shown.NUMBER
        style = int(self._style)
        return self._formats[style] if style < len(self._formats) else Shown.NUMBER

    def _finish(self) -> None:
        if self._size > ROW_CHARACTERS_MOST:
            self.rows.append(SheetRow(self._row, {}, set(), is_too_long=True))
        elif any(not text.isspace() for text in self._cells.values()):
            self.rows.append(SheetRow(self._row, self._cells, self._figures))


def _column(reference: str) -> int:
    return _number_of(reference.rstrip("0123456789"))


@lru_cache(maxsize=COLUMNS_MOST)
def _number_of(letters: str) -> int:
    is_column = len(letters) <= 3 and letters.isascii() and letters.isupper()
    return column_number(letters) if is_column and letters.isalpha() else 0
