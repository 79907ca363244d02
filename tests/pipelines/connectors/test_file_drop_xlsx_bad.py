"""Workbooks that are damaged, are none, or mean harm."""

import tracemalloc
import zipfile
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.connectors.file_drop.xlsx import parts
from tests.builders import at
from tests.pipelines.connectors.workbooks import (
    HEADER,
    SHEET,
    a_workbook,
    cells,
    polled,
    problem,
    read,
    rows,
    with_part,
)
from tests.pipelines.installations import drop


def test_a_sheet_without_a_header_is_one_bad_record(tmp_path: Path) -> None:
    assert "looks like a header; set header_row" in problem(
        read(tmp_path, a_workbook([(1, 2), (3, 4)]))
    )


def test_a_sheet_that_breaks_off_gives_its_good_rows_and_says_so(tmp_path: Path) -> None:
    whole = a_workbook([HEADER, *rows(*range(5000))])
    broken = with_part(whole, SHEET, lambda xml: xml[: len(xml) // 2])
    positions: dict[str, str] = {}
    file = drop(tmp_path / "t.xlsx", broken)

    records = polled(tmp_path, positions)

    good = cells(records, "id")
    assert 2000 < len(good) < 3000
    assert "is damaged or cut off; drop it again, whole" in problem(records)
    drop(file, whole, written=at(60))
    assert good + cells(polled(tmp_path, positions), "id") == [str(n) for n in range(5000)]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (a_workbook([HEADER, *rows(1)])[:-30], "is damaged or cut off; drop it again, whole"),
        (b"PK\3\4", "is damaged or cut off"),
        (b"", "is no Excel workbook; if it is text, name it .csv"),
        (b"id,note\n1,a\n", "is no Excel workbook; if it is text, name it .csv"),
        (b"<html><table>", "is a web page, not a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 9999, "is an .xls workbook"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
            + b"\0" * 9999
            + "EncryptedPackage".encode("utf-16-le"),
            "is protected by a password",
        ),
        (with_part(a_workbook([]), "xl/workbook.xml", lambda _: b"<"), "is damaged"),
        (with_part(a_workbook([]), "xl/workbook.xml", lambda _: b"<a/>"), "there are: none"),
        (
            with_part(a_workbook([]), SHEET, lambda x: b'<!DOCTYPE a [<!ENTITY b "c">]>' + x[55:]),
            "declares a document type",
        ),
        (
            with_part(a_workbook([HEADER]), SHEET, lambda x: x.replace(b"<v>1</v>", b"<v>9</v>")),
            "refers to text 9, which is not there",
        ),
    ],
)
def test_what_is_no_workbook_is_one_bad_record_that_says_what_to_do(
    tmp_path: Path, content: bytes, rule: str
) -> None:
    drop(tmp_path / "in" / "u.csv", b"id,note\n1,good\n")

    records = read(tmp_path, content)

    assert rule in problem(records)
    assert "good" in cells(records)


@pytest.mark.parametrize("part", [SHEET, "xl/sharedStrings.xml"])
def test_a_zip_bomb_is_one_bad_record(
    tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = with_part(a_workbook([HEADER]), part, lambda xml: xml + b" " * (64 << 20))
    file = drop(tmp_path / "t.xlsx", content)
    assert file.stat().st_size < 1 << 20

    assert "a zip bomb?" in problem(polled(tmp_path))

    monkeypatch.setattr(parts, "RATIO_MOST", 5000)
    assert polled(tmp_path) == []


def test_a_part_larger_than_any_real_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_RATIO_FREE", 0)
    monkeypatch.setattr(parts, "RATIO_MOST", 1)

    assert "times its size" in problem(read(tmp_path, a_workbook([HEADER, *rows(*range(99))])))


def test_a_row_longer_than_any_record_is_set_aside(tmp_path: Path) -> None:
    long = ["x" * 30_000] * 40
    content = a_workbook([HEADER, *rows(1), (2, *long), *rows(3)])

    records = read(tmp_path, content)

    assert cells(records, "id") == ["1", "3"]
    assert [str(r.origin) for r in records if r.problem] == ["t.xlsx:3"]


def test_an_element_without_an_end_takes_no_memory(tmp_path: Path) -> None:
    content = with_part(a_workbook([HEADER]), SHEET, lambda x: b'<a b="' + x.hex().encode() * 9000)
    file = drop(tmp_path / "t.xlsx", content)
    assert file.stat().st_size < 1 << 20

    tracemalloc.start()
    rule = problem(polled(tmp_path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "damaged" in rule or "zip bomb" in rule
    assert peak < 50 << 20


def test_merged_cells_that_overlap_take_no_time(tmp_path: Path) -> None:
    many = "".join(f'<mergeCell ref="A{n}:XFD{n + 90}"/>' for n in range(1, 20_000))
    content = with_part(
        a_workbook([HEADER, *rows(*range(300))]),
        SHEET,
        lambda x: x.replace(b"</sheetData>", b"</sheetData>" + many.encode()),
    )

    started = process_time()
    read(tmp_path, content)

    assert process_time() - started < 5


@given(at=st.integers(0, 10_000), bytes_=st.binary(min_size=1, max_size=8))
def test_a_damaged_workbook_never_stops_the_source(
    tmp_path_factory: pytest.TempPathFactory, at: int, bytes_: bytes
) -> None:
    content = bytearray(a_workbook([HEADER, *rows(1, 2)]))
    place = at % len(content)
    content[place : place + len(bytes_)] = bytes_

    records = read(tmp_path_factory.mktemp("x"), bytes(content))

    assert all(r.problem is not None or r.fields is not None for r in records)


def test_the_limits_of_a_zip_are_those_of_real_workbooks(tmp_path: Path) -> None:
    file = drop(tmp_path / "t.xlsx", a_workbook([HEADER, *((1, "a") for _ in range(5000))]))

    with zipfile.ZipFile(file) as archive:
        sheet = archive.getinfo(SHEET)

    assert sheet.file_size / sheet.compress_size < parts.RATIO_MOST / 3
