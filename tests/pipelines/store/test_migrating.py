"""A store of any released version becomes today's, with all that is in it, on every database."""

import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, Engine, column, insert, inspect, table, text

from pipelines.errors import StoreBehindError
from pipelines.model.clock import CLOCKS, Mark, Outcome, Verdict
from pipelines.model.fact import Reason
from pipelines.model.tally import COUNTERS, counted_by, entry, entry_of_reason, entry_of_time
from pipelines.store import migrating, schema
from pipelines.store.backends.backend import Backend
from pipelines.store.hours import SheetKey, laid_out
from pipelines.store.migrating import Step
from pipelines.store.places import Place, open_backend, upgrade
from pipelines.store.sheets import HOUR_MS, line_of, start_of
from pipelines.store.store import Store
from pipelines.store.sums import pack
from pipelines.upkeep.rebuilding import verify
from tests.pipelines.installations import an_installation
from tests.stores import on_every_database, place_in

pytestmark = on_every_database

RELEASES = {"0.1.0": "0001"}
"""The last migration that each release knows."""
ROWS = Path(__file__).parents[2] / "data" / "store"


@contextmanager
def writing(place: Place) -> Iterator[Connection]:
    """A connection to a place, whatever form its tables have."""
    backend: Backend = open_backend(place)
    prepared = getattr(backend, "_make_schema", None)
    if prepared is not None:
        prepared()
    engine: Engine = backend.writer
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        backend.close()


def run_until(connection: Connection, number: str) -> None:
    """Make the tables as they were after a migration."""

    class EnoughError(Exception):
        pass

    def stop(step: Step, done: int, of: int) -> None:
        if step.number > number:
            raise EnoughError

    with pytest.raises(EnoughError):
        migrating.upgrade(connection, stop)


def a_store_of(release: str, place: Place) -> None:
    """A store as that release left it: its tables by its own statements, with rows."""
    with writing(place) as connection:
        if isinstance(place, URL):
            # PostgreSQL came after 0.1.0, whose tables it gets by the first migration
            run_until(connection, RELEASES[release])
            connection.exec_driver_sql("CREATE TABLE report_2026_03 (LIKE report INCLUDING ALL)")
            connection.exec_driver_sql(
                "ALTER TABLE report ATTACH PARTITION report_2026_03 "
                "FOR VALUES FROM (1772323200000) TO (1775001600000)"
            )
        else:
            run_statements(connection, ROWS / f"{release}.sqlite.sql")
        run_statements(connection, ROWS / f"{release}.rows.sql")


def run_statements(connection: Connection, file: Path) -> None:
    for statement in file.read_text("utf-8").split(";\n"):
        if statement.strip():
            if connection.dialect.name == "postgresql":
                statement = statement.replace("X'", "'\\x")
            connection.execute(text(statement.replace(":", "\\:")))


def found_in(store: Store) -> dict[str, Any]:
    with store.reading() as reader:
        incident, said = next(iter(reader.statements(["i1"]).items()))
        return {
            "incident": incident,
            "titles": sorted(str(s.title) for s in said),
            "facts": reader.count(schema.fact),
            "positions": reader.positions("calls"),
            "tables": sorted(reader.count(t) for t in schema.metadata.sorted_tables)[-1],
        }


@pytest.mark.parametrize("release", RELEASES)
def test_a_store_of_a_release_becomes_todays_with_all_that_is_in_it(
    tmp_path: Path, release: str
) -> None:
    place = place_in(tmp_path)
    a_store_of(release, place)
    if isinstance(place, URL):
        with pytest.raises(StoreBehindError, match=r"app\.py db upgrade"):
            Store(place)
        steps = upgrade(place, lambda step, done, of: None)
        assert [step.number for step in steps][-1:] == [migrating.head()]

    with closing(Store(place)) as store:
        assert found_in(store) == {
            "incident": "i1",
            "titles": ["火警", "火警，更正"],
            "facts": 3,
            "positions": {"a.csv": "7"},
            "tables": 2,
        }
    assert upgrade(place, lambda step, done, of: None) == []


@pytest.mark.parametrize("release", RELEASES)
def test_the_figures_of_a_store_of_a_release_are_made_anew(tmp_path: Path, release: str) -> None:
    place = place_in(tmp_path)
    a_store_of(release, place)
    upgrade(place, lambda step, done, of: None)

    street = an_installation(tmp_path)

    found = verify(street.store, street.desk)
    street.store.close()
    assert (found.incidents, found.wrong) == (1, 0)


@pytest.mark.parametrize("release", RELEASES)
def test_after_all_migrations_the_tables_are_those_of_the_schema(
    tmp_path: Path, release: str
) -> None:
    place = place_in(tmp_path)
    a_store_of(release, place)
    upgrade(place, lambda step, done, of: None)
    made = place_in(tmp_path / "made")
    Store(made).close()

    with writing(place) as old, writing(made) as new:
        assert form(old) == form(new)
        for connection in (old, new):
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "include_name": is_ours}
            )
            tables = migrating.tables_on(connection.dialect.name)
            assert compare_metadata(context, tables) == []


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Not the months, which are made as they come, nor the number of the last migration."""
    return kind != "table" or name in schema.metadata.tables


def form(connection: Connection) -> dict[str, Any]:
    """Everything about the tables that the comparison above does not look at."""
    inspector = inspect(connection)
    found = {
        name: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)],
            inspector.get_pk_constraint(name)["constrained_columns"],
            sorted((i["name"], tuple(i["column_names"])) for i in inspector.get_indexes(name)),
        )
        for name in schema.metadata.tables
    }
    keyed: list[str] = []
    if connection.dialect.name == "sqlite":
        by_key = "SELECT name FROM pragma_table_list WHERE wr ORDER BY name"
        keyed = list(connection.exec_driver_sql(by_key).scalars())
    shown = [" ".join(view.split()) for view in views(connection)]
    return {**found, "views": shown, "without rowid": keyed}


def views(connection: Connection) -> list[str]:
    inspector = inspect(connection)
    return [str(inspector.get_view_definition(name)) for name in inspector.get_view_names()]


def test_a_long_hour_of_before_is_laid_out_as_today(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    crowd = [(61_000, slot) for slot in range(5000)]
    moments = [(offset_ms, 7) for offset_ms in range(0, HOUR_MS, 60_000)]
    contents = {HOUR_MS: [(5, 7)], 2 * HOUR_MS: [*crowd, *moments]}
    hours = {
        hour: b"".join(
            sorted(
                line_of(slot, start_of(offset_ms, None, closed=True), [1] * len(CLOCKS))
                for offset_ms, slot in of
            )
        )
        for hour, of in contents.items()
    }
    with writing(place) as connection:
        run_until(connection, "0006")
        before = table("sheet", column("hour_ms"), column("lines"))
        rows = [{"hour_ms": hour, "lines": lines} for hour, lines in hours.items()]
        connection.execute(insert(before), rows)

    upgrade(place, lambda step, done, of: None)

    with closing(Store(place)) as store, store.reading() as reader:
        due = [row for hour, lines in hours.items() for row in laid_out(SheetKey(hour), lines)]
        assert len(due) > len(hours)
        assert [(*row[:-1], bytes(row[-1])) for row in reader.stream(schema.sheet)] == sorted(due)


def test_sums_of_before_are_kept_as_shortly_as_today(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    sums = {
        "none": {},
        "listed": {0: 9, COUNTERS + 3: 9},
        "many": {0: 300, 2: 8, COUNTERS + 60: 150, COUNTERS + 61: 150},
        "more": {1: 90_000, COUNTERS + 60: 40_000, COUNTERS + 600: 50_000},
        "most": {1: 70_000, COUNTERS + 60: 70_000},
    }
    entries = [entry_of_time(n * 9000, 180_000) for n in range(28)] + [
        entry_of_reason(Reason.NO_TARGET),
        entry(Outcome(Verdict.MISS, "", seconds=90_000, marks=Mark.CANCELLED | Mark.RETURNED)),
    ]
    few = {
        n: b"".join(struct.pack("<7I", *[one] * len(CLOCKS)) for one in entries[:n])
        for n in (23, 30)
    }
    added_up = pack(Counter(key for entry in entries for key in counted_by(entry)))
    clocks = [f"clock_{i}" for i in range(len(CLOCKS))]
    cell = {"per": 1, "level": 3, "start_ms": 0, "kind": "", "source": ""}
    nothing = dict.fromkeys(clocks, b"")
    rows = [
        {
            **cell,
            "incidents": 500,
            "few": b"",
            "grid": name,
            **dict.fromkeys(clocks, before_0008(n)),
        }
        for name, n in sums.items()
    ]
    rows += [
        {**cell, "incidents": n, "few": listed, "grid": f"few {n}", **nothing}
        for n, listed in few.items()
    ]
    with writing(place) as connection:
        run_until(connection, "0007")
        for name, more in {"rollup": {}, "stratum": {"cut": 1, "stratum": 2}}.items():
            kept = table(name, *map(column, (*rows[0], *more)))
            connection.execute(insert(kept), [{**row, **more} for row in rows])

    upgrade(place, lambda step, done, of: None)

    due = {name: [b"", *[pack(said)] * len(CLOCKS)] for name, said in sums.items()}
    due["few 23"] = [few[23], *[b""] * len(CLOCKS)]
    due["few 30"] = [b"", *[added_up] * len(CLOCKS)]
    with closing(Store(place)) as store, store.reading() as reader:
        for kept in (schema.rollup, schema.stratum):
            grid, first = kept.c.keys().index("grid"), kept.c.keys().index("few")
            found = {row[grid]: list(map(bytes, row[first:])) for row in reader.stream(kept)}
            assert found == due


def before_0008(counts: dict[int, int]) -> bytes:
    """The same as ``pack``, but counts by bin took two bytes each at least, four of 65,536."""
    bins = {key - COUNTERS: n for key, n in counts.items() if key >= COUNTERS}
    durations = sum(bins.values())
    if durations < 256:
        return pack(counts)
    width, first = (2 if durations < 65_536 else 4), min(bins)
    number = 1 + max(key for key in counts if key < COUNTERS)
    counters = [counts.get(key, 0) for key in range(number)]
    fields = [bins.get(index, 0) for index in range(first, max(bins) + 1)]
    head = struct.pack("<BBHI", number, width, first, durations)
    return head + struct.pack(
        f"<{number}I{len(fields)}{'H' if width == 2 else 'I'}", *counters, *fields
    )


def test_a_migration_that_is_broken_off_leaves_the_old_state(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    a_store_of("0.1.0", place)
    with writing(place) as connection:
        before = sorted(inspect(connection).get_table_names())

    def broken_off() -> None:
        with writing(place) as connection:
            assert migrating.upgrade(connection)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()

    with writing(place) as connection:
        assert sorted(inspect(connection).get_table_names()) == before
    upgrade(place, lambda step, done, of: None)
    Store(place).close()


def test_a_store_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    Store(place).close()
    with writing(place) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreBehindError, match=r"version 9999.*newer program"):
        Store(place)


def test_a_file_from_before_the_first_release_keeps_its_facts(
    tmp_path: Path, every_database: str
) -> None:
    if every_database != "sqlite":
        pytest.skip("there was no other database then")
    place = place_in(tmp_path)
    a_store_of("0.1.0", place)
    facts_apart = """
        CREATE TABLE facts AS SELECT * FROM fact;
        DROP VIEW fact;
        ALTER TABLE facts RENAME TO fact;
        ALTER TABLE report DROP COLUMN facts
    """
    with writing(place) as connection:
        for statement in facts_apart.split(";"):
            connection.exec_driver_sql(statement)

    with closing(Store(place)) as store:
        assert found_in(store)["facts"] == 3
