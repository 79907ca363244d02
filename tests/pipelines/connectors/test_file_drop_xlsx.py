"""Workbooks that are dropped: how a sheet becomes records, and which are new."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from pipelines.connectors.file_drop import drop as file_drop
from pipelines.connectors.file_drop.drop import FileDrop
from pipelines.connectors.file_drop.options import FileDropOptions
from tests.builders import MUCH_LATER, at
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

HOTLINE: list[tuple[Any, ...]] = [
    ("12345热线工单明细", None, None, None, None),
    ("导出人：张三", None, None, "2026-03-02", None),
    ("工单编号", "事项分类", None, "受理时间", "事发\n地址"),
    (None, "大类", "小类", None, None),
    ("HZ001", "城市管理", "占道经营", "2026-03-02 08:32:00", "钱江路"),
    ("HZ002", None, "噪声", datetime(2026, 3, 2, 8, 40), None),  # noqa: DTZ001 - Excel has no zones
    (None, None, None, None, None),
    ("HZ003", "交通", "停车", 46083.375, "新塘路"),
    ("合 计", 3, None, None, None),
]


MERGED = ("A1:E1", "A3:A4", "B3:C3", "D3:D4", "E3:E4", "B5:B6")


def test_an_export_of_the_hotline_is_read_as_people_see_it(tmp_path: Path) -> None:
    content = a_workbook(HOTLINE, merged=MERGED, formats={"D8": "yyyy/m/d h:mm"})

    records = read(tmp_path, content, skip_rows={"column": "工单编号"})

    first, second, third = [record.fields or {} for record in records]
    assert first == {
        "工单编号": "HZ001",
        "事项分类/大类": "城市管理",
        "事项分类/小类": "占道经营",
        "受理时间": "2026-03-02 08:32:00",
        "事发地址": "钱江路",
    }
    assert (second["事项分类/大类"], second["事项分类/小类"]) == ("城市管理", "噪声")
    assert second["受理时间"] == "2026-03-02 08:40:00"
    assert (third["事项分类/大类"], third["受理时间"]) == ("交通", "2026-03-02 09:00:00")
    assert [str(record.origin) for record in records] == ["t.xlsx:5", "t.xlsx:6", "t.xlsx:8"]
    assert records[0].raw.decode().startswith('{"事发地址":"钱江路",')


def test_a_total_is_a_record_unless_it_is_said_how_to_tell(tmp_path: Path) -> None:
    content = a_workbook([HEADER, (1, "a"), ("合计", "1"), (None, "制表：李四")])

    assert cells(read(tmp_path, content)) == ["a", "1", "制表：李四"]
    assert cells(read(tmp_path, content, skip_rows={"column": "id"})) == ["a"]
    assert len(read(tmp_path, content, skip_rows={"column": "nowhere"})) == 3


def test_a_namespace_prefix_changes_nothing(tmp_path: Path) -> None:
    def prefixed(xml: bytes) -> bytes:
        xml = xml.replace(b"</", b"</x:").replace(b"<", b"<x:").replace(b"<x:/x:", b"</x:")
        return xml.replace(b"<x:?", b"<?").replace(b"xmlns=", b"xmlns:x=")

    assert cells(read(tmp_path, with_part(a_workbook([HEADER, *rows(1, 2)]), SHEET, prefixed)))


def test_the_first_sheet_that_is_visible_is_read_unless_another_is_named(tmp_path: Path) -> None:
    def more(book: Workbook, sheet: Worksheet) -> None:
        sheet.sheet_state = "hidden"
        for name in ("三月", "四月"):
            for row in (HEADER, (1, name)):
                book.create_sheet(name) if name not in book.sheetnames else None
                book[name].append(row)

    content = a_workbook([HEADER, (1, "hidden")], more=more)

    assert cells(read(tmp_path, content)) == ["三月"]
    assert cells(read(tmp_path, content, sheet="四月")) == ["四月"]
    assert cells(read(tmp_path, content, sheet=1)) == ["hidden"]
    assert "has no sheet '五月'; there are: Sheet, 三月, 四月" in problem(
        read(tmp_path, content, sheet="五月")
    )


def test_the_row_of_the_header_can_be_set(tmp_path: Path) -> None:
    content = a_workbook([("a", "b"), ("c", "d"), HEADER, *rows(1)])

    assert cells(read(tmp_path, content, header_row=3)) == ["row 1"]
    assert cells(read(tmp_path, content, header_row=2), "d") == ["note", "row 1"]


def test_headings_over_every_column_take_the_row_below_along(tmp_path: Path) -> None:
    content = a_workbook(
        [("案件", None, "处置", None), ("编号", "时间", "编号", "时间"), (1, 2, 3, 4)],
        merged=("A1:B1", "C1:D1"),
    )

    (record,) = read(tmp_path, content, header_row=1)

    assert list(record.fields or {}) == ["案件/编号", "案件/时间", "处置/编号", "处置/时间"]


def test_a_wide_heading_takes_no_record_along(tmp_path: Path) -> None:
    content = a_workbook(
        [("id", "address", None), ("1", "a", "b"), ("2", "c", "d")], merged=("B1:C1",)
    )

    assert cells(read(tmp_path, content), "address (2)") == ["b", "d"]


def test_columns_of_one_name_or_of_none_are_told_apart(tmp_path: Path) -> None:
    (record,) = read(tmp_path, a_workbook([("id", "n", None, "n"), (1, "a", "b", "c", "d")]))

    assert record.fields == {"id": "1", "n": "a", "C": "b", "n (2)": "c", "E": "d"}


def test_a_column_without_a_heading_hides_none_that_is_called_by_its_letter(
    tmp_path: Path,
) -> None:
    (record,) = read(tmp_path, a_workbook([("C", "D"), ("1", "a", "b", "c")]), header_row=1)

    assert record.fields == {"C": "1", "D": "a", "C (2)": "b", "D (2)": "c"}


@pytest.mark.parametrize("table", [[], [HEADER], [("无数据",)]])
def test_a_sheet_without_rows_says_nothing_and_is_not_read_again(
    tmp_path: Path, table: list[tuple[str, ...]]
) -> None:
    positions: dict[str, str] = {}
    drop(tmp_path / "t.xlsx", a_workbook(table))

    assert polled(tmp_path, positions) == []
    assert '"size": -1' not in positions["t.xlsx"]


@pytest.mark.parametrize("stored", [0, 1, 2, 3])
def test_reading_goes_on_behind_the_last_stored_batch(
    tmp_path: Path, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_drop, "BATCH_RECORDS", 10)
    drop(tmp_path / "t.xlsx", a_workbook([HEADER, *rows(*range(35))]))
    connector = FileDrop(FileDropOptions(path="."), base=tmp_path)
    batches = list(connector.poll({}, now=MUCH_LATER))
    positions = {batch.part: batch.position for batch in batches[:stored]}

    rest = polled(tmp_path, positions)

    assert rest == [record for batch in batches[stored:] for record in batch.records]
    assert polled(tmp_path, positions) == []


def test_a_longer_version_of_a_workbook_gives_only_what_is_new(tmp_path: Path) -> None:
    positions: dict[str, str] = {}
    skip = {"column": "id"}
    file = drop(tmp_path / "t.xlsx", a_workbook([HEADER, *rows(1, 2), ("合计", "2")]))
    first = polled(tmp_path, positions, skip_rows=skip)

    drop(file, a_workbook([HEADER, *rows(1, 2, 3), ("合计", "3")]), written=at(60))
    second = polled(tmp_path, positions, skip_rows=skip)

    assert (cells(first, "id"), cells(second, "id")) == (["1", "2"], ["3"])


def test_a_longer_version_that_breaks_off_gives_only_what_is_new(tmp_path: Path) -> None:
    positions: dict[str, str] = {}
    file = drop(tmp_path / "t.xlsx", a_workbook([HEADER, *rows(*range(99))]))
    polled(tmp_path, positions)

    longer = a_workbook([HEADER, *rows(*range(200))])
    drop(file, with_part(longer, SHEET, lambda xml: xml[:-1000]), written=at(60))
    records = polled(tmp_path, positions)

    assert cells(records, "id")[:2] == ["99", "100"]
    assert "drop it again, whole" in problem(records)


@pytest.mark.parametrize("table", [rows(1, 5, 3), rows(1)], ids=["changed", "shorter"])
def test_another_workbook_of_the_same_name_is_read_from_its_beginning(
    tmp_path: Path, table: list[tuple[object, str]]
) -> None:
    positions: dict[str, str] = {}
    file = drop(tmp_path / "t.xlsx", a_workbook([HEADER, *rows(1, 2)]))
    polled(tmp_path, positions)

    drop(file, a_workbook([HEADER, *table]), written=at(60))

    assert cells(polled(tmp_path, positions), "id") == [str(n) for n, _ in table]


def test_a_row_is_the_same_record_wherever_its_columns_stand(tmp_path: Path) -> None:
    (one,) = read(tmp_path, a_workbook([("id", "note"), (1, "a")]))
    (other,) = read(tmp_path, a_workbook([("title", None), ("note", "id"), ("a", 1)]))

    assert one.raw == other.raw == b'{"id":"1","note":"a"}'


def test_a_workbook_that_someone_has_open_leaves_a_file_that_is_not_read(tmp_path: Path) -> None:
    drop(tmp_path / "~$t.xlsx", b"\x04Zhang")
    drop(tmp_path / "T.XLSX", a_workbook([HEADER, *rows(1)]))

    assert cells(polled(tmp_path), "id") == ["1"]
    assert cells(polled(tmp_path, path="*.[xX]*"), "id") == ["1"]
