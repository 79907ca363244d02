"""Rows are tuples in the order of their table's columns."""

import sqlite3
from contextlib import closing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipelines.connectors.record import Origin, Record
from pipelines.store import schema
from pipelines.store.rows import IncidentRow, moments_of, report_row
from pipelines.store.store import Store, remove
from tests.builders import a_statement
from tests.strategies import statements

RECORD = Record(b"A-1,09:00", b"id,time", {"id": "A-1"}, Origin("calls.csv", 2), 1)


def test_an_incident_row_has_the_columns_of_its_table_in_their_order():
    assert IncidentRow._fields == tuple(column.name for column in schema.incident.c)


@given(said=st.lists(statements(), max_size=5, unique_by=lambda s: s.content))
def test_reports_are_read_as_they_were_said_and_their_facts_row_by_row(tmp_path_factory, said):
    file = Path(tmp_path_factory.mktemp("store")) / "rows.sqlite3"
    store = Store(file)
    with store.writing() as writer:
        rows = [report_row(s, RECORD, "i1", b"c1", moments_of(s)) for s in said]
        writer.add(schema.report, rows)

    with store.reading() as reader:
        read = reader.statements(["i1"]).get("i1", [])
        facts = reader.rows(schema.fact.select())
    store.close()
    remove(file)

    # a place without anything is as good as none
    told = [s._replace(place=s.place if any(s.place or ()) else None) for s in said]
    assert {s.content: s for s in read} == {s.content: s for s in told}
    assert sorted(facts, key=repr) == sorted(
        (
            ("i1", s.content, f.milestone.value, ms, f.precision_s, f.method.value)
            for s in said
            for f, ms in zip(s.facts, moments_of(s), strict=True)
        ),
        key=repr,
    )


def test_a_store_whose_facts_have_a_table_of_their_own_is_brought_up_to_date(tmp_path: Path):
    file = tmp_path / "old.sqlite3"
    told = [a_statement(record_id="r1", arrived=300), a_statement(record_id="r2", facts=())]
    store = Store(file)
    with store.writing() as writer:
        writer.add(schema.report, [report_row(s, RECORD, "i1", b"c1", moments_of(s)) for s in told])
    store.close()
    with closing(sqlite3.connect(file)) as database:
        database.executescript(
            """
            CREATE TABLE facts AS SELECT * FROM fact;
            DROP VIEW fact;
            ALTER TABLE facts RENAME TO fact;
            ALTER TABLE report DROP COLUMN facts;
            """
        )

    for _ in range(2):
        store = Store(file)
        with store.reading() as reader:
            read = reader.statements(["i1"])["i1"]
        store.close()

        assert sorted(read, key=repr) == sorted(told, key=repr)
