"""The statements that are run over and over, put into words once: that costs more than the row."""

from functools import lru_cache

from sqlalchemy import Dialect, Table, bindparam, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from pipelines.store import schema


@lru_cache(maxsize=256)
def adding(table: Table, dialect: Dialect) -> str:
    """Insert a row that is not there."""
    return str(insert(table).compile(dialect=dialect))


@lru_cache(maxsize=256)
def adding_new(table: Table, dialect: Dialect) -> str:
    """Insert a row, unless its key is there."""
    return str(upsert(table).on_conflict_do_nothing().compile(dialect=dialect))


@lru_cache(maxsize=256)
def putting(table: Table, dialect: Dialect) -> str:
    """Insert a row, replacing the one whose key is there."""
    statement = upsert(table)
    keys = [column.name for column in table.primary_key]
    changed = {
        column.name: statement.excluded[column.name]
        for column in table.c
        if column.name not in keys
    }
    replacing = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return str(replacing.compile(dialect=dialect))


@lru_cache(maxsize=256)
def removing(table: Table, dialect: Dialect) -> str:
    """Delete the row with a key."""
    statement = delete(table).where(*(c == bindparam(c.name) for c in table.primary_key))
    return str(statement.compile(dialect=dialect))


@lru_cache(maxsize=256)
def finding(table: Table, dialect: Dialect) -> str:
    """The row with a key."""
    query = select(table).where(*(c == bindparam(c.name) for c in table.primary_key))
    return str(query.compile(dialect=dialect))


@lru_cache(maxsize=8)
def unsettled(dialect: Dialect) -> str:
    """The incidents of a class by time to settle; parameters: bits, since, until, moment."""
    table = schema.incident
    query = select(table).where(
        table.c.unsettled_bits == bindparam("bits"),
        table.c.t0_ms >= bindparam("since"),
        table.c.t0_ms < bindparam("until"),
        table.c.settles_ms > bindparam("moment"),
    )
    return str(query.compile(dialect=dialect))


@lru_cache(maxsize=8)
def next_bits(dialect: Dialect) -> str:
    """The next class of incidents by time to settle that there is; parameter: the one before."""
    column = schema.incident.c.unsettled_bits
    return str(select(func.min(column)).where(column > bindparam("bits")).compile(dialect=dialect))


@lru_cache(maxsize=256)
def sums(clocks: tuple[int, ...], *is_listed: bool, stratified: bool = False) -> str:
    """Rollup rows of SQLite, bucket by bucket through the key; see ``WantedSums``.

    ``is_listed`` says of grid, kind and source whether codes are given. Parameters: the buckets as
    JSON, the combination, for strata their cut and themselves as JSON, and each list of codes as
    JSON.
    """
    columns = "".join(f", r.clock_{i}" for i in clocks)
    table, which = ("stratum", "r.stratum") if stratified else ("rollup", "0")
    of_cut = " AND r.cut = ? AND r.stratum IN (SELECT value FROM json_each(?))"
    listed = "".join(
        f" AND r.{name} IN (SELECT value FROM json_each(?))"  # noqa: S608 - names of ours
        for name, given in zip(("grid", "kind", "source"), is_listed, strict=True)
        if given
    )
    return (
        f"SELECT b.value ->> 0, {which}, r.grid, r.kind, r.source, r.incidents, r.few"  # noqa: S608 - names of ours
        f"{columns} FROM json_each(?) AS b CROSS JOIN {table} AS r "
        "WHERE r.per = ? AND r.level = b.value ->> 1 AND r.start_ms = b.value ->> 2"
        f"{of_cut if stratified else ''}{listed}"
    )
