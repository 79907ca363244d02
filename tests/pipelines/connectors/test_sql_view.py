"""The connector on both databases: what it finds, in which order, and what it never loses."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.connectors.record import Batch, Poller
from pipelines.connectors.sql_view.query import QueryOptions
from pipelines.connectors.sql_view.view import SqlView, SqlViewOptions
from pipelines.errors import SourceConfigError, SourceUnavailableError
from pipelines.reading.options import HeldSecret
from tests.builders import MUCH_LATER
from tests.databases import FEED, Database, postgresql, sqlite

NINE = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - as the view writes it, without a zone
A_TABLE = "CREATE TABLE feed (id TEXT, changed {time}, title TEXT)"


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    opened = postgresql() if request.param == "postgresql" else sqlite(tmp_path / "view.db")
    with opened as database:
        time = "TIMESTAMP" if request.param == "postgresql" else "TEXT"
        database.run(A_TABLE.format(time=time))
        yield database


def a_row(id: str, seconds: float | None = 0, title: str = "") -> tuple[str, str | None, str]:  # noqa: A002
    changed = None if seconds is None else str(NINE + timedelta(seconds=seconds))
    return (id, changed, title)


def put(database: Database, *rows: tuple[str | None, str | None, str]) -> None:
    database.run("INSERT INTO feed VALUES (?, ?, ?)", rows)


def ids(batches: Sequence[Batch]) -> list[str]:
    return [record.fields["id"] for b in batches for record in b.records if record.fields]


class Reader:
    """Someone who stores what a connector hands over, and may be stopped."""

    def __init__(self, connector: Poller) -> None:
        self.connector = connector
        self.positions: dict[str, str] = {}

    def read(self, *, batches: int = 1_000_000, now: datetime = MUCH_LATER) -> list[Batch]:
        stored = []
        for batch in self.connector.poll(self.positions, now=now):
            if len(stored) == batches:
                break  # read, and then the power fails
            self.positions[batch.part] = batch.position
            stored.append(batch)
        return stored


def test_rows_come_by_time_of_change_as_canonical_json(database: Database) -> None:
    put(database, a_row("b", 5), a_row("c", 1, "火警"), a_row("a", 5))

    (batch,) = Reader(database.view()).read()

    assert ids([batch]) == ["c", "a", "b"]
    kept = json.loads(batch.records[0].raw)
    assert (kept["(query)"], kept["id"], kept["title"]) == ("feed", "c", "火警")
    assert "火警".encode() in batch.records[0].raw
    assert str(batch.records[2].origin) == "feed:3"


def test_a_row_that_was_changed_comes_again_and_nothing_else(database: Database) -> None:
    put(database, a_row("a", 0), a_row("b", 1))
    reader = Reader(database.view())
    reader.read()

    database.run("UPDATE feed SET title = 'x', changed = ? WHERE id = 'a'", [(a_row("", 9)[1],)])

    assert ids(reader.read()) == ["a"]
    assert reader.read() == []


def test_a_row_that_was_committed_late_is_found_once(database: Database) -> None:
    put(database, a_row("a", 0), a_row("b", 600))
    reader = Reader(database.view(overlap=timedelta(minutes=10)))
    reader.read()

    put(database, a_row("late", 1))

    assert ids(reader.read()) == ["late"]
    assert reader.read() == []


def test_a_row_from_before_the_overlap_is_not_looked_for(database: Database) -> None:
    put(database, a_row("a", 0), a_row("b", 602))
    reader = Reader(database.view(overlap=timedelta(minutes=10)))
    reader.read()

    put(database, a_row("too late", 1))

    assert reader.read() == []


@pytest.mark.parametrize("spread", [0, 1, 3600])
def test_stopped_between_any_two_chunks_loses_and_repeats_nothing(
    database: Database, spread: int
) -> None:
    put(database, *(a_row(f"k{i:03}", i * spread) for i in range(95)))

    for stop in range(12):
        reader = Reader(database.view(chunk=10))
        before = reader.read(batches=stop)
        reader.connector = database.view(chunk=10)  # another process, that knows the position only

        assert ids(before + reader.read()) == [f"k{i:03}" for i in range(95)]


@pytest.mark.parametrize("stop", [1, 3])
def test_ten_thousand_rows_of_one_moment_all_come_once(database: Database, stop: int) -> None:
    put(database, *(a_row(f"k{i:05}") for i in range(10_000)))
    reader = Reader(database.view())

    batches = reader.read(batches=stop)
    reader.connector = database.view()
    batches += reader.read()

    assert ids(batches) == [f"k{i:05}" for i in range(10_000)]
    assert len(batches) == 6
    assert reader.read() == []


def test_a_poll_that_breaks_off_says_again_what_was_not_stored(database: Database) -> None:
    put(database, *(a_row(f"k{i:03}", i) for i in range(25)))
    reader = Reader(database.view(chunk=10))

    poll = reader.connector.poll({}, now=MUCH_LATER)
    next(poll)
    next(poll)

    assert len(ids(reader.read())) == 25


def test_a_key_that_is_not_unique_loses_nothing(database: Database) -> None:
    put(database, *(a_row(f"k{i // 4:03}", 0, f"{i:03}") for i in range(50)))

    batches = Reader(database.view(chunk=10)).read()

    titles = [r.fields["title"] for b in batches for r in b.records if r.fields]
    assert sorted(titles) == [f"{i:03}" for i in range(50)]


def test_a_key_that_tells_nothing_apart_is_said(database: Database) -> None:
    put(database, *(a_row("same", 0, str(i)) for i in range(50)))

    with pytest.raises(SourceConfigError, match=r"query feed: 10 rows or more have id = 'same'"):
        Reader(database.view(chunk=10)).read()


def test_a_row_without_cursor_or_key_is_set_aside_and_stops_none(database: Database) -> None:
    put(database, a_row("a"), a_row("b", None), (None, a_row("", 3)[1], "c"), a_row("d", 9))
    reader = Reader(database.view())

    first, lost = reader.read()

    assert ids([first]) == ["a", "d"]
    problems = sorted(record.problem or ("", "", "") for record in lost.records)
    assert [column for column, _, _ in problems] == ["changed", "id"]
    assert "COALESCE" in problems[0][2]
    assert reader.read(now=MUCH_LATER + timedelta(minutes=59)) == []
    assert len(reader.read(now=MUCH_LATER + timedelta(minutes=61))) == 1


def test_a_placeholder_far_ahead_does_not_hide_later_rows(database: Database) -> None:
    put(database, a_row("a"), ("never", "9999-12-31 23:59:59", ""))
    reader = Reader(database.view())
    assert ids(reader.read()) == ["a", "never"]

    put(database, a_row("b", 60))

    assert ids(reader.read()) == ["b"]
    reader.connector = database.view()
    assert reader.read() == []


@pytest.mark.parametrize(
    ("sql", "cursor", "words"),
    [
        ("SELECT id, changed FROM nowhere", "changed", "nowhere"),
        ("SELECT id, changed, speed FROM feed", "changed", "speed"),
        ("SELEKT id FROM feed", "changed", "syntax error"),
        (FEED, "GXSJ", "cursor = 'GXSJ': there is no such column; there are: id, changed, title"),
        ("SELECT id, 7 AS changed FROM feed", "changed", "cursor_format"),
    ],
)
def test_a_wrong_query_is_said_in_the_words_of_the_database(
    database: Database, sql: str, cursor: str, words: str
) -> None:
    put(database, a_row("a"))

    with pytest.raises(SourceConfigError, match=words) as refused:
        Reader(database.view(sql, cursor=cursor, cursor_format=None)).read()

    assert str(refused.value).startswith("query feed: ")


def test_a_view_that_is_made_anew_is_waited_for(database: Database) -> None:
    put(database, a_row("a"))
    reader = Reader(database.view())
    reader.read()

    database.run("ALTER TABLE feed RENAME TO feed_old")
    with pytest.raises(SourceUnavailableError, match=r"query feed no longer works: .*feed"):
        reader.read()
    database.run("ALTER TABLE feed_old RENAME TO feed")
    put(database, a_row("b", 1))

    assert ids(reader.read()) == ["b"]


def test_colons_percent_signs_and_names_in_other_case_are_no_trouble(database: Database) -> None:
    put(database, a_row("a"))
    sql = "SELECT id, changed, '12:30:ss 5%' AS title FROM feed WHERE title NOT LIKE 'x%';"

    (batch,) = Reader(database.view(sql, cursor="CHANGED", key="Id", columns="upper")).read()

    assert (batch.records[0].fields or {})["TITLE"] == "12:30:ss 5%"


def test_what_rows_hold_is_never_part_of_a_query(database: Database) -> None:
    evil = "'; DROP TABLE feed; --"
    put(database, *(a_row(f"{evil}{i:03}") for i in range(35)))

    assert len(ids(Reader(database.view(chunk=10)).read())) == 35
    assert len(ids(Reader(database.view(chunk=10)).read())) == 35


def test_each_query_has_a_position_of_its_own(database: Database) -> None:
    put(database, a_row("a"), a_row("b", 5))
    queries = {
        name: QueryOptions(
            sql=FEED, cursor="changed", cursor_format=database.cursor_format, key="id"
        )
        for name in ("one", "two")
    }
    reader = Reader(database.views(queries))

    assert [(b.part, len(b.records)) for b in reader.read(batches=1)] == [("one", 2)]
    assert [(b.part, len(b.records)) for b in reader.read()] == [("two", 2)]


def test_the_rows_that_were_kept_can_be_read_from_a_file(
    database: Database, tmp_path: Path
) -> None:
    put(database, a_row("a", 0, "火警"), a_row("b", 1))
    view = database.view()
    (batch,) = Reader(view).read()
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\n".join([r.raw for r in batch.records]) + b"\n\n[1]\n" + b"[" * 10**5)

    (read,) = view.over(file).poll({}, now=MUCH_LATER)

    kept, bad = read.records[:2], read.records[2:]
    assert [(r.raw, r.fields) for r in kept] == [
        (r.raw, dict(sorted((r.fields or {}).items()))) for r in batch.records
    ]
    assert [(r.origin.line, r.problem is not None) for r in bad] == [(4, True), (5, True)]


def test_a_row_without_its_query_is_of_the_only_one(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": 7}')
    with sqlite(tmp_path / "unused.db") as database:
        (batch,) = database.view().over(file).poll({}, now=MUCH_LATER)

    assert batch.records[0].fields == {"(query)": "feed", "id": "7"}


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with sqlite(tmp_path / "unused.db") as database, pytest.raises(SourceUnavailableError):
        list(database.view().over(tmp_path / "none").poll({}, now=MUCH_LATER))


def test_an_sqlite_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    query = QueryOptions(sql=FEED, cursor="changed", key="id")
    view = SqlView(SqlViewOptions(url="sqlite:///none.db", queries={"q": query}), base=tmp_path)

    with pytest.raises(SourceUnavailableError, match=r"none\.db: no such database file"):
        list(view.poll({}, now=MUCH_LATER))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/db", "no url", "x:///?password=y"])
def test_a_url_holds_no_password(url: str) -> None:
    with pytest.raises(ValidationError, match=r"must (hold no password|be like)"):
        SqlViewOptions(url=url, queries={"q": QueryOptions(sql=FEED, cursor="c", key="id")})


def test_a_password_that_is_not_set_and_a_driver_that_is_not_there_are_said() -> None:
    query = QueryOptions(sql=FEED, cursor="changed", key="id")
    for url, words in (("postgresql+psycopg://me@127.0.0.1/db", "NOT_SET"), ("dm://me@h/db", "dm")):
        options = SqlViewOptions(url=url, password=HeldSecret("NOT_SET"), queries={"q": query})
        if url.startswith("dm"):
            options = options.model_copy(update={"password": None})

        with pytest.raises(SourceConfigError, match=words):
            list(SqlView(options, base=Path()).poll({}, now=MUCH_LATER))
