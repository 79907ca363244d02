"""The tables of release 0.1.0.

PostgreSQL came later and gets them in its own form: cut by month, sorted by code point. On SQLite
whatever is there is kept, and stores from before the release whose facts still have a table of
their own are brought to it.
"""

from pathlib import Path

from alembic import op
from sqlalchemy import inspect

revision = "0001"
down_revision = None

_FACTS_MOVED = (
    "ALTER TABLE report ADD COLUMN facts TEXT NOT NULL DEFAULT '[]'",
    """
    UPDATE report SET facts = (
        SELECT json_group_array(json_array(milestone, at_ms, precision_s, method)) FROM fact
        WHERE fact.incident_id = report.incident_id AND fact.report_id = report.report_id
    )
    """,
    "DROP TABLE fact",
)


def upgrade() -> None:
    """Make what is not there."""
    connection = op.get_bind()
    if "fact" in inspect(connection).get_table_names():
        for statement in _FACTS_MOVED:
            connection.exec_driver_sql(statement)
    file = Path(__file__).with_name(f"0001_{connection.dialect.name}.sql")
    for statement in file.read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)
