"""JSON lines and tab-separated tables that are dropped."""

import csv
import gzip
import io
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.connectors.file_drop import drop as file_drop
from pipelines.connectors.file_drop.drop import FileDrop
from pipelines.connectors.file_drop.options import FileDropOptions
from pipelines.connectors.record import Record
from tests.builders import MUCH_LATER, at
from tests.pipelines.connectors.workbooks import a_workbook
from tests.pipelines.installations import drop

GOOD = b'{"id": 1}\n'


def a_drop(folder: Path, path: str = ".") -> FileDrop:
    return FileDrop(FileDropOptions(path=path), base=folder)


def polled(connector: FileDrop, positions: dict[str, str] | None = None) -> list[Record]:
    known = {} if positions is None else positions
    records: list[Record] = []
    for batch in connector.poll(dict(known), now=MUCH_LATER):
        records += batch.records
        known[batch.part] = batch.position
    return records


def read(folder: Path, content: bytes, name: str = "t.jsonl") -> list[Record]:
    drop(folder / name, content)
    return polled(a_drop(folder))


def ids(records: list[Record]) -> list[str]:
    return [record.fields["id"] for record in records if record.fields is not None]


def rules(records: list[Record]) -> list[tuple[str, str]]:
    return [(str(r.origin), r.problem[2]) for r in records if r.problem is not None]


def test_an_object_a_line_is_read_by_column(tmp_path: Path) -> None:
    line = b'{"id": 12345678901234567890123, "at": {"lat": 30.250, "ok": true}, "n": ["a", null]}\n'

    (record,) = read(tmp_path, line)

    assert record.fields == {
        "id": "12345678901234567890123",
        "at.lat": "30.250",
        "at.ok": "true",
        "n": "a",
    }
    assert (record.raw, str(record.origin)) == (line, "t.jsonl:1")
    assert json.loads(record.context) == {"format": "jsonl", "encoding": "utf-8"}


def test_a_mark_of_its_encoding_blank_lines_and_gzip_change_nothing(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + GOOD + b"\n  \r\n" + b'{"id": 2}'

    plain, packed = (
        read(tmp_path / "a", content),
        read(tmp_path / "b", gzip.compress(content), "t.jsonl.gz"),
    )

    assert [str(r.origin) for r in plain] == ["t.jsonl:1", "t.jsonl:4"]
    assert [r.fields for r in plain] == [r.fields for r in packed] == [{"id": "1"}, {"id": "2"}]


def test_chinese_text_is_read_in_either_encoding(tmp_path: Path) -> None:
    for encoding in ("utf-8", "gb18030"):
        (record,) = read(tmp_path, '{"id": "浓烟，无人"}\n'.encode(encoding))

        assert record.fields == {"id": "浓烟，无人"}


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b"[1, 2]", "is not a JSON object"),
        (b"7", "is not a JSON object"),
        (b'{"id": 2', "is not JSON, or cut off, at character 9"),
        (b'{"id": 2} {"id": 3}', "is not JSON, or cut off, at character 11: Extra data"),
        (b'{"id": 2, "id": 3}', "has 'id' twice; which one counts is not known"),
        (b'{"id":' * 10_000 + b"1" + b"}" * 10_000, "nested too deeply"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"id":' * 40 + b"1" + b"}" * 40, "nested deeper than 32 levels"),
        (b'{"id": "\xff\xfe"}', "byte 9 is not utf-8; set encoding for this source"),
        (b'{"id": "\\ud800"}', "half a character"),
        (b'{"id": "' + b"x" * 3_000_000 + b'"}', "is a line longer than 1048576 bytes"),
        (b'{"%s": {"a": 1, "b": 2}}' % (b"x" * 2000), "has a name longer than 1000 characters"),
    ],
)
def test_a_line_that_is_no_record_costs_no_other(tmp_path: Path, line: bytes, rule: str) -> None:
    folder = tmp_path / "in"
    drop(folder / "t.jsonl", GOOD + line + b'\n{"id": 3}\n')
    connector = FileDrop(FileDropOptions(path=".", encoding="utf-8"), base=folder)

    records = polled(connector)

    assert ids(records) == ["1", "3"]
    ((where, said),) = rules(records)
    assert where == "t.jsonl:2"
    assert rule in said


def test_what_is_not_json_but_common_is_read(tmp_path: Path) -> None:
    (record,) = read(tmp_path, b'{"id": 1, "n": NaN, "m": -Infinity, "o": 1e400}\n')

    assert record.fields == {"id": "1", "n": "", "m": "", "o": "1e400"}


def test_a_line_of_100_mb_takes_no_memory(tmp_path: Path) -> None:
    content = gzip.compress(GOOD + b'{"id": "' + b"x" * 100_000_000 + b'"}\n' + GOOD, 1)
    drop(tmp_path / "t.jsonl.gz", content)
    del content

    tracemalloc.start()
    records = polled(a_drop(tmp_path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert ids(records) == ["1", "1"]
    assert [where for where, _ in rules(records)] == ["t.jsonl.gz:2"]
    assert peak < 10 << 20


@pytest.mark.parametrize("stored", [0, 1, 2])
def test_reading_goes_on_behind_the_last_stored_batch(
    tmp_path: Path, stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_drop, "BATCH_RECORDS", 10)
    drop(tmp_path / "t.jsonl", b"".join(b'{"id": %d}\n\n' % n for n in range(25)))
    batches = list(a_drop(tmp_path).poll({}, now=MUCH_LATER))
    positions = {batch.part: batch.position for batch in batches[:stored]}

    assert polled(a_drop(tmp_path), positions) == [
        record for batch in batches[stored:] for record in batch.records
    ]


def test_a_file_that_grew_is_read_from_where_it_ended(tmp_path: Path) -> None:
    positions: dict[str, str] = {}
    file = drop(tmp_path / "t.jsonl", GOOD)
    polled(a_drop(tmp_path), positions)

    drop(file, GOOD + b'{"id": 2}\n', written=at(60))

    (record,) = polled(a_drop(tmp_path), positions)
    assert (record.fields, str(record.origin)) == ({"id": "2"}, "t.jsonl:2")


def test_a_last_line_that_was_cut_off_is_read_again_when_it_is_whole(tmp_path: Path) -> None:
    positions: dict[str, str] = {}
    file = drop(tmp_path / "t.jsonl", GOOD + b'{"id": ')
    assert ids(polled(a_drop(tmp_path), positions)) == ["1"]

    drop(file, GOOD + b'{"id": 2}\n', written=at(60))

    assert ids(polled(a_drop(tmp_path), positions)) == ["2"]


def test_a_packed_file_that_breaks_off_gives_its_good_lines_and_says_so(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b'{"id": %d}\n' % (n * 7919) for n in range(5000)))

    records = read(tmp_path, whole[: len(whole) // 2], "t.jsonl.gz")

    assert 1000 < len(ids(records)) < 5000
    ((where, rule),) = [r for r in rules(records) if "breaks off" in r[1]]
    assert where.startswith("t.jsonl.gz:")
    assert "drop it again, whole" in rule


def test_tabs_stand_between_the_cells_of_a_tsv(tmp_path: Path) -> None:
    drop(tmp_path / "a.tsv", b"id\tnote\n1\ta, b\n2\tb\tc\n")
    drop(tmp_path / "b.tsv.gz", gzip.compress(b"id\tnote\n3\tc\n"))

    records = polled(a_drop(tmp_path))

    assert ids(records) == ["1", "3"]
    ((where, rule),) = rules(records)
    assert where == "a.tsv:3"
    assert "a tab in a field that is not quoted" in rule


def test_a_folder_may_hold_files_of_every_format(tmp_path: Path) -> None:
    drop(tmp_path / "a.csv", b"id\n1\n")
    drop(tmp_path / "b.JSONL", b'{"id": 2}\n')
    drop(tmp_path / "c.tsv", b"id\tn\n3\t\n")
    drop(tmp_path / "d.xlsx", a_workbook([("id", "n"), (4, "x")]))
    drop(tmp_path / "e.json", b"{}")

    assert ids(polled(a_drop(tmp_path))) == ["1", "2", "3", "4"]


def test_a_file_without_an_ending_is_read_as_the_source_reads_its_own(tmp_path: Path) -> None:
    file = drop(tmp_path / "elsewhere" / "-", GOOD)

    assert ids(polled(a_drop(tmp_path, "in/*.jsonl").over(file))) == ["1"]


def test_long_rows_are_handed_over_in_smaller_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_drop, "BATCH_BYTES", 100)
    drop(tmp_path / "t.jsonl", GOOD * 25)

    batches = list(a_drop(tmp_path).poll({}, now=MUCH_LATER))

    assert [len(batch.records) for batch in batches] == [10, 10, 5]


@given(
    content=st.binary(max_size=200),
    ending=st.sampled_from(["csv", "csv.gz", "jsonl", "jsonl.gz", "tsv", "xlsx"]),
    start=st.sampled_from([b"", GOOD, b"PK\3\4", b"\x1f\x8b\x08\0\0\0\0\0\0\0", b"\xff\xfe"]),
)
def test_no_bytes_stop_the_source(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str, start: bytes
) -> None:
    records = read(tmp_path_factory.mktemp("any"), start + content, f"t.{ending}")

    assert all((record.fields is None) == (record.problem is not None) for record in records)


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
tables = st.lists(st.tuples(cells, cells, cells), max_size=8)


@given(table=tables, kind=st.sampled_from(["tsv", "jsonl"]), packed=st.booleans())
def test_any_table_is_read_back_cell_for_cell(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[tuple[str, str, str]],
    kind: str,
    packed: bool,
) -> None:
    columns = ("id", "浓", "c")
    if kind == "tsv":
        stream = io.StringIO()
        csv.writer(stream, delimiter="\t").writerows([columns, *table])
        content = stream.getvalue().encode()
    else:
        lines = (
            json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in table
        )
        content = "".join(f"{line}\n" for line in lines).encode()

    folder = tmp_path_factory.mktemp("table")
    drop(folder / f"t.{kind}{'.gz' * packed}", gzip.compress(content) if packed else content)
    records = polled(FileDrop(FileDropOptions(path=".", encoding="utf-8"), base=folder))

    assert [tuple((r.fields or {}).values()) for r in records] == (
        table if kind == "jsonl" else [row for row in table if any(_is_seen(row))]
    )


def _is_seen(row: tuple[str, str, str]) -> list[bool]:
    """Whether each cell leaves its line more than blank; one with a tab or a line end is quoted."""
    return [bool(cell.strip(" \x0b\x0c")) for cell in row]
