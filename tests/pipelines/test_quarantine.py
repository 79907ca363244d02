"""What could not be read is kept whole, and read again when the configuration is right."""

import gzip
import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from pipelines.connectors import CONNECTORS
from pipelines.connectors.file_drop.drop import FileDrop
from pipelines.connectors.file_drop.options import FileDropOptions
from pipelines.connectors.http_poll.options import HttpPollOptions
from pipelines.connectors.http_poll.poll import HttpPoll
from pipelines.connectors.record import Origin
from pipelines.connectors.reread import Kept, Rereads, read_again
from pipelines.connectors.sql_view.view import SqlView, SqlViewOptions
from pipelines.door import quarantine
from pipelines.installation import Installation
from tests.builders import NINE, at
from tests.pipelines.connectors.workbooks import a_workbook
from tests.pipelines.installations import (
    COLUMNS,
    a_call,
    an_installation,
    as_csv,
    content,
    drop,
)
from tests.stores import environ_of, on_every_database

pytestmark = on_every_database

LATER = NINE + timedelta(days=1)
EVERYTHING = ("report", "fact", "incident", "rollup", "quarantine")
GERMAN = 'time_format = "%d.%m.%Y %H:%M:%S"\n[sources.calls.decoder.milestones]'


def a_street(folder: Path, calls: bytes, *, name: str = "calls.csv") -> Installation:
    """A street that has taken in what a file holds."""
    drop(folder / name, calls)
    street = an_installation(folder, path=name)
    street.pull(street.sources[0], now=LATER)
    return street


def corrected(folder: Path, street: Installation, old: str, new: str) -> Installation:
    """The street after somebody has corrected its configuration."""
    street.store.close()
    config = street.settings.file
    config.write_text(config.read_text("utf-8").replace(old, new), "utf-8")
    from pipelines.installation import open_installation
    from pipelines.settings import load

    environ = {"GRID135_DATA": str(folder / "data"), **environ_of(folder)}
    return open_installation(load(environ, str(config)), replayed=False)


def replayed(street: Installation) -> quarantine.Replayed:
    return quarantine.replay(street.store, street.door, street.sources[0])


def unread(street: Installation) -> tuple[int, int]:
    """How many are in quarantine, by its rows and by the count of the source."""
    with street.store.reading() as reader:
        rows = len(quarantine.items(reader, limit=1000))
        return rows, reader.sources()["calls"].quarantined


GERMAN_CALLS = [
    a_call("A-1", reported="02.03.2026 09:00:00", arrived="02.03.2026 09:04:00"),
    a_call("A-2", reported="02.03.2026 09:10:00"),
    a_call("A-3", reported="gestern"),
]


def test_a_corrected_mapping_takes_in_what_makes_sense_now(tmp_path: Path) -> None:
    street = a_street(tmp_path, as_csv(GERMAN_CALLS))
    assert unread(street) == (3, 3)
    street = corrected(tmp_path, street, "[sources.calls.decoder.milestones]", GERMAN)

    done = replayed(street)

    assert (done.taken_in, done.still) == (2, 1)
    assert unread(street) == (1, 1)
    rows = content(street.store, "incident")["incident"]
    assert sorted(row[2] for row in rows) == ["A-1", "A-2"]
    with street.store.reading() as reader:
        (left,) = quarantine.items(reader, limit=10)
    assert (left.value, left.line) == ("gestern", 4)
    assert "%d.%m.%Y" in left.rule, "the reason is that of today"


def test_what_was_taken_in_late_is_as_if_it_had_been_read_at_once(tmp_path: Path) -> None:
    late = a_street(tmp_path / "late", as_csv(GERMAN_CALLS[:2]))
    late = corrected(tmp_path / "late", late, "[sources.calls.decoder.milestones]", GERMAN)
    replayed(late)

    early = an_installation(tmp_path / "early", path="calls.csv")
    early = corrected(tmp_path / "early", early, "[sources.calls.decoder.milestones]", GERMAN)
    drop(tmp_path / "early" / "calls.csv", as_csv(GERMAN_CALLS[:2]))
    early.pull(early.sources[0], now=LATER)

    assert content(late.store, *EVERYTHING) == content(early.store, *EVERYTHING)


def test_replaying_twice_changes_nothing(tmp_path: Path) -> None:
    street = a_street(tmp_path, as_csv(GERMAN_CALLS))
    street = corrected(tmp_path, street, "[sources.calls.decoder.milestones]", GERMAN)
    replayed(street)
    before = content(street.store, *EVERYTHING)

    done = replayed(street)

    assert (done.taken_in, done.still) == (0, 1)
    assert content(street.store, *EVERYTHING) == before


def test_with_the_same_configuration_everything_stays(tmp_path: Path) -> None:
    street = a_street(tmp_path, as_csv(GERMAN_CALLS))
    before = content(street.store, *EVERYTHING)

    assert replayed(street).still == 3
    assert content(street.store, *EVERYTHING) == before


def test_an_old_record_that_is_read_late_does_not_overrule_its_later_revision(
    tmp_path: Path,
) -> None:
    street = a_street(tmp_path, as_csv([GERMAN_CALLS[0] | {"title": "old"}]))
    street = corrected(tmp_path, street, "[sources.calls.decoder.milestones]", GERMAN)
    drop(
        tmp_path / "calls.csv",
        as_csv([a_call("A-1", reported="02.03.2026 09:00:00", title="new")]),
        written=at(50),
    )
    street.pull(street.sources[0], now=LATER + timedelta(hours=1))

    replayed(street)

    (row,) = content(street.store, "incident")["incident"]
    assert "new" in row


def test_reading_late_does_not_make_a_silent_source_look_alive(tmp_path: Path) -> None:
    street = a_street(tmp_path, as_csv(GERMAN_CALLS))
    with street.store.reading() as reader:
        before = reader.sources()["calls"].last_recorded_ms
    street = corrected(tmp_path, street, "[sources.calls.decoder.milestones]", GERMAN)

    replayed(street)

    with street.store.reading() as reader:
        assert reader.sources()["calls"].last_recorded_ms == before


def test_a_record_that_came_again_in_the_meantime_leaves_quarantine(tmp_path: Path) -> None:
    street = a_street(tmp_path, as_csv(GERMAN_CALLS[:1]))
    street = corrected(tmp_path, street, "[sources.calls.decoder.milestones]", GERMAN)
    drop(tmp_path / "calls.csv", as_csv([*GERMAN_CALLS[:1], GERMAN_CALLS[1]]), written=at(50))
    drop(tmp_path / "again.csv", as_csv(GERMAN_CALLS[:1]), written=at(60))
    street.pull(street.sources[0], now=LATER)

    done = replayed(street)

    assert (done.taken_in, done.still) == (1, 0)
    assert unread(street) == (0, 0)


def test_a_file_that_broke_off_left_nothing_to_read_again(tmp_path: Path) -> None:
    whole = gzip.compress(as_csv([a_call(f"A-{i}") for i in range(2000)]))
    street = a_street(tmp_path, whole[: len(whole) // 2], name="calls.csv.gz")

    done = replayed(street)

    assert (done.taken_in, done.still) == (0, 1)
    with street.store.reading() as reader:
        (left,) = quarantine.items(reader, limit=10)
    assert "drop it again, whole" in left.rule


def test_quarantine_is_counted_by_source_column_and_rule(tmp_path: Path) -> None:
    street = a_street(tmp_path, as_csv([*GERMAN_CALLS, a_call("", reported=0)]))

    with street.store.reading() as reader:
        found = quarantine.groups(reader, source="calls")
        nothing = quarantine.groups(reader, source="other")

    assert [(group.column, group.records) for group in found] == [("reported", 3), ("id", 1)]
    assert nothing == []


# Bytes and context are enough to read a record again, for every connector that reads columns


def fields_of(connector: object, record: object) -> object:
    kept = Kept(record.raw, record.context, Origin("x", 1), 1)  # type: ignore[attr-defined]
    return read_again(connector, kept).fields


CALLS = [a_call("A-1", title='say "hi", twice\nand again'), a_call("A-2", title="五金 店")]


@pytest.fixture(params=["csv", "tsv", "jsonl", "xlsx", "gb18030"])
def dropped(request: pytest.FixtureRequest, tmp_path: Path) -> FileDrop:
    """A connector over a file of each format."""
    kind = request.param
    path = tmp_path / f"calls.{'csv' if kind == 'gb18030' else kind}"
    if kind == "jsonl":
        drop(path, "\n".join(json.dumps({"a": {"b": c}}) for c in CALLS).encode())
    elif kind == "xlsx":
        drop(path, a_workbook([list(COLUMNS), *[[c[n] for n in COLUMNS] for c in CALLS]]))
    elif kind == "tsv":
        drop(path, b"id\ttitle\nA-1\tx,y\nA-2\tz\n")
    else:
        encoding = "gb18030" if kind == "gb18030" else "utf-8"
        drop(path, as_csv(CALLS).decode().encode(encoding))
    return FileDrop(FileDropOptions(path=path.name), base=tmp_path)


def test_rows_of_files_can_be_read_again(dropped: FileDrop) -> None:
    records = [r for batch in dropped.poll({}, now=LATER) for r in batch.records]

    assert len(records) >= 2
    for record in records:
        assert record.fields is not None
        assert fields_of(dropped, record) == record.fields


def test_rows_of_a_view_can_be_read_again(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'view.sqlite3'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (k INTEGER, gxsj TEXT, what BLOB)"))
        for k, gxsj in ((1, "2026-03-02 09:00:00"), (2, None)):
            connection.execute(
                text("INSERT INTO t VALUES (:k, :g, :w)"), {"k": k, "g": gxsj, "w": b"\xd2\xbb"}
            )
    queries = {
        "t": {
            "sql": "SELECT * FROM t",
            "cursor": "gxsj",
            "key": "k",
            "cursor_format": "%Y-%m-%d %H:%M:%S",
        }
    }
    options = {"url": "sqlite:///view.sqlite3", "queries": queries}
    view = SqlView(SqlViewOptions.model_validate(options), base=tmp_path)

    records = [r for batch in view.poll({}, now=LATER) for r in batch.records]

    good = [record for record in records if record.problem is None]
    (lost,) = [record for record in records if record.problem is not None]
    assert [fields_of(view, record) for record in good] == [record.fields for record in good]
    again = read_again(view, Kept(lost.raw, lost.context, lost.origin, 0))
    assert again.problem == lost.problem, "without a cursor it can still not be followed"


def test_records_of_a_service_can_be_read_again(tmp_path: Path) -> None:
    said = [{"id": "A-1", "at": {"x": 1.50}}, {"id": "A-2", "at": None}]
    (tmp_path / "answer.json").write_text(json.dumps(said), "utf-8")
    options = HttpPollOptions.model_validate({"url": "http://127.0.0.1/x"})
    service = HttpPoll(options, base=tmp_path).over(tmp_path / "answer.json")

    records = [r for batch in service.poll({}, now=LATER) for r in batch.records]

    assert len(records) == 2
    assert [fields_of(service, record) for record in records] == [r.fields for r in records]


@given(raw=st.binary(max_size=200), context=st.sampled_from(
    [b"", b"{}", b'{"format":"json"}', b'{"format":"jsonl","encoding":"utf-8"}',
     b'{"delimiter": ",", "encoding": "utf-8"}\nid,title\r\n']
))  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_kept_is_columns_or_a_reason(
    tmp_path: Path, raw: bytes, context: bytes
) -> None:
    drop_options = FileDropOptions(path="x.csv")
    http_options = HttpPollOptions.model_validate({"url": "http://127.0.0.1/x"})
    for connector in (
        FileDrop(drop_options, base=tmp_path),
        HttpPoll(http_options, base=tmp_path),
    ):
        said = connector.reread(raw, context)
        assert (said.fields is None) != (said.problem is None)


def test_every_connector_that_makes_columns_can_make_them_again() -> None:
    for name in ("file_drop", "http_poll", "sql_view"):
        assert issubclass(CONNECTORS[name], Rereads)
