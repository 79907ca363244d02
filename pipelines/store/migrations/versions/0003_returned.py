"""Keep when an incident was handed back, and show from where facts were entered."""

from alembic import op
from sqlalchemy import BigInteger, Column, inspect

revision = "0003"
down_revision = "0002"

_VIEWS = {
    "sqlite": """
    CREATE VIEW fact AS
    SELECT incident_id, report_id, said.value ->> 0 AS milestone, said.value ->> 1 AS at_ms,
           said.value ->> 2 AS precision_s, said.value ->> 3 AS method,
           said.value ->> 4 AS lat, said.value ->> 5 AS lon
    FROM report, json_each(report.facts) AS said
    """,
    "postgresql": """
    CREATE VIEW fact AS
    SELECT incident_id, report_id, (said ->> 0)::varchar(12) AS milestone,
           (said ->> 1)::bigint AS at_ms, (said ->> 2)::integer AS precision_s,
           (said ->> 3)::varchar(12) AS method,
           (said ->> 4)::float AS lat, (said ->> 5)::float AS lon
    FROM report, json_array_elements(report.facts::json) AS said
    """,
}


def upgrade() -> None:
    """Add the column, and make the view anew."""
    connection = op.get_bind()
    known = {column["name"] for column in inspect(connection).get_columns("incident")}
    if "returned_ms" not in known:  # a store of a development version has it
        op.add_column("incident", Column("returned_ms", BigInteger))
    op.execute("DROP VIEW IF EXISTS fact")
    connection.exec_driver_sql(_VIEWS[connection.dialect.name])
