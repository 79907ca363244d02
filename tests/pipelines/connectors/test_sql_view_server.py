"""What only a real PostgreSQL server can show: limits, cuts, encodings, size."""

import json
import logging
import resource
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.clock import ManualClock
from pipelines.errors import SourceConfigError, SourceUnavailableError
from pipelines.feeds.health import Health
from pipelines.installation import Installation, open_installation
from pipelines.reading.options import HeldSecret
from pipelines.roles.schedule import Schedule
from pipelines.settings import load
from pipelines.snapshot import SourceState
from tests.builders import MUCH_LATER, NINE
from tests.databases import PASSWORD, Database, cut_off, postgresql, throw_out
from tests.pipelines.installations import AREA, a_file

A_TABLE = "CREATE TABLE feed (id TEXT, changed TIMESTAMP, title TEXT)"
MB = 1024  # of ru_maxrss, which counts kilobytes

SOURCE = """
[sources.calls]
name = "Calls"
connector.type = "sql_view"
connector.url = "{url}"
connector.password = "{password}"
connector.queries.feed = {{ sql = "SELECT * FROM feed", cursor = "changed", key = "id" }}
decoder.type = "table"
decoder.incident = "id"
decoder.kind = "fire"
decoder.milestones.reported = "changed"
"""


@pytest.fixture
def database() -> Iterator[Database]:
    with postgresql() as database:
        database.run(A_TABLE)
        yield database


def an_installation(folder: Path, database: Database) -> Installation:
    source = SOURCE.format(url=database.url, password=PASSWORD.variable)
    file = a_file(folder / "street.toml", AREA.format(zone="Asia/Shanghai") + source)
    environ = {"GRID135_DATA": str(folder / "data"), PASSWORD.variable: PASSWORD.reveal()}
    return open_installation(load(environ, str(file)), replayed=False)


def fill(database: Database, n: int, *, seconds: float = 1.0) -> None:
    database.run(
        "INSERT INTO feed SELECT 'k' || lpad(i::text, 6, '0'), timestamp '2026-03-02 09:00:00' "
        "+ i * ? * interval '1 second', 'a title' FROM generate_series(1, ?) AS i",
        [(seconds, n)],
    )


def polled(view: Any, positions: dict[str, str] | None = None) -> list[Any]:
    return list(view.poll(positions or {}, now=MUCH_LATER))


def test_nothing_can_be_written(database: Database) -> None:
    database.run(
        "CREATE FUNCTION f() RETURNS SETOF feed LANGUAGE sql AS "
        "$$ INSERT INTO feed VALUES ('evil', now(), '') RETURNING * $$"
    )

    with pytest.raises(SourceUnavailableError, match="read-only transaction"):
        polled(database.view("SELECT * FROM f()"))


def test_a_query_that_takes_too_long_is_given_up(database: Database) -> None:
    fill(database, 1)
    view = database.view(
        "SELECT feed.*, pg_sleep(5) AS slept FROM feed",
        statement_timeout=timedelta(milliseconds=50),
    )

    with pytest.raises(SourceUnavailableError, match="statement timeout"):
        polled(view)


def test_a_column_that_is_there_twice_is_said(database: Database) -> None:
    with pytest.raises(SourceConfigError, match="id is there twice; rename one with AS"):
        polled(database.view("SELECT *, title AS id FROM feed"))


def test_a_source_that_is_cut_off_is_down_once_and_back_once(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(database, 3)
    installation = an_installation(tmp_path, database)
    (source,) = installation.sources
    clock, health = ManualClock(MUCH_LATER), Health()
    schedule = Schedule(installation, health, clock)

    def poll() -> SourceState:
        clock.advance(timedelta(seconds=10))
        schedule.poll(source)
        with installation.store.reading() as reader:
            return health.report([source], reader.sources(), now=clock.now())[0].state

    with caplog.at_level(logging.WARNING):
        assert poll() is SourceState.LIVE
        with cut_off(database):
            assert [poll() for _ in range(3)] == [SourceState.DOWN] * 3
            fill(database, 5)
        assert [poll() for _ in range(2)] == [SourceState.LIVE] * 2

    said = [r.getMessage() for r in caplog.records if r.name == "pipelines.feeds.health"]
    assert [message.split(",")[0].split(":")[0] for message in said] == [
        "source calls is down",
        "source calls is back",
    ]
    assert "not currently accepting connections" in said[0]
    with installation.store.reading() as reader:
        assert len(reader.incident_rows()) == 5


def test_no_message_shows_the_password(database: Database) -> None:
    url = database.url.replace(":5432", ":1")
    view = replace(database, url=url).view(password=HeldSecret("SECRET", "open sesame"))

    with pytest.raises(SourceUnavailableError, match="refused") as away:
        polled(view)

    assert "sesame" not in str(away.value)


def test_a_connection_cut_between_chunks_is_made_anew(database: Database) -> None:
    fill(database, 30)
    poll = database.view(chunk=10).poll({}, now=MUCH_LATER)

    first = next(poll)
    throw_out(database.url.rpartition("/")[2], but=database.connection.info.backend_pid)
    rest = list(poll)

    assert sum(len(batch.records) for batch in (first, *rest)) == 30


def test_a_column_of_any_type_becomes_text(database: Database) -> None:
    columns = {
        "numeric(8,2)": ("1.10", "1.10"),
        "bigint": ("9007199254740993", "9007199254740993"),
        "boolean": ("true", "1"),
        "date": ("2026-03-02", "2026-03-02"),
        "timestamp": ("2026-03-02 09:00:00", "2026-03-02T09:00:00"),
        "timestamptz": ("2026-03-02 09:00:00+08", "2026-03-02T01:00:00+00:00"),
        "time": ("09:00", "09:00:00"),
        "float8": ("NaN", "nan"),
        "bytea": (f"\\x{'火警'.encode('gb18030').hex()}", "火警"),
        "jsonb": ('{"火": [1]}', '{"火": [1]}'),
        "uuid": ("0b7a8e9e-6c2f-4bd0-8f6e-0a6f3e3c1d11",) * 2,
        "inet": ("10.0.0.1", "10.0.0.1"),
    }
    given = [f"'{text}'::{kind}" for kind, (text, _) in columns.items()]
    values = ", ".join(f"{value} AS c{n}" for n, value in enumerate(given))
    sql = f"SELECT 'a' AS id, timestamp '2026-03-02' AS changed, NULL AS gone, {values}"

    (batch,) = polled(database.view(sql))

    fields = batch.records[0].fields
    assert [fields[f"c{n}"] for n in range(len(columns))] == [t for _, t in columns.values()]
    assert fields["gone"] == ""
    assert json.loads(batch.records[0].raw)["gone"] is None


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
def test_the_zone_of_the_session_changes_nothing_that_is_kept(
    database: Database, zone: str
) -> None:
    database.run("CREATE TABLE zoned (id UUID, changed TIMESTAMPTZ)")
    database.run(
        "INSERT INTO zoned SELECT gen_random_uuid(), '2026-03-02 09:00+08' "
        "FROM generate_series(1, 25)"
    )
    name = database.url.rpartition("/")[2]
    database.run(f"ALTER ROLE grid135_test IN DATABASE {name} SET timezone = '{zone}'")

    view = database.view("SELECT * FROM zoned", chunk=10)
    batches = polled(view)

    assert sum(len(batch.records) for batch in batches) == 25
    assert b'"changed":"2026-03-02T01:00:00+00:00"' in batches[0].records[0].raw
    assert polled(view, {"feed": batches[-1].position}) == []


@pytest.mark.parametrize("encoding", ["gb18030", None])
def test_a_database_without_an_encoding_may_hold_gb18030(encoding: str | None) -> None:
    with postgresql("SQL_ASCII") as database:
        database.run("CREATE TABLE feed (id INTEGER, changed TIMESTAMP, title TEXT)")
        database.connection.execute("SET client_encoding = 'SQL_ASCII'")
        insert = "INSERT INTO feed VALUES (1, now(), '火警')"
        database.connection.execute(insert.encode("gb18030"))
        database.connection.commit()
        query = f"?client_encoding={encoding}" if encoding else ""
        view = replace(database, url=database.url + query).view()

        if encoding is None:
            with pytest.raises(SourceUnavailableError, match=r"invalid byte sequence .* 0xbb"):
                polled(view)
        else:
            (batch,) = polled(view)
            assert batch.records[0].fields["title"] == "火警"


def test_a_hundred_thousand_rows_are_read_in_little_memory(database: Database) -> None:
    fill(database, 100_000, seconds=0)
    view = database.view()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    rows, largest, position = 0, 0, None
    for batch in view.poll({}, now=MUCH_LATER):
        rows, position = rows + len(batch.records), batch.position
        largest = max(largest, len(batch.records))

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (rows, largest) == (100_000, 2000)
    assert grown < 100 * MB
    assert position is not None
    assert len(position) < 300_000
    assert polled(view, {"feed": position}) == []


def test_what_a_position_cannot_hold_is_repeated_after_a_restart_and_not_lost(
    database: Database, tmp_path: Path
) -> None:
    fill(database, 25_000, seconds=0)
    installation = an_installation(tmp_path, database)
    assert installation.pull(installation.sources[0], now=MUCH_LATER).stored == 25_000

    again = an_installation(tmp_path, database)
    counts = again.pull(again.sources[0], now=MUCH_LATER)

    assert (counts.stored, counts.duplicate) == (0, 5_000)


def test_the_time_of_change_may_be_a_day(database: Database) -> None:
    database.run("CREATE TABLE dated (id INTEGER, changed DATE)")
    database.run(
        "INSERT INTO dated SELECT i, date '2026-03-01' + i / 20 FROM generate_series(1, 50) i"
    )
    view = database.view("SELECT * FROM dated", chunk=15, overlap=timedelta(days=1))

    batches = list(view.poll({}, now=NINE))

    assert sum(len(batch.records) for batch in batches) == 50
