"""The store: what the door writes in one transaction, and what figures and screens read."""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Insert, Row, Table, bindparam, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from pipelines.model.fact import Statement
from pipelines.model.tally import Tally, total
from pipelines.store import schema
from pipelines.store.engine import reading_engine, writing_engine
from pipelines.store.rows import pack, statement_from, to_ms, unpack

_CHUNK = 500

Cell = tuple[int, int, str, str, str]
"""A rollup cell: level, start in ms, grid, kind, source."""


class Store:
    """All state of one installation, in one SQLite file."""

    def __init__(self, file: Path) -> None:
        """Open the file, and make it with all its tables if it is not there."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._writer = writing_engine(file)
        self._reader = reading_engine(file)
        with self._writer.begin() as connection:
            schema.metadata.create_all(connection)
        self._watch = sqlite3.connect(file, check_same_thread=False)
        self._watch_lock = threading.Lock()

    def close(self) -> None:
        """Let go of the file."""
        self._watch.close()
        self._writer.dispose()
        self._reader.dispose()

    def version(self) -> int:
        """A number that changes with every commit of any process; costs microseconds."""
        with self._watch_lock:
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """One transaction: all of it is on disk when the block ends, or none."""
        with self._writer.begin() as connection:
            yield Writer(connection)

    @contextmanager
    def reading(self) -> Iterator["Reader"]:
        """One consistent view of the store."""
        with self._reader.begin() as connection:
            yield Reader(connection)


class Reader:
    """Reads within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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

    def rollups(self, *conditions: Any) -> Iterator[tuple[str, str, str, Tally]]:
        """(grid, kind, source, tally) of every rollup row that meets the conditions."""
        table = schema.rollup
        query = select(table.c.grid, table.c.kind, table.c.source, table.c.tally)
        for grid, kind, source, content in self._connection.execute(query.where(*conditions)):
            yield grid, kind, source, unpack(content)

    def rows(self, query: Any) -> Sequence[Any]:
        """The rows of a query."""
        return self._connection.execute(query).all()

    def quarantined(self, limit: int) -> Sequence[Row[Any]]:
        """The records in quarantine, newest first."""
        table = schema.quarantine
        query = select(table).order_by(table.c.received_ms.desc(), table.c.part, table.c.line)
        return self._connection.execute(query.limit(limit)).all()

    def incidents_reported_after(self, ms: int) -> list[str]:
        """The id of every incident that a report received after a moment is about."""
        table = schema.report
        query = select(table.c.incident_id).where(table.c.recorded_ms > ms).distinct()
        return list(self._connection.execute(query).scalars())

    def count(self, table: Table) -> int:
        """How many rows a table has."""
        return int(self._connection.execute(select(func.count()).select_from(table)).scalar_one())

    def cells(self) -> Iterator[tuple[Cell, Tally]]:
        """Every rollup cell with its tally."""
        table = schema.rollup
        columns = (table.c.level, table.c.start_ms, table.c.grid, table.c.kind, table.c.source)
        for *cell, content in self._connection.execute(select(*columns, table.c.tally)):
            level, start_ms, grid, kind, source = cell
            yield (level, start_ms, grid, kind, source), unpack(content)

    def report_incidents(self) -> list[str]:
        """The id of every incident that a report is about."""
        query = select(schema.report.c.incident_id).distinct()
        return list(self._connection.execute(query).scalars())

    def statements(self, incidents: Iterable[str]) -> dict[str, list[Statement]]:
        """All statements about the incidents, every revision, by incident id."""
        ids = list(incidents)
        facts: dict[tuple[str, bytes], list[Any]] = defaultdict(list)
        for row in self._by_incident(schema.fact, ids):
            facts[row.incident_id, bytes(row.report_id)].append(row)
        found: dict[str, list[Statement]] = defaultdict(list)
        for row in self._by_incident(schema.report, ids):
            own = facts.get((row.incident_id, bytes(row.report_id)), ())
            found[row.incident_id].append(statement_from(row, own))
        return found

    def _by_incident(self, table: Table, ids: Sequence[str]) -> Iterator[Row[Any]]:
        column = table.c.incident_id if "incident_id" in table.c else table.c.id
        query = select(table).where(column.in_(bindparam("ids", expanding=True)))
        for i in range(0, len(ids), _CHUNK):
            yield from self._connection.execute(query, {"ids": ids[i : i + _CHUNK]})

    def incidents(self, ids: Iterable[str]) -> dict[str, Row[Any]]:
        """The rows of these incidents, by id."""
        return {row.id: row for row in self._by_incident(schema.incident, list(ids))}

    def known_reports(self, ids: Iterable[str]) -> set[tuple[str, bytes]]:
        """(incident id, report id) of every report about these incidents."""
        table = schema.report
        query = select(table.c.incident_id, table.c.report_id).where(
            table.c.incident_id.in_(bindparam("ids", expanding=True))
        )
        known: set[tuple[str, bytes]] = set()
        wanted = list(ids)
        for i in range(0, len(wanted), _CHUNK):
            rows = self._connection.execute(query, {"ids": wanted[i : i + _CHUNK]})
            known.update((row.incident_id, bytes(row.report_id)) for row in rows)
        return known

    def known_quarantine(self, source: str, contents: Sequence[bytes]) -> set[bytes]:
        """Which of these bad records are already in quarantine."""
        table = schema.quarantine
        query = select(table.c.content).where(
            table.c.source == source, table.c.content.in_(bindparam("ids", expanding=True))
        )
        known: set[bytes] = set()
        for i in range(0, len(contents), _CHUNK):
            rows = self._connection.execute(query, {"ids": contents[i : i + _CHUNK]})
            known.update(bytes(row.content) for row in rows)
        return known


class Writer(Reader):
    """Reads and writes within one transaction."""

    def add(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows that are not there."""
        self._many(insert(table), rows)

    def add_new(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, passing over those whose key is there."""
        self._many(upsert(table).on_conflict_do_nothing(), rows)

    def put(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, replacing those whose key is there."""
        statement = upsert(table)
        keys = [column.name for column in table.primary_key]
        changed = {
            column.name: statement.excluded[column.name]
            for column in table.c
            if column.name not in keys
        }
        self._many(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)

    def _many(self, statement: Insert, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run a statement for many rows, each with its columns in the table's order.

        Tuples go to the driver as they are: building a dictionary a row and taking it apart again
        costs as much as the insertion itself. They go in the order of their first column, which
        begins every key, so that each page of the tree is visited once.
        """
        if rows:
            sql = str(statement.compile(dialect=self._connection.dialect))
            self._connection.exec_driver_sql(sql, sorted(rows, key=itemgetter(0)))

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
            to_ms(recorded_at),
            max((ms for ms in stamps if ms is not None), default=None),
        )
        self.put(schema.source, [row])

    def add_tallies(self, deltas: Mapping[Cell, Tally]) -> None:
        """Add to rollup cells; a cell that comes to nothing vanishes."""
        names = {_cell_name(cell): cell for cell in deltas}
        known = self._cells(list(names))
        rows, empty = [], []
        for name, cell in names.items():
            tally = total((deltas[cell], known[name])) if name in known else deltas[cell]
            if tally:
                rows.append(_cell_row(name, cell, tally))
            else:
                empty.append(name)
        self.put(schema.rollup, rows)
        if empty:
            gone = schema.rollup.c.cell == bindparam("name")
            self._connection.execute(
                delete(schema.rollup).where(gone), [{"name": n} for n in empty]
            )

    def _cells(self, names: Sequence[str]) -> dict[str, Tally]:
        table = schema.rollup
        query = select(table.c.cell, table.c.tally).where(
            table.c.cell.in_(bindparam("names", expanding=True))
        )
        found: dict[str, Tally] = {}
        for i in range(0, len(names), _CHUNK):
            rows = self._connection.execute(query, {"names": names[i : i + _CHUNK]})
            found.update((row.cell, unpack(row.tally)) for row in rows)
        return found


def _cell_name(cell: Cell) -> str:
    return "\x1f".join(str(part) for part in cell)


def _cell_row(name: str, cell: Cell, tally: Tally) -> tuple[Any, ...]:
    level, start_ms, grid, kind, source = cell
    return (name, grid, level, start_ms, kind, source, pack(tally))


def remove(file: Path) -> None:
    """Delete a store's files, if they are there."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
