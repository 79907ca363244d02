"""A workbook without its rows: sheets, shared texts, number formats, and which cells are merged."""

import posixpath
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from pipelines.connectors.file_drop.format import BrokenFileError
from pipelines.connectors.file_drop.xlsx.parts import (
    SHEET_MOST,
    SMALL_MOST,
    TEXTS_MOST,
    Parts,
    elements,
    fed,
    local,
)
from pipelines.connectors.file_drop.xlsx.values import BUILT_IN, Shown, shown_by, unescaped

MERGES_MOST = 200_000
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)"')
_MERGE_BYTES = 256


class Sheet(NamedTuple):
    """A sheet of a workbook and the part it is in."""

    name: str
    part: str
    is_hidden: bool


class Merge(NamedTuple):
    """Cells that are shown as one, by the numbers of its outer rows and columns."""

    top: int
    left: int
    bottom: int
    right: int


class Texts:
    """The texts that cells refer to by number, kept as bytes: a million take no million objects."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])

    def add(self, text: str) -> None:
        """Append a text."""
        self._bytes += text.encode("utf-8", "replace")
        self._ends.append(len(self._bytes))

    def __getitem__(self, number: int) -> str:
        if number + 1 >= len(self._ends):
            raise ValueError(f"a cell refers to text {number}, which is not there")
        return self._bytes[self._ends[number] : self._ends[number + 1]].decode()


class Workbook:
    """An open workbook; raises BrokenFileError when it cannot be made out."""

    def __init__(self, path: Path) -> None:
        self._parts = Parts(path)
        self.is_1904 = False
        self.sheets: tuple[Sheet, ...] = ()
        self.texts = Texts()
        self.formats: tuple[Shown, ...] = ()
        self._read()

    def close(self) -> None:
        """Let go of the file."""
        self._parts.close()

    def sheet(self, wanted: str | int | None) -> Sheet:
        """The sheet by name or number, or the first that is visible."""
        found = (
            [s for s in self.sheets if not s.is_hidden] or list(self.sheets)
            if wanted is None
            else [s for n, s in enumerate(self.sheets, start=1) if wanted in (s.name, n)]
        )
        if found:
            return found[0]
        there = ", ".join(sheet.name for sheet in self.sheets) or "none"
        raise BrokenFileError(f"has no sheet {wanted!r}; there are: {there}; set sheet")

    def chunks(self, sheet: Sheet) -> Iterator[bytes]:
        """The XML of a sheet."""
        return self._parts.chunks(sheet.part, most=SHEET_MOST)

    def merges(self, sheet: Sheet) -> tuple[Merge, ...]:
        """The merged cells of a sheet, which stand behind its rows, from top to bottom."""
        found: set[Merge] = set()
        tail = b""
        try:
            for chunk in self.chunks(sheet):
                text = tail + chunk
                if b"mergeCell" in text:
                    found.update(_merge(match) for match in _MERGE.finditer(text))
                tail = text[-_MERGE_BYTES:]
                if len(found) > MERGES_MOST:
                    raise BrokenFileError(f"has more than {MERGES_MOST} merged cells; unmerge them")
        except BrokenFileError:
            if len(found) > MERGES_MOST:
                raise
            # cut off before its end: the rows before that are still read
        return tuple(sorted(found))

    def _read(self) -> None:
        book = self._related("", "officeDocument") or "xl/workbook.xml"
        targets = self._targets(book)
        sheets: list[Sheet] = []
        for name, about in elements(self._parts.chunks(book, most=SMALL_MOST)):
            if name == "workbookPr":
                self.is_1904 = about.get("date1904") in ("1", "true")
            elif name == "sheet":
                own = next((v for k, v in about.items() if local(k) == "id" and k != "id"), "")
                hidden = about.get("state", "visible") != "visible"
                sheets.append(Sheet(about.get("name", ""), targets.get(own, ""), hidden))
        self.sheets = tuple(sheets)
        self._read_texts(self._related(book, "sharedStrings"))
        self._read_formats(self._related(book, "styles"))

    def _relations(self, part: str) -> Iterator[dict[str, str]]:
        folder, name = posixpath.split(part)
        rels = posixpath.join(folder, "_rels", f"{name}.rels")
        if rels in self._parts:
            for element, about in elements(self._parts.chunks(rels, most=SMALL_MOST)):
                if element == "Relationship":
                    target = about.get("Target", "").replace("\\", "/")
                    path = posixpath.normpath(posixpath.join("/", folder, target))
                    yield {**about, "Target": path.lstrip("/")}

    def _targets(self, part: str) -> dict[str, str]:
        return {about.get("Id", ""): about["Target"] for about in self._relations(part)}

    def _related(self, part: str, kind: str) -> str | None:
        found = (r for r in self._relations(part) if r.get("Type", "").endswith(f"/{kind}"))
        return next((r["Target"] for r in found), None)

    def _read_texts(self, part: str | None) -> None:
        if part is None or part not in self._parts:
            return
        reading = _TextReading(self.texts)
        for _ in fed(reading.parser, self._parts.chunks(part, most=TEXTS_MOST)):
            pass

    def _read_formats(self, part: str | None) -> None:
        if part is None or part not in self._parts:
            return
        known: dict[int, Shown] = dict(BUILT_IN)
        formats: list[Shown] = []
        is_of_cells = False
        for name, about in elements(self._parts.chunks(part, most=SMALL_MOST)):
            if name == "numFmt":
                known[_number(about.get("numFmtId"))] = shown_by(about.get("formatCode", ""))
            elif name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
                is_of_cells = name == "cellXfs"
            elif name == "xf" and is_of_cells:
                formats.append(known.get(_number(about.get("numFmtId")), Shown.NUMBER))
        self.formats = tuple(formats)


class _TextReading:
    """Collects each text, of several runs or one, without its reading aids (phonetic runs)."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._pieces: list[str] = []
        self._is_aside = False
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, name: str, _: dict[str, str]) -> None:
        name = local(name)
        if name == "t" and not self._is_aside:
            self.parser.CharacterDataHandler = self._pieces.append
        elif name == "rPh":
            self._is_aside = True

    def _end(self, name: str) -> None:
        name = local(name)
        if name == "t":
            self.parser.CharacterDataHandler = None
        elif name == "rPh":
            self._is_aside = False
        elif name == "si":
            self._texts.add(unescaped("".join(self._pieces)))
            self._pieces.clear()


def column_number(letters: str) -> int:
    """``A`` is 1, ``AA`` is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _merge(match: re.Match[bytes]) -> Merge:
    left, top, right, bottom = (group.decode() for group in match.groups())
    return Merge(int(top[:9]), column_number(left), int(bottom[:9]), column_number(right))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0
