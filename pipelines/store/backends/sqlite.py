"""The embedded database: one file, one writer at a time, readers that never wait for it."""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import repeat
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
)
from sqlalchemy.pool import QueuePool

from pipelines.host.memory import give_back
from pipelines.store import migrating, schema, sql
from pipelines.store.backends.backend import Backend, Row, WantedSums
from pipelines.store.backends.months import month_start
from pipelines.store.migrating import Progress, Step

logger = logging.getLogger(__name__)

BUSY = timedelta(seconds=30)
"""How long to wait for another program that holds the file."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # FULL: an acknowledged batch survives a power cut, not only a killed process
    "PRAGMA synchronous = FULL",
    # keys are digests, so a batch touches pages all over the file: keep them, and copy them
    # from the log less often (64 MB of it)
    "PRAGMA cache_size = -131072",
    "PRAGMA wal_autocheckpoint = 16000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA foreign_keys = OFF",
)


_COUNTED_TO = 1 << 31
_REST_S = 3.0
"""How often a connection lets go of the pages it keeps, so that months do not fill its cache."""
_READERS_KEEP = "PRAGMA cache_size = -4096"
"""Each of the readers; what they need again stands in the system's own cache."""


class SqliteBackend(Backend):
    """A store in one SQLite file."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self.writer = writing_engine(file)
        self.reader = reading_engine(file)
        self._watch: sqlite3.Connection | None = None
        self._watch_lock = threading.Lock()

    def prepare(self) -> None:
        """Make the tables; those of an earlier release are brought up to date at once."""
        self.upgrade(_say)

    def upgrade(self, progress: Progress) -> list[Step]:
        """Whoever opens the file does it: it is nobody else's."""
        with self.writer.begin() as connection:
            if migrating.is_empty(connection):
                migrating.make(connection)
                return []
            found = migrating.revision(connection)
            if found == migrating.head():
                return []
            migrating.refuse_newer(found)
            return migrating.upgrade(connection, progress)

    def version(self) -> int:
        """A counter in the head of the file, asked on a connection that does nothing else."""
        with self._watch_lock:
            if self._watch is None:
                self._watch = sqlite3.connect(self._file, check_same_thread=False)
            return int(self._watch.execute("PRAGMA user_version").fetchone()[0])

    def close(self) -> None:
        """Let go of the file."""
        if self._watch is not None:
            self._watch.close()
        self.writer.dispose()
        self.reader.dispose()

    def begun_alone(self, connection: Connection) -> None:
        """Every transaction that writes is: see ``writing_engine``."""

    def begun_beside(self, connection: Connection) -> None:
        """There is nobody beside it."""

    def claim(self, connection: Connection, names: Iterable[str]) -> None:
        """There is nobody to keep from it."""

    def await_turn(self, connection: Connection) -> None:
        """It always has it."""

    def take_time(self, connection: Connection) -> None:
        """Nobody loses patience with it."""

    def ending(self, connection: Connection) -> None:
        """Count in the head of the file, which costs no page more than the commit writes."""
        seen = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        connection.exec_driver_sql(f"PRAGMA user_version = {(seen + 1) % _COUNTED_TO}")

    def is_conflict(self, error: Exception) -> bool:
        """There are none."""
        return False

    def among(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """One parameter for each value."""
        return column.in_(bindparam("ids", expanding=True))

    def given(self, ids: Sequence[Any]) -> list[Any]:
        """The last one again, up to a power of two: ten statements are kept ready, not a chunk."""
        return [*ids, *repeat(ids[-1], (1 << (len(ids) - 1).bit_length()) - len(ids))]

    def by_key(self, connection: Connection, table: Table, keys: Iterable[Row]) -> Iterator[Any]:
        """Straight to the driver, which keeps the statement ready: they are many, and small."""
        found = sql.finding(table, connection.dialect)
        cursor = connection.connection.cursor()
        try:
            for key in keys:
                cursor.execute(found, key)
                yield cursor.fetchone()
        finally:
            cursor.close()

    def unsettled(
        self, connection: Connection, moment_ms: int, begin_ms: int, end_ms: int
    ) -> Iterator[Row]:
        """One small question after the other, which cost next to nothing here."""
        dialect = connection.dialect
        step, wanted = sql.next_bits(dialect), sql.unsettled(dialect)
        cursor: Any = connection.connection.cursor()
        bits = 0
        try:
            while (bits := cursor.execute(step, (bits,)).fetchone()[0]) is not None:
                since = max(begin_ms, moment_ms - (1 << bits) + 1)
                cursor.execute(wanted, (bits, since, end_ms, moment_ms))
                yield from cursor.fetchall()
        finally:
            cursor.close()

    def sums(self, connection: Connection, wanted: WantedSums) -> Iterator[Row]:
        """Lists go as JSON, so that the driver keeps the statement ready, however long they are."""
        lists, strata = (wanted.grids, wanted.kinds, wanted.sources), wanted.strata
        given: list[Any] = [json.dumps(codes) for codes in lists if codes is not None]
        if strata is not None:
            given = [strata.cut, json.dumps(strata.strata), *given]
        is_listed = (codes is not None for codes in lists)
        statement = sql.sums(wanted.clocks, *is_listed, stratified=strata is not None)
        cursor: Any = connection.connection.cursor()
        try:
            cursor.execute(statement, (json.dumps(wanted.buckets), wanted.per, *given))
            yield from cursor.fetchall()
        finally:
            cursor.close()

    def add(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """See :class:`Backend`."""
        _many(connection, sql.adding(table, connection.dialect), rows)

    @contextmanager
    def adding(self, connection: Connection, table: Table, rows: Sequence[Row]) -> Iterator[None]:
        """They are there before the block begins: nobody else could put them there meanwhile."""
        self.add(connection, table, rows)
        yield

    def add_new(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """See :class:`Backend`."""
        _many(connection, sql.adding_new(table, connection.dialect), rows)

    def put(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """See :class:`Backend`."""
        _many(connection, sql.putting(table, connection.dialect), rows)

    def remove(self, connection: Connection, table: Table, keys: Sequence[Row]) -> None:
        """See :class:`Backend`."""
        _many(connection, sql.removing(table, connection.dialect), keys)

    def forget_months(self, connection: Connection, table: Table, before_ms: int) -> int:
        """Row by row; the file keeps its size and fills the room again."""
        column = table.c[schema.MONTHLY[table.name]]
        gone = delete(table).where(column < month_start(before_ms))
        return connection.execute(gone).rowcount


def _say(step: Step, done: int, of: int) -> None:
    logger.warning("bringing the store up to date, %d of %d: %s", done + 1, of, step.title)


def _many(connection: Connection, statement: str, rows: Sequence[Row]) -> None:
    """Run a statement for many rows, each with its columns in the table's order.

    Tuples go to the driver as they are: building a dictionary a row and taking it apart again
    costs as much as the insertion itself. They go in the order of their first column, which
    begins every key, so that each page of the tree is visited once.
    """
    if rows:
        connection.exec_driver_sql(statement, sorted(rows, key=itemgetter(0)))


def remove(file: Path) -> None:
    """Delete a store's files, if they are there."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)


def writing_engine(file: Path) -> Engine:
    """An engine whose transactions take the write lock when they begin.

    Taking it at the first write would let two writers read the same state and one of them fail.
    """
    engine = _engine(file, pool_size=1)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def reading_engine(file: Path) -> Engine:
    """An engine whose transactions see one consistent state throughout."""
    engine = _engine(file, pool_size=8)
    event.listen(engine, "connect", lambda connection, _: connection.execute(_READERS_KEEP))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _engine(file: Path, *, pool_size: int) -> Engine:
    engine = create_engine(
        f"sqlite:///{file}",
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,  # the one with warm pages first
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "checkin", _rest)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the engines above say BEGIN themselves
    connection.execute(f"PRAGMA busy_timeout = {BUSY // timedelta(milliseconds=1)}")
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _rest(connection: Any, record: Any) -> None:
    """Between two transactions; what it needs again it finds in the system's own cache."""
    now = time.monotonic()
    if connection is not None and now - record.info.setdefault("rested_s", now) > _REST_S:
        record.info["rested_s"] = now
        connection.execute("PRAGMA shrink_memory")
        give_back()
