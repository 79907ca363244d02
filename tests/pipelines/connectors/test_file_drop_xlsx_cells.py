"""What a cell says, as text."""

from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from tests.pipelines.connectors.workbooks import HEADER, SHEET, a_workbook, cells, read, with_part


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("text ", "General", "text "),
        (29.8, "General", "29.8"),
        (0.1 + 0.2, "0.00", "0.3"),
        (1.10108199001011e17, "General", "110108199001011000"),
        (1e-7, "General", "0.0000001"),
        (-0.0, "General", "0"),
        (True, "General", "true"),
        ("#N/A", "General", ""),
        (46083.35555555556, "yyyy-mm-dd hh:mm:ss", "2026-03-02 08:32:00"),
        (46083.35555555556, 'yyyy"年"m"月"d"日" h:mm', "2026-03-02 08:32:00"),
        (46083, "yyyy/m/d h:mm", "2026-03-02 00:00:00"),
        (46083, "yyyy/m/d", "2026-03-02"),
        (46083.5, "yyyy/m/d", "2026-03-02 12:00:00"),
        (59, "yyyy/m/d", "1900-02-28"),
        (61, "yyyy/m/d", "1900-03-01"),
        (time(8, 32), "h:mm:ss", "08:32:00"),
        (-1, "yyyy/m/d", "-1"),
        (1e300, "yyyy/m/d", "1" + "0" * 300),
        (46083.5, "[Red]0.0_d", "46083.5"),
        (46083.5, '0.0"days"', "46083.5"),
        (12.5, "0.00E+00", "12.5"),
    ],
)
def test_a_cell_is_text(tmp_path: Path, value: object, code: str, text: str) -> None:
    content = a_workbook([HEADER, (1, value)], formats={"B2": code})

    assert cells(read(tmp_path, content)) == [text]


def test_a_number_of_18_digits_keeps_them(tmp_path: Path) -> None:
    content = with_part(
        a_workbook([HEADER, (1, 77)]),
        SHEET,
        lambda xml: xml.replace(b"<v>77</v>", b"<v>330102199001011234</v>"),
    )

    assert cells(read(tmp_path, content)) == ["330102199001011234"]


def test_days_are_counted_from_1904_where_the_workbook_says_so(tmp_path: Path) -> None:
    def of_a_mac(book: Workbook, sheet: Worksheet) -> None:
        book.epoch = CALENDAR_MAC_1904

    content = a_workbook([HEADER, (1, 44621.5)], formats={"B2": "yyyy/m/d h:mm"}, more=of_a_mac)

    assert cells(read(tmp_path, content)) == ["2026-03-02 12:00:00"]


def test_a_plain_number_is_a_date_in_a_column_that_is_said_to_hold_dates(tmp_path: Path) -> None:
    content = a_workbook([HEADER, (1, 46083.5), (2, "2026-03-02 13:00:00"), (3, True)])

    assert cells(read(tmp_path, content, dates=["note"])) == [
        "2026-03-02 12:00:00",
        "2026-03-02 13:00:00",
        "true",
    ]


def test_a_formula_counts_by_its_stored_value(tmp_path: Path) -> None:
    content = with_part(
        a_workbook([HEADER, (1, "=1+1"), (2, '="a"&"b"')]),
        SHEET,
        lambda xml: xml.replace(b'<f>1+1</f><v></v>', b"<f>1+1</f><v>2</v>")
        .replace(b'<f>1+1</f><v />', b"<f>1+1</f><v>2</v>")
        .replace(b'<c r="B3"><f>"a"&amp;"b"</f><v', b'<c r="B3" t="str"><f>1</f><v>ab</v><v'),
    )  # fmt: skip

    assert cells(read(tmp_path, content)) == ["2", "ab"]


def test_text_of_several_runs_is_one_text_without_its_reading_aid(tmp_path: Path) -> None:
    rich = (
        b"<si><r><t>\xe6\xb5\x93</t></r><r><t>\xe7\x83\x9f_x000D_</t></r><rPh><t>yan</t></rPh></si>"
    )
    content = with_part(
        a_workbook([HEADER, (1, "x")]),
        "xl/sharedStrings.xml",
        lambda xml: xml.replace(b"<si><t>x</t></si>", rich),
    )

    assert cells(read(tmp_path, content)) == ["浓烟\r"]


_ERRORS = ("#N/A", "#NULL!", "#REF!", "#NAME?", "#NUM!", "#VALUE!", "#DIV/0!")


text = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"],
        exclude_characters="\r\ufffe\uffff",
        include_characters="\n\t",
    ),
    max_size=8,
).filter(lambda t: not t.startswith("=") and "_x" not in t and t not in _ERRORS)


@given(table=st.lists(st.tuples(text, text, text), max_size=8), shared=st.booleans())
def test_any_table_is_read_back_cell_for_cell(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str, str]], shared: bool
) -> None:
    content = a_workbook([("id", "浓", "c"), *table], shared=shared)

    records = read(tmp_path_factory.mktemp("x"), content, header_row=1)

    assert [tuple((r.fields or {}).values()) for r in records] == [
        row for row in table if any(cell.strip() for cell in row)
    ]


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_any_number_is_read_with_the_digits_that_excel_shows(
    tmp_path_factory: pytest.TempPathFactory, number: float
) -> None:
    content = a_workbook([HEADER, ("1", number)])

    (cell,) = cells(read(tmp_path_factory.mktemp("x"), content))

    assert float(cell) == pytest.approx(number, rel=1e-14)
    assert "e" not in cell.lower()
