"""What is open is found without reading the history."""

from datetime import timedelta

from sqlalchemy import func, select, text

from pipelines.store import schema
from pipelines.wall.open_list import is_no_drill, is_open
from tests.builders import MUCH_LATER
from tests.pipelines.installations import a_call, an_installation, taken_in


def test_open_incidents_are_looked_up_by_when_they_were_closed(tmp_path):
    installation = an_installation(tmp_path)
    taken_in(installation, a_call("A-1"), a_call("A-2", resolved=60))
    query = (
        select(schema.incident.c.grid, func.count())
        .where(is_open(MUCH_LATER + timedelta(days=1)), is_no_drill())
        .group_by(schema.incident.c.grid)
    )
    sql = str(query.compile(compile_kwargs={"literal_binds": True}))

    with installation.store.reading() as reader:
        plan = " ".join(row[-1] for row in reader.rows(text(f"EXPLAIN QUERY PLAN {sql}")))
        found = reader.rows(query)

    assert "incident_by_closing" in plan
    assert "incident_by_start" not in plan
    assert [tuple(row) for row in found] == [("G1", 1)]
    installation.store.close()
