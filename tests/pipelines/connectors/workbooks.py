"""Workbooks for the tests of dropped files, written by another library than ours."""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from pipelines.connectors.file_drop.drop import FileDrop
from pipelines.connectors.file_drop.options import FileDropOptions
from pipelines.connectors.record import Record
from tests.builders import MUCH_LATER
from tests.pipelines.installations import drop

SHEET = "xl/worksheets/sheet1.xml"
HEADER = ("id", "note")


def a_workbook(
    rows: Iterable[Sequence[Any]],
    *,
    merged: Sequence[str] = (),
    formats: dict[str, str] | None = None,
    more: Callable[[Workbook, Worksheet], None] | None = None,
    shared: bool = True,
) -> bytes:
    """The bytes of an xlsx; ``formats`` are number formats by cell, ``more`` changes the rest.

    Its texts are shared, as Excel writes them, or stand in their cells, as many exporters do.
    """
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in rows:
        sheet.append(list(row))
    for area in merged:
        sheet.merge_cells(area)
    for cell, code in (formats or {}).items():
        sheet[cell].number_format = code
    if more is not None:
        more(book, sheet)
    stream = io.BytesIO()
    book.save(stream)
    return _sharing(stream.getvalue()) if shared else stream.getvalue()


def _sharing(content: bytes) -> bytes:
    texts: dict[bytes, int] = {}

    def refer(match: re.Match[bytes]) -> bytes:
        return b't="s"><v>%d</v>' % texts.setdefault(match[1], len(texts))

    def sheet(xml: bytes) -> bytes:
        return re.sub(rb't="inlineStr"><is>(.*?)</is>', refer, xml, flags=re.DOTALL)

    def related(xml: bytes) -> bytes:
        kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
        own = b'<Relationship Id="texts" Type="%s" Target="/xl/sharedStrings.xml"/>' % kind
        return xml.replace(b"</Relationships>", own + b"</Relationships>")

    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    for name in sorted(name for name in names if name.startswith("xl/worksheets/")):
        content = with_part(content, name, sheet)
    content = with_part(content, "xl/_rels/workbook.xml.rels", related)
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        items = b"".join(b"<si>%s</si>" % text for text in texts)
        archive.writestr("xl/sharedStrings.xml", b"<sst>%s</sst>" % items)
    return stream.getvalue()


def with_part(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The same workbook with one of its parts changed."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.namelist():
            text = old.read(part)
            new.writestr(part, change(text) if part == name else text)
    return stream.getvalue()


def polled(
    folder: Path, positions: dict[str, str] | None = None, **options: object
) -> list[Record]:
    """All records of one poll; ``positions`` moves on as if each batch had been stored."""
    known = {} if positions is None else positions
    connector = FileDrop(FileDropOptions.model_validate({"path": ".", **options}), base=folder)
    records: list[Record] = []
    for batch in connector.poll(dict(known), now=MUCH_LATER):
        records += batch.records
        known[batch.part] = batch.position
    return records


def read(folder: Path, content: bytes, **options: object) -> list[Record]:
    """What comes of a workbook that is dropped."""
    drop(folder / "in" / "t.xlsx", content)
    return polled(folder / "in", **options)


def cells(records: list[Record], column: str = "note") -> list[str]:
    """One column of the records that could be read."""
    return [record.fields[column] for record in records if record.fields is not None]


def problem(records: list[Record]) -> str:
    """What is wrong with the one record that could not be read."""
    ((column, value, rule),) = [r.problem for r in records if r.problem is not None]
    assert (column, value) == ("(file)", "t.xlsx")
    return rule


def rows(*ids: object) -> list[tuple[object, str]]:
    """Rows with these ids."""
    return [(n, f"row {n}") for n in ids]
