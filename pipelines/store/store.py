"""The store: what the door writes in one transaction, and what figures and screens read."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import psycopg
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from pipelines.errors import StoreUnavailableError
from pipelines.host.tracing import span
from pipelines.model.device import DeviceState
from pipelines.model.fact import Statement
from pipelines.store import schema
from pipelines.store.backends.backend import Backend, WantedSums
from pipelines.store.device_rows import device_from
from pipelines.store.places import Place, open_backend, shown
from pipelines.store.rows import IncidentRow, statement_from, to_ms

logger = logging.getLogger(__name__)

T = TypeVar("T")

_TRIES = 4
_CHUNK = 500

Device = tuple[str, str]
"""A device: its source, and its name there."""


class Store:
    """All state of one installation, in one SQLite file or one PostgreSQL database.

    ``took`` is told of each transaction: whether it was to ``read`` or ``write``, and its seconds.
    """

    def __init__(self, place: Place) -> None:
        """Open it, and make it with all its tables if it is not there.

        Raises StoreBehindError when it is of another version and a person must say what to do, and
        StoreUnavailableError when it cannot be had.
        """
        self.took: Callable[[str, float], None] = lambda *_: None
        self._backend = open_backend(place)
        try:
            self._backend.prepare()
        except (DBAPIError, psycopg.Error) as error:
            self._backend.close()
            said = error.orig if isinstance(error, DBAPIError) else error
            raise StoreUnavailableError(
                f"the store {shown(place)} cannot be opened: {' '.join(str(said).split())}; "
                "see that it is running and that [store] and its password are right, "
                "or restore a backup (app.py restore)"
            ) from error
        except BaseException:
            self._backend.close()
            raise

    def close(self) -> None:
        """Let go of the file or the database."""
        self._backend.close()

    def index_words(self) -> None:
        """Make what a search needs beside the tables; takes a minute of a great store."""
        self._backend.index_words()

    def version(self) -> int:
        """A number that changes with every commit of any process; costs microseconds.

        Of a database on another machine it is told a moment later.
        """
        return self._backend.version()

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """One transaction, alone: all of it is on disk when the block ends, or none.

        Nobody else writes meanwhile, in whichever process.
        """
        with self._timed("write"), self._backend.writer.begin() as connection:
            self._backend.begun_alone(connection)
            yield Writer(connection, self._backend)
            self._backend.ending(connection)

    def taking_in(self, work: Callable[["Writer"], T], *, quiet: bool = False) -> T:
        """Do work in one transaction beside others of the same sort; return what it returns.

        When it gets in the way of another one, all of it is taken back and done again, at last
        alone; so what it does must depend on nothing but the store. The writer's ``claim`` and
        ``await_turn`` keep the others from what it is about to read and write. What is done
        quietly changes nothing that a screen shows, and so not the version.
        """
        for _ in range(_TRIES):
            try:
                with self._timed("write"), self._backend.writer.begin() as connection:
                    self._backend.begun_beside(connection)
                    done = work(Writer(connection, self._backend))
                    if not quiet:
                        self._backend.ending(connection)
                return done
            except Exception as error:
                if not self._backend.is_conflict(error):
                    raise
                logger.info("two transactions met, this one is tried again: %s", type(error))
        with self.writing() as writer:
            return work(writer)

    @contextmanager
    def reading(self) -> Iterator["Reader"]:
        """One consistent view of the store."""
        with self._timed("read"), self._backend.reader.begin() as connection:
            yield Reader(connection, self._backend)

    @contextmanager
    def _timed(self, access: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            with span(f"store {access}"):
                yield
        finally:
            self.took(access, time.perf_counter() - began)


@contextmanager
def scratch_store() -> Iterator[Store]:
    """An empty store for a short while, embedded whatever else is used."""
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "scratch.sqlite3")
        try:
            yield store
        finally:
            store.close()


class Reader:
    """Reads within one transaction."""

    def __init__(self, connection: Connection, backend: Backend) -> None:
        self._connection = connection
        self._backend = backend

    @property
    def connection(self) -> Connection:
        """What it reads by, for questions in a database's own words."""
        return self._connection

    def positions(self, source: str) -> dict[str, str]:
        """How far a source has been read, by part."""
        table = schema.position
        query = select(table.c.part, table.c.position).where(table.c.source == source)
        return {row.part: row.position for row in self._connection.execute(query)}

    def meta(self, key: str) -> str | None:
        """A fact about the store."""
        query = select(schema.meta.c.value).where(schema.meta.c.key == key)
        value: str | None = self._connection.execute(query).scalar_one_or_none()
        return value

    def sources(self) -> dict[str, Row[Any]]:
        """What each source has delivered so far."""
        return {row.source: row for row in self._connection.execute(select(schema.source))}

    def incident_rows(self, *conditions: Any, limit: int | None = None) -> Sequence[Row[Any]]:
        """The incidents that meet the conditions, by start."""
        query = select(schema.incident).where(*conditions).order_by(schema.incident.c.t0_ms)
        return self._connection.execute(query.limit(limit)).all()

    def count_incidents(self, *conditions: Any) -> int:
        """How many incidents meet the conditions."""
        query = select(func.count()).select_from(schema.incident).where(*conditions)
        return int(self._connection.execute(query).scalar_one())

    def each(self, query: Any) -> Iterator[Any]:
        """The rows of a query, read as they are asked for."""
        yield from self._connection.execution_options(yield_per=500).execute(query)

    def rows(self, query: Any) -> Sequence[Any]:
        """The rows of a query."""
        return self._connection.execute(query).all()

    def stream(self, table: Table) -> Iterator[tuple[Any, ...]]:
        """Every row of a table in the order of its key, a few at a time."""
        query = select(table).order_by(*table.primary_key)
        result = self._connection.execution_options(yield_per=_CHUNK).execute(query)
        for row in result:
            yield tuple(row)

    def quarantined(self, limit: int, source: str | None = None) -> Sequence[Row[Any]]:
        """The records in quarantine, newest first; those of one source, or all."""
        table = schema.quarantine
        query = select(table).order_by(table.c.received_ms.desc(), table.c.part, table.c.line)
        if source is not None:
            query = query.where(table.c.source == source)
        return self._connection.execute(query.limit(limit)).all()

    def incidents_reported_after(self, ms: int) -> tuple[list[str], list[str]]:
        """The id of every incident that a report received after a moment is about.

        First those that nothing was known of until then, then the others.
        """
        table, earlier = schema.report, schema.report.alias("earlier")
        later = select(table.c.incident_id).where(table.c.recorded_ms > ms).distinct().subquery()
        was_known = exists().where(
            earlier.c.incident_id == later.c.incident_id, earlier.c.recorded_ms <= ms
        )
        found: tuple[list[str], list[str]] = ([], [])
        for incident, is_known in self._connection.execute(select(later.c.incident_id, was_known)):
            found[bool(is_known)].append(incident)
        return found

    def began_between(self, ids: Sequence[str], begin_ms: int, end_ms: int) -> Iterator[Row[Any]]:
        """The rows of those of these incidents that began in [begin, end)."""
        table = schema.incident
        query = select(table).where(table.c.t0_ms >= begin_ms, table.c.t0_ms < end_ms)
        yield from self.among(query, table.c.id, ids)

    def count(self, table: Table) -> int:
        """How many rows a table has."""
        return int(self._connection.execute(select(func.count()).select_from(table)).scalar_one())

    def by_key(
        self, table: Table, keys: Iterable[tuple[Any, ...]]
    ) -> Iterator[tuple[Any, ...] | None]:
        """The row of each key, in the order of the keys; None where there is none."""
        yield from self._backend.by_key(self._connection, table, keys)

    def unsettled(self, moment_ms: int, *, begin_ms: int, end_ms: int) -> Iterator[IncidentRow]:
        """The incidents of [begin, end) whose verdicts could still change at a moment.

        By how long they take to settle, doubling: of those that take so long, at least half of
        the ones looked at had not settled.
        """
        rows = self._backend.unsettled(self._connection, moment_ms, begin_ms, end_ms)
        yield from map(IncidentRow._make, rows)

    def sums(self, wanted: WantedSums) -> Iterator[tuple[Any, ...]]:
        """Rollup rows: sign, stratum, grid, kind, source, incidents, few, each clock wanted."""
        return self._backend.sums(self._connection, wanted)

    def report_incidents(self) -> list[str]:
        """The id of every incident that a report is about."""
        query = select(schema.report.c.incident_id).distinct()
        return list(self._connection.execute(query).scalars())

    def statements(self, incidents: Iterable[str]) -> dict[str, list[Statement]]:
        """All statements about the incidents, every revision, by incident id."""
        found: dict[str, list[Statement]] = defaultdict(list)
        for row in self._by_incident(schema.report, list(incidents)):
            found[row.incident_id].append(statement_from(row))
        return found

    def _by_incident(self, table: Table, ids: Sequence[str]) -> Iterator[Row[Any]]:
        column = table.c.incident_id if "incident_id" in table.c else table.c.id
        yield from self.among(select(table), column, ids)

    def among(
        self, query: Select[Any], column: ColumnElement[Any], ids: Sequence[Any]
    ) -> Iterator[Row[Any]]:
        """The rows of a query whose column is one of many values, so many at a time."""
        backend = self._backend
        wanted = query.where(backend.among(column))
        for i in range(0, len(ids), backend.chunk):
            given = backend.given(ids[i : i + backend.chunk])
            yield from self._connection.execute(wanted, {"ids": given})

    def incidents(self, ids: Iterable[str]) -> dict[str, Row[Any]]:
        """The rows of these incidents, by id."""
        return {row.id: row for row in self._by_incident(schema.incident, list(ids))}

    def known_reports(self, ids: Iterable[str]) -> set[tuple[str, bytes]]:
        """(incident id, report id) of every report about these incidents."""
        table = schema.report
        query = select(table.c.incident_id, table.c.report_id)
        rows = self.among(query, table.c.incident_id, list(ids))
        return {(row.incident_id, bytes(row.report_id)) for row in rows}

    def known_quarantine(self, source: str, contents: Sequence[bytes]) -> set[bytes]:
        """Which of these bad records are already in quarantine."""
        table = schema.quarantine
        query = select(table.c.content).where(table.c.source == source)
        return {bytes(row.content) for row in self.among(query, table.c.content, contents)}

    def devices(self, source: str | None = None) -> list[DeviceState]:
        """The state of every device, or of those of one source."""
        query = select(schema.device).order_by(schema.device.c.source, schema.device.c.device)
        if source is not None:
            query = query.where(schema.device.c.source == source)
        return [device_from(row) for row in self._connection.execute(query)]

    def device_states(self, devices: Iterable[Device]) -> dict[Device, DeviceState]:
        """The state of these devices, by source and device; without those never heard."""
        found: dict[Device, DeviceState] = {}
        for source, names in _by_source(devices).items():
            query = select(schema.device).where(schema.device.c.source == source)
            for row in self.among(query, schema.device.c.device, names):
                found[source, row.device] = device_from(row)
        return found

    def alarms(self, device: Device, *, since_ms: int, until_ms: int) -> dict[int, int]:
        """The moment of every alarm of an episode that has one in a span, with its first."""
        table = schema.alarm
        mine = (table.c.source == device[0], table.c.device == device[1])
        episodes = select(table.c.first_ms).where(
            *mine, table.c.at_ms >= since_ms, table.c.at_ms <= until_ms
        )
        query = select(table.c.at_ms, table.c.first_ms).where(*mine, table.c.first_ms.in_(episodes))
        return {row.at_ms: row.first_ms for row in self._connection.execute(query)}


class Writer(Reader):
    """Reads and writes within one transaction."""

    def claim(self, devices: Iterable[Device]) -> None:
        """Keep other transactions from these devices and their alarms, before they are read."""
        self._backend.claim(self._connection, ("/".join(device) for device in devices))

    def incidents_to_change(self, ids: Iterable[str]) -> dict[str, Row[Any]]:
        """The rows of these incidents, which no other transaction changes before this one ends.

        To be asked before anything that was said about them is read.
        """
        query = select(schema.incident).order_by(schema.incident.c.id).with_for_update()
        rows = self.among(query, schema.incident.c.id, sorted(ids))
        return {row.id: row for row in rows}

    def await_turn(self) -> None:
        """Be the only one from here to the end that reads and writes the rows all share."""
        self._backend.await_turn(self._connection)

    def take_time(self) -> None:
        """Say that long may pass between two questions from here on: there is much to think of.

        Whoever goes silent in a transaction is otherwise held to be stopped or cut off.
        """
        self._backend.take_time(self._connection)

    def add(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows that are not there, each with its columns in the table's order."""
        self._backend.add(self._connection, table, rows)

    @contextmanager
    def adding(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> Iterator[None]:
        """The same while the block goes on, which asks the store nothing: they may be on their way.

        When it ends they are there, or whatever kept them from it is raised.
        """
        with self._backend.adding(self._connection, table, rows):
            yield

    def add_new(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, passing over those whose key is there."""
        self._backend.add_new(self._connection, table, rows)

    def put(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, replacing those whose key is there."""
        self._backend.put(self._connection, table, rows)

    def forget_months(self, table: Table, before: datetime) -> int:
        """Delete the rows of whole UTC months that ended by a moment; return how many.

        Of ``report`` and ``signal``. Incidents and sums stay, and can no longer be made anew.
        """
        return self._backend.forget_months(self._connection, table, to_ms(before))

    def change(self, statement: Any) -> int:
        """Run an UPDATE or DELETE; return how many rows it changed."""
        return int(self._connection.execute(statement).rowcount)

    def rekey(self, old: str, new: str, key: str) -> None:
        """Make what was said about one incident be about another, and forget the first.

        What people noted about it goes along.
        """
        told = update(schema.report).where(schema.report.c.incident_id == old)
        self._connection.execute(told.values(incident_id=new, incident_key=key))
        noted = update(schema.remark).where(schema.remark.c.subject == old)
        self._connection.execute(noted.values(subject=new))
        self._connection.execute(delete(schema.incident).where(schema.incident.c.id == old))

    def put_position(self, source: str, part: str, position: str) -> None:
        """Remember how far a part of a source has been read."""
        self.put(schema.position, [(source, part, position)])

    def put_meta(self, key: str, value: str) -> None:
        """Remember a fact about the store."""
        self.put(schema.meta, [(key, value)])

    def clear(self, *tables: Table) -> None:
        """Take every row out of these tables."""
        for table in tables:
            self._connection.execute(delete(table))

    def count_source(
        self,
        source: str,
        *,
        reports: int,
        quarantined: int,
        flagged: int,
        recorded_at: datetime,
        last_stamp: datetime | None,
    ) -> None:
        """Add to what a source has delivered."""
        known = self.sources().get(source)
        stamps = [known.last_stamp_ms if known else None]
        stamps.append(None if last_stamp is None else to_ms(last_stamp))
        row = (
            source,
            reports + (known.reports if known else 0),
            quarantined + (known.quarantined if known else 0),
            flagged + (known.flagged if known else 0),
            max(to_ms(recorded_at), (known.last_recorded_ms or 0) if known else 0),
            max((ms for ms in stamps if ms is not None), default=None),
        )
        self.put(schema.source, [row])

    def release_quarantined(self, source: str, contents: Sequence[bytes]) -> None:
        """Take records out of quarantine."""
        table = schema.quarantine
        gone = delete(table).where(table.c.source == source, table.c.content == bindparam("which"))
        taken = sum(
            self._connection.execute(gone, {"which": content}).rowcount for content in contents
        )
        rest = schema.source.c.quarantined - taken
        self._connection.execute(
            update(schema.source).where(schema.source.c.source == source).values(quarantined=rest)
        )

    def remove(self, table: Table, keys: Sequence[tuple[Any, ...]]) -> None:
        """Delete the rows with these keys."""
        self._backend.remove(self._connection, table, keys)


def _by_source(devices: Iterable[Device]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = defaultdict(list)
    for source, device in devices:
        named[source].append(device)
    return named
