"""The tables that only grow, cut by the month of receipt: made when first needed, dropped by term.

PostgreSQL wants the month's column in every unique key. The key it was to be unique by holds all
the same: see ``postgresql.py`` for reports, and ``copying.py`` for signals.
"""

import re
from collections.abc import Sequence

from sqlalchemy import Connection, Table

from pipelines.store import schema
from pipelines.store.backends.backend import Row
from pipelines.store.backends.months import month_name, months

_PARTITIONS = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits AS i
JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass
"""
_TO = re.compile(r"TO \('?(-?\d+)'?\)")


def make(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Make the partitions that these rows need, within their transaction.

    Attached, not made in place: that would keep every reader of the table waiting until the end.
    """
    cut_by = schema.MONTHLY.get(table.name)
    if cut_by is None:
        return
    at = table.c.keys().index(cut_by)
    for begin, end in months(row[at] for row in rows):
        name = f"{table.name}_{month_name(begin)}"
        known = connection.exec_driver_sql("SELECT to_regclass(%s)", (name,)).scalar_one()
        if known is None:
            connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE {table.name} INCLUDING ALL)")
            connection.exec_driver_sql(
                f"ALTER TABLE {table.name} ATTACH PARTITION {name} "
                f"FOR VALUES FROM ({begin}) TO ({end})"
            )


def drop(connection: Connection, table: Table, before_ms: int) -> int:
    """Drop the partitions that ended by a moment; return how many rows they had."""
    gone = 0
    for name, bound in connection.exec_driver_sql(_PARTITIONS, (table.name,)).all():
        end = _TO.search(bound)
        if end is not None and int(end[1]) <= before_ms:
            count = f"SELECT count(*) FROM {name}"  # noqa: S608 - a name of ours
            gone += int(connection.exec_driver_sql(count).scalar_one())
            connection.exec_driver_sql(f"DROP TABLE {name}")
    return gone
