"""How a store can be spread over the nodes of a Citus cluster: every table has its place.

Tables that are large are distributed by a column that each of their unique keys holds, so that
every node can keep them unique by itself; what many rows need, and what is small, lies whole on
every node. Incidents lie beside their reports, devices beside their alarms and signals. Nothing
refers from one table to another, and nothing counts by a sequence.
"""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from pipelines.errors import SettingsError
from pipelines.store import schema

EVERYWHERE = "(every node)"
"""Of a reference table."""

DISTRIBUTION: Mapping[str, str] = {
    "report": "incident_id",
    "incident": "id",
    "alarm": "device",
    "device": "device",
    "signal": "device",
    "rollup": "grid",
    "sheet": "hour_ms",
    "volume": "day_ms",
    "stratum": "grid",
    "stratified": EVERYWHERE,
    "quarantine": "content",
    "remark": "subject",
    "context": EVERYWHERE,
    "slot": EVERYWHERE,
    "position": EVERYWHERE,
    "source": EVERYWHERE,
    "arrival": EVERYWHERE,
    "delay": EVERYWHERE,
    "unmapped": EVERYWHERE,
    "frozen": EVERYWHERE,
    "heard": EVERYWHERE,
    "canary": EVERYWHERE,
    "lease": EVERYWHERE,
    "meta": EVERYWHERE,
}
"""By which column each table is distributed."""

BESIDE: Mapping[str, str] = {"incident": "report", "alarm": "device", "signal": "device"}
"""Tables whose rows lie on the node of those with the same value in another table."""


class NoCitusError(SettingsError):
    """The database cannot be spread; the message says why, and what that means."""


def statements() -> Iterator[str]:
    """What spreads the tables, in order: those that others lie beside come first."""
    first = [name for name in DISTRIBUTION if name not in BESIDE]
    for name in (*first, *BESIDE):
        column = DISTRIBUTION[name]
        if column == EVERYWHERE:
            yield f"SELECT create_reference_table('{name}')"
            continue
        beside = BESIDE.get(name, "none")
        yield f"SELECT create_distributed_table('{name}', '{column}', colocate_with => '{beside}')"


def distribute(connection: Connection) -> list[str]:
    """Spread the tables that are not yet; return the statements that did.

    Raises NoCitusError where the database is not part of a cluster.
    """
    if connection.dialect.name != "postgresql":
        raise NoCitusError(
            "the store is an SQLite file, which lies on one machine; a store on PostgreSQL can "
            "be spread: see [store] in docs/configuration.md"
        )
    has_it = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"
    if not connection.exec_driver_sql(has_it).scalar_one():
        raise NoCitusError(
            "the database has no Citus extension, so its tables lie on this one server, and that "
            "is as it should be up to the sizes in docs/performance.md; to spread them, install "
            "Citus, run CREATE EXTENSION citus and add the nodes, then run app.py db distribute"
        )
    known = set(
        connection.exec_driver_sql("SELECT logicalrelid::text FROM pg_dist_partition").scalars()
    )
    done = []
    for statement in statements():
        if statement.split("'")[1] not in known:
            connection.exec_driver_sql(statement)
            done.append(statement)
    return done


def undeclared() -> set[str]:
    """The tables that have no place yet, and the places that have no table."""
    return set(DISTRIBUTION) ^ set(schema.metadata.tables)
