"""Rows are tuples in the order of their table's columns."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.connectors.record import Origin, Record
from pipelines.store import schema
from pipelines.store.rows import IncidentRow, moments_of, report_row
from pipelines.store.store import Store
from tests.strategies import statements

RECORD = Record(b"A-1,09:00", b"id,time", {"id": "A-1"}, Origin("calls.csv", 2), 1)


def test_an_incident_row_has_the_columns_of_its_table_in_their_order():
    assert IncidentRow._fields == tuple(column.name for column in schema.incident.c)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("store") / "rows.sqlite3")
    yield store
    store.close()


@given(said=st.lists(statements(), max_size=5, unique_by=lambda s: s.content))
def test_reports_are_read_as_they_were_said_and_their_facts_row_by_row(store, said):
    with store.writing() as writer:
        writer.clear(schema.report)
        rows = [report_row(s, RECORD, "i1", b"c1", moments_of(s)) for s in said]
        writer.add(schema.report, rows)

    with store.reading() as reader:
        read = reader.statements(["i1"]).get("i1", [])
        facts = reader.rows(schema.fact.select())

    # a place without anything is as good as none
    told = [s._replace(place=s.place if any(s.place or ()) else None) for s in said]
    assert {s.content: s for s in read} == {s.content: s for s in told}
    assert sorted(facts, key=repr) == sorted(
        (
            (
                "i1",
                s.content,
                f.milestone.value,
                ms,
                f.precision_s,
                f.method.value,
                *(f.where or (None, None)),
            )
            for s in said
            for f, ms in zip(s.facts, moments_of(s), strict=True)
        ),
        key=repr,
    )
