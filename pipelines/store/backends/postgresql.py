"""A store in a PostgreSQL database, or in one schema of it: many processes write at once.

How figures stay exact with several writers, on READ COMMITTED:

- A transaction that takes records in first locks the *incident rows* it is going to fold anew, in
  the order of their ids, and only then reads what was said about them; so two sources that speak
  of one incident wait for each other, and the second sees what the first has added. Two that
  *make* the same incident meet at its primary key: one of them fails as a whole and is tried
  again (``is_conflict``), which is harmless as everything is idempotent. This also keeps reports
  unique, whose key holds their month here: nobody adds one without the lock on its incident.
- Alarms of a *device* decide which incident they belong to, so a device is claimed before its
  alarms are read, by one of a few hundred advisory locks.
- The rows that *all share* (sheets, sums, counters) are read and written at the very end, behind
  one advisory lock that is held only for that and the commit (``await_turn``).
- Whatever else writes (a rebuild, a replay that begins anew) is alone: it holds exclusively what
  those transactions hold together. Leases (:mod:`pipelines.leases.lease`) are taken beside them:
  the row of one that was checked when a transaction began cannot be taken before it has ended.
- A process that was stopped in the middle of a transaction holds up everybody; after 15 s the
  server takes its transaction back, and when it wakes up it is told so. One that was cut off in
  the middle of a COPY counts as active, and no timeout of statements ends that; so the server also
  asks whether the peer is still there. See ``GIVEN_UP``.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from typing import Any, ClassVar
from typing import cast as cast_to

import psycopg
from psycopg import sql
from psycopg.types.string import BytesBinaryDumper
from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    Table,
    any_,
    bindparam,
    cast,
    create_engine,
    event,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from pipelines.errors import StoreBehindError
from pipelines.store import migrating, schema
from pipelines.store.backends import copying, partitions
from pipelines.store.backends.backend import Backend, Row, WantedSums
from pipelines.store.backends.copying import DIALECT, quoted
from pipelines.store.backends.notice import CHANNEL, Notice
from pipelines.store.migrating import Progress, Step
from pipelines.store.trigrams import make_index

logger = logging.getLogger(__name__)

_GROUP = 0x135
"""The first number of our advisory locks; others may use some of their own."""
_ALL, _TURN, _FIRST_CLAIM, _CLAIMS = 0, 1, 16, 256

_ALIVE = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "grid135",
    # compiling a question takes longer than answering it
    "options": "-c jit=off",
}
"""A server that is gone without a word is noticed within half a minute."""

_MOST_BITS = 43
"""Milliseconds of so many binary digits are 278 years."""
_IDLE, _LONG = "idle_in_transaction_session_timeout", "10min"
GIVEN_UP = {
    _IDLE: "15s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "15s",
}
"""How the server finds out, within a quarter of a minute, that who writes is there no more.

Its own way is two hours: the kernel's time before it asks an idle peer."""

_QUICKLY = (
    "SELECT set_config(name, 'lz4', false) FROM pg_settings "
    "WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)"
)
"""What is long is compressed in a fifth of the time, where the server can do that: a sixth of what
it spent on taking records in. What was compressed before is read all the same."""

_LOCK, _SHARE = (f"SELECT pg_advisory_xact_lock{mode}(%s, %s)" for mode in ("", "_shared"))


class PostgresqlBackend(Backend):
    """A store in a database of a PostgreSQL server; ``schema`` in the URL's query names one."""

    chunk: ClassVar[int] = 10_000

    def __init__(self, url: URL) -> None:
        self._url, self._schema = without_schema(url)
        self.writer = self._engine(writes=True)
        self.reader = self._engine(writes=False)
        self._notice = Notice(self._connected)

    def prepare(self) -> None:
        """Make the tables in an empty database; raises StoreBehindError for older ones."""
        self._make_schema()
        with self.writer.begin() as connection:
            self.begun_alone(connection)
            if migrating.is_empty(connection):
                migrating.make(connection)
                return
            found = migrating.revision(connection)
        if found == migrating.head():
            return
        migrating.refuse_newer(found)
        raise StoreBehindError(
            f"the store in the database {self._url.database!r} is of an earlier version "
            f"({found or 'unnumbered'}; this program needs {migrating.head()}): stop what uses it, "
            "then bring it up to date with: app.py db upgrade"
        )

    def index_words(self) -> None:
        """The index of trigrams, where the server has it."""
        by_itself = self.writer.execution_options(isolation_level="AUTOCOMMIT")
        with by_itself.connect() as connection:
            make_index(connection)

    def upgrade(self, progress: Progress) -> list[Step]:
        """Alone: what writes is waited for, and waits."""
        self._make_schema()
        with self.writer.begin() as connection:
            self.begun_alone(connection)
            if migrating.is_empty(connection):
                migrating.make(connection)
                return []
            migrating.refuse_newer(migrating.revision(connection))
            done = migrating.upgrade(connection, progress)
            self.ending(connection)
        return done

    def version(self) -> int:
        """How many notices of a change have come; see :class:`Notice`."""
        return self._notice.number()

    def close(self) -> None:
        """Let go of all connections."""
        self._notice.close()
        self.writer.dispose()
        self.reader.dispose()

    def begun_alone(self, connection: Connection) -> None:
        """See above."""
        _execute(connection, _LOCK, (_GROUP, _ALL))

    def begun_beside(self, connection: Connection) -> None:
        """See above."""
        _execute(connection, _SHARE, (_GROUP, _ALL))

    def claim(self, connection: Connection, names: Iterable[str]) -> None:
        """In one order, so that no two wait for each other."""
        for number in sorted({_FIRST_CLAIM + _hash(name) % _CLAIMS for name in names}):
            _execute(connection, _LOCK, (_GROUP, number))

    def await_turn(self, connection: Connection) -> None:
        """See above."""
        _execute(connection, _LOCK, (_GROUP, _TURN))

    def take_time(self, connection: Connection) -> None:
        """A peer that is gone is noticed all the same, by the keepalives."""
        _execute(connection, "SELECT set_config(%s, %s, true)", (_IDLE, _LONG))

    def ending(self, connection: Connection) -> None:
        """The server tells the others when, and only if, the transaction is committed."""
        _execute(connection, "SELECT pg_notify(%s, '')", (CHANNEL,))

    def is_conflict(self, error: Exception) -> bool:
        """Somebody else made the same row, or each waited for the other."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        conflicts = (
            psycopg.errors.UniqueViolation,
            psycopg.errors.DeadlockDetected,
            psycopg.errors.SerializationFailure,
            psycopg.errors.DuplicateTable,
        )
        return isinstance(cause, conflicts)

    def among(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """One parameter for all of them."""
        return column == any_(cast(bindparam("ids"), ARRAY(column.type)))

    def by_key(self, connection: Connection, table: Table, keys: Iterable[Row]) -> Iterator[Any]:
        """All in one question."""
        wanted = list(keys)
        if not wanted:
            return
        at = table.c.keys().index(next(iter(table.primary_key)).key)
        columns = [list(column) for column in zip(*wanted, strict=True)]
        for row in _cursor(connection, binary=True).execute(_finding(table), columns):
            yield None if row[at] is None else row

    def unsettled(
        self, connection: Connection, moment_ms: int, begin_ms: int, end_ms: int
    ) -> Iterator[Row]:
        """All classes in one question: each way to the server takes longer than looking.

        Never prepared: with the bounds in sight, the server finds the few rows of each class by
        the index on both columns; a plan for any bounds reads years of incidents by their start.
        """
        bounds = (
            (bits, max(begin_ms, moment_ms - (1 << bits) + 1)) for bits in range(1, _MOST_BITS + 1)
        )
        asked = [(bits, since, end_ms, moment_ms) for bits, since in bounds if since < end_ms]
        if asked:
            wanted = [value for one in asked for value in one]
            found = _cursor(connection, binary=True)
            yield from found.execute(_unsettled(len(asked)), wanted, prepare=False)

    def sums(self, connection: Connection, wanted: WantedSums) -> Iterator[Row]:
        """Each list is one parameter."""
        lists, strata = (wanted.grids, wanted.kinds, wanted.sources), wanted.strata
        given: list[Any] = [list(codes) for codes in lists if codes is not None]
        if strata is not None:
            given = [strata.cut, list(strata.strata), *given]
        is_listed = (codes is not None for codes in lists)
        statement = _sums(wanted.clocks, *is_listed, stratified=strata is not None)
        buckets = [list(column) for column in zip(*wanted.buckets, strict=True)] or [[]] * 3
        found = _cursor(connection, binary=True)
        yield from found.execute(statement, (*buckets, wanted.per, *given))

    def add(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """By COPY where there are many."""
        with self.adding(connection, table, rows):
            pass

    @contextmanager
    def adding(self, connection: Connection, table: Table, rows: Sequence[Row]) -> Iterator[None]:
        """The server takes in what is copied while the block goes on."""
        if not rows:
            yield
            return
        partitions.make(connection, table, rows)
        with copying.adding(_cursor(connection), table, rows):
            yield

    def add_new(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """By COPY into a table beside it where there are many."""
        if not rows:
            return
        partitions.make(connection, table, rows)
        copying.merge(_cursor(connection), table, rows, replacing=False)

    def put(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """By COPY into a table beside it where there are many."""
        if rows:
            copying.merge(_cursor(connection), table, rows, replacing=True)

    def remove(self, connection: Connection, table: Table, keys: Sequence[Row]) -> None:
        """All in one statement."""
        if keys:
            columns = [list(column) for column in zip(*keys, strict=True)]
            _cursor(connection).execute(_removing(table), columns)

    def forget_months(self, connection: Connection, table: Table, before_ms: int) -> int:
        """Each month is a partition: it is dropped, and its room given back, in no time."""
        return partitions.drop(connection, table, before_ms)

    def _make_schema(self) -> None:
        if self._schema is None:
            return
        made = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self._schema))
        with self._connected() as connection:
            connection.execute(_LOCK, (_GROUP, _ALL))  # two at once would both try
            connection.execute(made)

    def _engine(self, *, writes: bool) -> Engine:
        engine = create_engine(
            self._url,
            paramstyle="format",  # rows go to the driver as they are
            creator=lambda: self._connected(writes=writes),
            pool_size=1 if writes else 8,
            max_overflow=0,
            pool_use_lifo=True,
            # a server that was started anew is found out here, and nobody else notices
            pool_pre_ping=True,
        )
        event.listen(engine, "connect", _prepare)
        return engine

    def _connected(self, *, writes: bool = True) -> "psycopg.Connection[Any]":
        connection = psycopg.connect(**_arguments(self._url))
        if self._schema is not None:
            connection.execute("SELECT set_config('search_path', %s, false)", (self._schema,))
            connection.commit()
        if writes:
            for name, value in GIVEN_UP.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, value))
            connection.execute(_QUICKLY)
            connection.commit()
        connection.read_only = not writes
        level = psycopg.IsolationLevel
        connection.isolation_level = level.READ_COMMITTED if writes else level.REPEATABLE_READ
        return connection


def _prepare(connection: Any, _record: object) -> None:
    """What is asked over and over is planned once, whatever is asked in between.

    Bytes are handed over by the driver's part in C, whose place an alias for bytes has taken.
    """
    connection.prepared_max = 500
    connection.adapters.register_dumper(bytes, BytesBinaryDumper)


def without_schema(url: URL) -> tuple[URL, str | None]:
    """The URL as the driver wants it, and the schema it names for us."""
    name = url.query.get("schema")
    rest = url.difference_update_query(["schema"])
    return rest, str(name) if name else None


def exists(url: URL) -> bool:
    """Whether there are tables of ours at a URL."""
    with _server(url) as (connection, name):
        inside = "current_schema()" if name is None else "%s"
        query = f"SELECT FROM pg_tables WHERE tablename = 'report' AND schemaname = {inside}"
        return connection.execute(query, () if name is None else (name,)).fetchone() is not None


def remove(url: URL) -> None:
    """Drop the schema that a URL names, with all that is in it, if it is there."""
    with _server(url) as (connection, name):
        if name is None:
            raise ValueError("only a store in a schema of its own can be removed")
        dropped = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name))
        connection.execute(dropped)


@contextmanager
def _server(url: URL) -> "Iterator[tuple[psycopg.Connection[Any], str | None]]":
    rest, name = without_schema(url)
    with psycopg.connect(**_arguments(rest), autocommit=True) as connection:
        yield connection, name


def _arguments(url: URL) -> dict[str, Any]:
    told = url.translate_connect_args(username="user", database="dbname")
    return {**_ALIVE, **url.query, **told}


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big")


def _cursor(connection: Connection, *, binary: bool = False) -> "psycopg.Cursor[Any]":
    """Straight to the driver; ``binary`` has it answer without making texts of sums and sheets."""
    driver = cast_to(psycopg.Connection[Any], connection.connection)
    return driver.cursor(binary=binary)


def _execute(connection: Connection, statement: str, parameters: Row) -> None:
    connection.exec_driver_sql(statement, parameters)


@lru_cache(maxsize=64)
def _finding(table: Table) -> str:
    """The rows with some keys, in their order; one parameter a column of the key, a list each."""
    keys = list(table.primary_key)
    columns = ", ".join(f"t.{quoted(column.name)}" for column in table.c)
    names = ", ".join(f"k{i}" for i in range(len(keys)))
    return (
        f"SELECT {columns} FROM unnest({_arrays(table)}) WITH ORDINALITY AS wanted({names}, n) "  # noqa: S608 - names of ours
        f"LEFT JOIN {quoted(table.name)} AS t ON {_same(table)} ORDER BY wanted.n"
    )


@lru_cache(maxsize=_MOST_BITS)
def _unsettled(classes: int) -> str:
    """The incidents of some classes; parameters of each: bits, since, until, moment."""
    columns = ", ".join(quoted(column.name) for column in schema.incident.c)
    one = (
        f"SELECT {columns} FROM incident WHERE unsettled_bits = %s "  # noqa: S608 - names of ours
        "AND t0_ms >= %s AND t0_ms < %s AND settles_ms > %s"
    )
    return " UNION ALL ".join([one] * classes)


@lru_cache(maxsize=256)
def _sums(clocks: tuple[int, ...], *is_listed: bool, stratified: bool) -> str:
    """Bucket by bucket through the key: OFFSET 0 keeps the planner from reading all rows once."""
    columns = "".join(f", r.clock_{i}" for i in clocks)
    table, which = ("stratum", "r.stratum") if stratified else ("rollup", "0")
    of_cut = " AND r.cut = %s AND r.stratum = ANY(%s::integer[])" if stratified else ""
    listed = "".join(
        f" AND r.{name} = ANY(%s::text[])"
        for name, given in zip(("grid", "kind", "source"), is_listed, strict=True)
        if given
    )
    return (
        "SELECT b.sign, found.* FROM unnest(%s::integer[], %s::integer[], %s::bigint[]) "  # noqa: S608 - names of ours
        "AS b(sign, level, start_ms) CROSS JOIN LATERAL ("
        f"SELECT {which}, r.grid, r.kind, r.source, r.incidents, r.few{columns} FROM {table} AS r "
        "WHERE r.per = %s AND r.level = b.level AND r.start_ms = b.start_ms"
        f"{of_cut}{listed} OFFSET 0"
        ") AS found"
    )


@lru_cache(maxsize=64)
def _removing(table: Table) -> str:
    """Delete the rows with some keys."""
    names = ", ".join(f"k{i}" for i in range(len(table.primary_key)))
    return (
        f"DELETE FROM {quoted(table.name)} AS t USING unnest({_arrays(table)}) AS wanted({names}) "  # noqa: S608 - names of ours
        f"WHERE {_same(table)}"
    )


def _arrays(table: Table) -> str:
    return ", ".join(f"%s::{c.type.compile(DIALECT)}[]" for c in table.primary_key)


def _same(table: Table) -> str:
    """That a row has one of the keys."""
    return " AND ".join(
        f"t.{quoted(column.name)} = wanted.k{i}" for i, column in enumerate(table.primary_key)
    )
