"""A line is cut the short way only where that is what csv makes of it."""

import csv
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from pipelines.connectors.file_drop.lines import rows

signs = st.sampled_from("ab,;\t \r\x00\u2028\x0b\x85") | st.characters(
    exclude_categories=["Cs"], exclude_characters='"\n'
)
lines = st.text(signs, min_size=1).filter(lambda text: bool(text.strip()))


@given(
    text=lines,
    end=st.sampled_from(["", "\n", "\r\n", "\r"]),
    delimiter=st.sampled_from(",;\t|"),
)
def test_a_line_without_quotation_marks_is_cut_as_csv_cuts_it(
    text: str, end: str, delimiter: str
) -> None:
    raw = f"{text}{end}".encode()

    (row,) = rows(BytesIO(raw), width=None, delimiter=delimiter, encoding="utf-8", offset=0, line=0)

    try:
        expected = next(csv.reader((text + end,), delimiter=delimiter))
    except csv.Error:
        expected = None
    assert row.cells == expected


def test_a_field_that_is_too_long_for_csv_is_refused() -> None:
    raw = b"a," + b"x" * 131_073 + b"\n"

    (row,) = rows(BytesIO(raw), width=2, delimiter=",", encoding="utf-8", offset=0, line=0)

    assert row.problem is not None
    assert "field larger than field limit" in row.problem[2]
