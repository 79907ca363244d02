"""The schema is ready to be sharded: a contract on every table, and what would spread them."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import MetaData, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from pipelines.store import schema
from pipelines.store.distribution import (
    BESIDE,
    DISTRIBUTION,
    EVERYWHERE,
    NoCitusError,
    distribute,
    statements,
    undeclared,
)
from pipelines.store.places import open_backend
from pipelines.store.store import Store
from tests.stores import on_every_database, place_in

FORMS = {"everywhere": schema.metadata, "postgresql": schema.on_postgresql()}


def test_every_table_has_its_place() -> None:
    assert undeclared() == set()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", [n for n, c in DISTRIBUTION.items() if c != EVERYWHERE])
def test_every_unique_key_holds_what_its_table_is_distributed_by(form: MetaData, name: str) -> None:
    table = form.tables[name]
    keys = [table.primary_key.columns]
    keys += [c.columns for c in table.constraints if isinstance(c, UniqueConstraint)]
    keys += [index.columns for index in table.indexes if index.unique]

    for key in keys:
        assert DISTRIBUTION[name] in {column.name for column in key}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_no_table_refers_to_another_and_none_counts_by_a_sequence(form: MetaData) -> None:
    for table in form.tables.values():
        assert not table.foreign_keys
        told = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert "SERIAL" not in told
        assert "IDENTITY" not in told
        assert "nextval" not in told


def test_tables_that_lie_beside_each_other_are_distributed_by_the_same_type() -> None:
    for name, other in BESIDE.items():
        types = [str(schema.metadata.tables[t].c[DISTRIBUTION[t]].type) for t in (name, other)]
        assert types[0] == types[1]


def test_each_table_is_spread_by_one_statement_and_those_others_lie_beside_come_first() -> None:
    said = list(statements())

    assert len(said) == len(DISTRIBUTION)
    assert "SELECT create_reference_table('slot')" in said
    report = "SELECT create_distributed_table('report', 'incident_id', colocate_with => 'none')"
    incident = "SELECT create_distributed_table('incident', 'id', colocate_with => 'report')"
    assert said.index(report) < said.index(incident)


@on_every_database
def test_a_store_that_cannot_be_spread_says_why_and_stays_as_it_is(
    tmp_path: Path, every_database: str
) -> None:
    place = place_in(tmp_path)
    Store(place).close()
    backend = open_backend(place)
    why = "no Citus extension" if every_database == "postgresql" else "an SQLite file"

    with (
        closing(backend),
        backend.writer.begin() as connection,
        pytest.raises(NoCitusError, match=why),
    ):
        distribute(connection)
