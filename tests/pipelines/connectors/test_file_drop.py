"""Files that are dropped into a folder: what is read, when, and from where."""

import csv
import gzip
import io
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.connectors.file_drop import drop as file_drop
from pipelines.connectors.file_drop.drop import BATCH_RECORDS, FileDrop
from pipelines.connectors.file_drop.options import FileDropOptions
from pipelines.connectors.record import Batch, Record
from pipelines.errors import SourceUnavailableError
from tests.builders import MUCH_LATER, at
from tests.pipelines.installations import drop

HEADER = b"id,note\r\n"


def a_drop(folder: Path, path: str = ".", **options: str) -> FileDrop:
    return FileDrop(FileDropOptions.model_validate({"path": path, **options}), base=folder)


def polled(connector: FileDrop, positions: dict[str, str] | None = None) -> list[Record]:
    """All records of one poll; ``positions`` moves on as if each batch had been stored."""
    known = {} if positions is None else positions
    records: list[Record] = []
    for batch in connector.poll(dict(known), now=MUCH_LATER):
        records += batch.records
        known[batch.part] = batch.position
    return records


def ids(records: Sequence[Record]) -> list[str]:
    return [record.fields["id"] for record in records if record.fields is not None]


def problems(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Where each record stood that could not be cut, and the rule that says why."""
    return [(str(r.origin), r.problem[2]) for r in records if r.problem is not None]


def test_a_csv_file_is_read_by_column(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", HEADER + "1,浓烟\r\n2,\r\n".encode())

    first, second = polled(a_drop(tmp_path, "calls.csv"))

    assert (first.fields, second.fields) == ({"id": "1", "note": "浓烟"}, {"id": "2", "note": ""})
    assert (str(first.origin), str(second.origin)) == ("calls.csv:2", "calls.csv:3")
    assert first.raw == "1,浓烟\r\n".encode()
    assert first.ordinal < second.ordinal


def test_a_packed_file_is_read_like_any_other(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv.gz", gzip.compress(HEADER + b"1,a\n2,b\n"))

    assert ids(polled(a_drop(tmp_path, "calls.csv.gz"))) == ["1", "2"]


def test_a_folder_gives_its_csv_files_by_name_and_no_others(tmp_path: Path) -> None:
    drop(tmp_path / "in" / "b.csv", HEADER + b"2,\n")
    drop(tmp_path / "in" / "a.csv.gz", gzip.compress(HEADER + b"1,\n"))
    drop(tmp_path / "in" / "readme.txt", b"not for you")

    records = polled(a_drop(tmp_path, "in"))

    assert ids(records) == ["1", "2"]
    assert records[0].ordinal < records[1].ordinal


def test_a_pattern_gives_the_files_it_names(tmp_path: Path) -> None:
    for name in ("calls-1.csv", "calls-2.csv", "units.csv"):
        drop(tmp_path / name, HEADER + name.encode() + b",\n")

    assert ids(polled(a_drop(tmp_path, "calls-*.csv"))) == ["calls-1.csv", "calls-2.csv"]


def test_files_of_one_name_in_two_folders_are_two_files(tmp_path: Path) -> None:
    drop(tmp_path / "north" / "calls.csv", HEADER + b"1,\n")
    drop(tmp_path / "south" / "calls.csv", HEADER + b"2,\n")
    connector, positions = a_drop(tmp_path, "*/calls.csv"), {}  # type: ignore[var-annotated]

    assert ids(polled(connector, positions)) == ["1", "2"]
    assert polled(connector, positions) == []


def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(tmp_path: Path) -> None:
    drop(tmp_path / "calls [2026]" / "calls.csv", HEADER + b"1,\n")

    assert ids(polled(a_drop(tmp_path / "calls [2026]", "*.csv"))) == ["1"]
    assert ids(polled(a_drop(tmp_path, "calls [2026]/calls.csv"))) == ["1"]
    assert ids(polled(a_drop(tmp_path).over(tmp_path / "calls [2026]" / "calls.csv"))) == ["1"]


def test_a_file_that_is_still_being_written_is_left_until_it_is_quiet(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", HEADER + b"1,\n", written=at(10))
    connector = a_drop(tmp_path, settle="2s")

    assert list(connector.poll({}, now=at(11.5))) == []
    assert [len(batch.records) for batch in connector.poll({}, now=at(12))] == [1]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("stored", [0, 1, 2, 3])
def test_reading_goes_on_behind_the_last_stored_batch(
    tmp_path: Path, stored: int, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_drop, "BATCH_RECORDS", 10)
    content = HEADER + b"".join(b'%d,"two\nlines"\n\n' % n for n in range(35))
    drop(tmp_path / "a.csv.gz" if packed else tmp_path / "a.csv",
         gzip.compress(content) if packed else content)  # fmt: skip
    drop(tmp_path / "b.csv", HEADER + b"last,\n")
    batches = list(a_drop(tmp_path).poll({}, now=MUCH_LATER))
    positions = {batch.part: batch.position for batch in batches[:stored]}

    rest = polled(a_drop(tmp_path), positions)

    whole = [record for batch in batches for record in batch.records]
    assert rest == whole[stored * 10 :]
    assert polled(a_drop(tmp_path), positions) == []


def test_a_file_that_grew_is_read_from_where_it_ended(tmp_path: Path) -> None:
    positions: dict[str, str] = {}
    file = drop(tmp_path / "calls.csv", HEADER + b"1,\n")
    first = polled(a_drop(tmp_path), positions)

    drop(file, HEADER + b"1,\n2,\n", written=at(60))
    second = polled(a_drop(tmp_path), positions)

    assert (ids(first), ids(second)) == (["1"], ["2"])
    assert str(second[0].origin) == "calls.csv:3"
    assert second[0].ordinal > first[0].ordinal


def test_a_file_that_was_replaced_is_read_from_its_beginning(tmp_path: Path) -> None:
    positions: dict[str, str] = {}
    file = drop(tmp_path / "calls.csv", HEADER + b"1,\n2,\n")
    polled(a_drop(tmp_path), positions)

    drop(file, HEADER + b"3,\n4,\n5,\n", written=at(60))

    assert ids(polled(a_drop(tmp_path), positions)) == ["3", "4", "5"]


def test_a_file_that_became_shorter_is_another_file(tmp_path: Path) -> None:
    positions: dict[str, str] = {}
    file = drop(tmp_path / "calls.csv", HEADER + b"1,\n2,\n")
    polled(a_drop(tmp_path), positions)

    drop(file, HEADER + b"1,\n", written=at(60))

    assert ids(polled(a_drop(tmp_path), positions)) == ["1"]


def test_a_file_that_comes_later_is_ordered_behind_those_that_were_there(tmp_path: Path) -> None:
    positions: dict[str, str] = {}
    drop(tmp_path / "b.csv", HEADER + b"1,\n")
    earlier = polled(a_drop(tmp_path), positions)

    drop(tmp_path / "a.csv", HEADER + b"2,\n", written=at(60))
    later = polled(a_drop(tmp_path), positions)

    assert earlier[0].ordinal < later[0].ordinal


def test_a_file_that_is_taken_away_leaves_the_others(tmp_path: Path) -> None:
    positions: dict[str, str] = {}
    gone = drop(tmp_path / "a.csv", HEADER + b"1,\n")
    drop(tmp_path / "b.csv", HEADER + b"2,\n")
    polled(a_drop(tmp_path), positions)

    gone.unlink()
    drop(tmp_path / "c.csv", HEADER + b"3,\n")

    assert ids(polled(a_drop(tmp_path), positions)) == ["3"]


@pytest.mark.parametrize("path", ["nowhere", "nowhere/*.csv", "nowhere/calls.csv", "calls.csv"])
def test_a_folder_or_file_that_is_not_there_makes_the_source_unavailable(
    tmp_path: Path, path: str
) -> None:
    with pytest.raises(SourceUnavailableError, match=f"{tmp_path}/.*: no such"):
        polled(a_drop(tmp_path, path))


def test_an_empty_folder_is_no_trouble(tmp_path: Path) -> None:
    assert polled(a_drop(tmp_path, "*.csv")) == []


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("id,note\n1,浓烟，无人\n".encode(), "auto"),
        ("id,note\n1,浓烟，无人\n".encode("utf-8-sig"), "auto"),
        ("id,note\n1,浓烟，无人\n".encode("gb18030"), "auto"),
        ("id,note\n1,浓烟，无人\n".encode("gb18030"), "gb18030"),
    ],
    ids=["utf-8", "utf-8 with a mark", "gb18030 detected", "gb18030 configured"],
)
def test_chinese_text_is_read_in_either_encoding(
    tmp_path: Path, content: bytes, encoding: str
) -> None:
    drop(tmp_path / "calls.csv", content)

    (record,) = polled(a_drop(tmp_path, "calls.csv", encoding=encoding))

    assert record.fields == {"id": "1", "note": "浓烟，无人"}


def test_a_row_in_another_encoding_is_set_aside_and_the_rest_goes_in(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", b"id,note\n1,smoke\n" + "2,浓烟\n".encode("gb18030") + b"3,\n")

    records = polled(a_drop(tmp_path, "calls.csv", encoding="utf-8"))

    assert ids(records) == ["1", "3"]
    assert problems(records) == [
        ("calls.csv:3", "byte 5 is not utf-8; set encoding for this source")
    ]


def test_a_packed_file_that_breaks_off_gives_its_good_rows_and_says_where(tmp_path: Path) -> None:
    rows = b"".join(b"%d,%d\n" % (n, n * 7919 % 1000) for n in range(5000))
    whole = gzip.compress(HEADER + rows)
    file = drop(tmp_path / "calls.csv.gz", whole[: len(whole) // 2])
    positions: dict[str, str] = {}

    records = polled(a_drop(tmp_path), positions)

    good = len(ids(records))
    assert 1000 < good < 5000
    ((where, rule),) = problems(records)
    assert where == f"calls.csv.gz:{good + 2}"
    assert "breaks off" in rule
    assert "drop it again, whole" in rule

    drop(file, whole, written=at(60))
    assert ids(records) + ids(polled(a_drop(tmp_path), positions)) == [str(n) for n in range(5000)]


@pytest.mark.parametrize(
    "content",
    [b"this is no gzip", gzip.compress(HEADER * 9)[:12], gzip.compress(HEADER)[:-12] + b"\0" * 12],
    ids=["another format", "cut in the header", "damaged"],
)
def test_a_packed_file_that_cannot_be_read_does_not_stop_the_others(
    tmp_path: Path, content: bytes
) -> None:
    drop(tmp_path / "a.csv.gz", content)
    drop(tmp_path / "b.csv", HEADER + b"1,\n")

    records = polled(a_drop(tmp_path))

    assert ids(records) == ["1"]
    ((where, rule),) = problems(records)
    assert where.startswith("a.csv.gz:")
    assert "breaks off" in rule


def test_a_last_line_that_is_cut_off_is_set_aside(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", b"id,note,who\n1,a,b\n2,a")

    records = polled(a_drop(tmp_path))

    assert ids(records) == ["1"]
    ((where, rule),) = problems(records)
    assert where == "calls.csv:3"
    assert rule.startswith("2 columns where the header has 3")


def test_a_comma_that_is_not_quoted_costs_its_own_line(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", HEADER + b'1,smoke, heavy\n2,"smoke, heavy"\n')

    records = polled(a_drop(tmp_path))

    assert ids(records) == ["2"]
    ((where, rule),) = problems(records)
    assert where == "calls.csv:2"
    assert "a comma in a field that is not quoted" in rule


@pytest.mark.parametrize("stray", [b'2,"open\n', b'2,5" pipe, burst\n', b'"2,\n'])
def test_a_stray_quotation_mark_costs_one_line_and_not_the_rest_of_the_file(
    tmp_path: Path, stray: bytes
) -> None:
    good = b"".join(b"%d,good\n" % n for n in range(10, 110))
    drop(tmp_path / "calls.csv", HEADER + b"1,good\n" + stray + good)

    records = polled(a_drop(tmp_path))

    assert ids(records) == ["1", *map(str, range(10, 110))]
    assert [where for where, _ in problems(records)] == ["calls.csv:3"]


def test_an_inch_is_no_quotation(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", HEADER + b'1,5" pipe\n2,6" pipe\n3,good\n')

    records = polled(a_drop(tmp_path))

    assert [(r.fields or {})["note"] for r in records] == ['5" pipe', '6" pipe', "good"]


def test_two_stray_quotation_marks_cost_no_good_line_between_them(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", HEADER + b'1,"open\n2,good\n3,"open\n4,good\n')

    records = polled(a_drop(tmp_path))

    assert ids(records) == ["2", "4"]
    assert [where for where, _ in problems(records)] == ["calls.csv:2", "calls.csv:4"]


def test_a_quoted_field_may_hold_lines_and_the_next_row_knows_where_it_stands(
    tmp_path: Path,
) -> None:
    drop(tmp_path / "calls.csv", HEADER + b'1,"first\n\nthird"\n2,\n')

    first, second = polled(a_drop(tmp_path))

    assert first.fields == {"id": "1", "note": "first\n\nthird"}
    assert str(second.origin) == "calls.csv:5"


def test_blank_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", b"\n" + HEADER + b"\n1,\n\r\n  \n2,\n\n")

    records = polled(a_drop(tmp_path))

    assert [str(r.origin) for r in records] == ["calls.csv:4", "calls.csv:7"]


@pytest.mark.parametrize("content", [b"", b"\n\n", HEADER, HEADER.strip()])
def test_a_file_without_rows_says_nothing_and_is_not_read_again(
    tmp_path: Path, content: bytes
) -> None:
    positions: dict[str, str] = {}
    drop(tmp_path / "calls.csv", content)

    assert polled(a_drop(tmp_path), positions) == []
    assert list(a_drop(tmp_path).poll(positions, now=MUCH_LATER)) == []


def test_rows_that_follow_an_empty_file_or_a_header_are_read(tmp_path: Path) -> None:
    positions: dict[str, str] = {}
    for n, content in enumerate([b"", HEADER, HEADER + b"1,\n"]):
        drop(tmp_path / "calls.csv", content, written=at(n))
        records = polled(a_drop(tmp_path), positions)

    assert ids(records) == ["1"]


def test_a_header_that_is_no_text_is_one_bad_record(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", "id,note\n1,a\n".encode("utf-16"))

    records = polled(a_drop(tmp_path))

    assert [where for where, _ in problems(records)] == ["calls.csv:1"]


def test_a_very_long_field_is_a_field(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", HEADER + b"1," + b"x" * 100_000 + b"\n2,\n")

    first, second = polled(a_drop(tmp_path))

    assert first.fields == {"id": "1", "note": "x" * 100_000}
    assert second.fields == {"id": "2", "note": ""}


def test_a_line_that_is_longer_than_any_row_costs_no_good_row(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", HEADER + b"1,a\n2," + b"x" * 3_000_000 + b"\n3,b\n")

    assert ids(polled(a_drop(tmp_path))) == ["1", "3"]


def test_another_delimiter_is_a_setting(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", b"id;note\n1;a,b\n")

    (record,) = polled(a_drop(tmp_path, delimiter=";"))

    assert record.fields == {"id": "1", "note": "a,b"}


def test_one_file_can_be_read_wherever_it_is_without_waiting(tmp_path: Path) -> None:
    file = drop(tmp_path / "elsewhere" / "new.csv", HEADER + b"1,\n", written=MUCH_LATER)

    records = polled(a_drop(tmp_path, "calls.csv", settle="9h").over(file))

    assert ids(records) == ["1"]


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
rows = st.lists(st.tuples(cells, cells, cells), max_size=8)


@given(
    table=rows, encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]), packed=st.booleans()
)
def test_any_table_is_read_back_cell_for_cell(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[tuple[str, str, str]],
    encoding: str,
    packed: bool,
) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerows([("id", "浓", "c"), *table])
    content = stream.getvalue().encode(encoding)
    folder = tmp_path_factory.mktemp("table")
    drop(folder / f"t.csv{'.gz' if packed else ''}", gzip.compress(content) if packed else content)

    configured = "gb18030" if encoding == "gb18030" else "utf-8"
    records = polled(a_drop(folder, encoding=configured))

    assert [tuple((r.fields or {}).values()) for r in records] == table


def test_a_poll_hands_over_batches_of_bounded_size(tmp_path: Path) -> None:
    drop(tmp_path / "calls.csv", HEADER + b"1,\n" * (2 * BATCH_RECORDS + 500))

    batches: list[Batch] = list(a_drop(tmp_path).poll({}, now=MUCH_LATER + timedelta(1)))

    assert [len(batch.records) for batch in batches] == [BATCH_RECORDS, BATCH_RECORDS, 500]
