"""Rows are tuples in the order of their table's columns."""

import pytest

from pipelines.store import schema
from pipelines.store.rows import FactRow, IncidentRow, ReportRow

ROWS = [(schema.report, ReportRow), (schema.fact, FactRow), (schema.incident, IncidentRow)]


@pytest.mark.parametrize(("table", "row"), ROWS, ids=lambda item: getattr(item, "name", ""))
def test_a_row_has_the_columns_of_its_table_in_their_order(table, row):
    assert row._fields == tuple(column.name for column in table.c)
