"""A shared view in someone else's database (前置库), read by its time of change.

Each poll asks for the rows from a little before the newest one seen, in chunks ordered by
(cursor, key). What was handed over already is passed over, so rows that were committed late are
found and none is handed over twice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, field_validator
from sqlalchemy import URL, Engine, Select, make_url
from sqlalchemy.exc import ArgumentError

from pipelines.connectors.record import Batch, Origin, Record
from pipelines.connectors.reread import Reread
from pipelines.connectors.sql_view.engine import open_engine, read
from pipelines.connectors.sql_view.overlap import Memory, digest_of
from pipelines.connectors.sql_view.query import Place, Query, QueryOptions
from pipelines.connectors.sql_view.rows_file import SqlRowsFile, row_in
from pipelines.connectors.sql_view.values import QUERY_COLUMN, Json, as_fields, as_json, as_raw
from pipelines.errors import SourceConfigError, SourceUnavailableError
from pipelines.reading.options import Duration, Options, Secret

_SWEEP_EVERY = timedelta(hours=1)
_NO_PLACE = "is empty, so changes cannot be followed; use COALESCE in the query"


class SqlViewOptions(Options):
    """Which database, which rows, and how gently it is asked."""

    url: str = Field(description="SQLAlchemy URL without password; an SQLite path is relative.")
    password: Secret | None = Field(
        default=None, description="Name of the environment variable that holds the password."
    )
    queries: dict[str, QueryOptions] = Field(
        min_length=1, description="What to read, by a name of your choice, asked in this order."
    )
    overlap: Duration = Field(
        default=timedelta(minutes=10),
        description="How long before the newest row a late one may still turn up.",
    )
    chunk: int = Field(default=2000, ge=10, le=20_000, description="Most rows a query returns.")
    statement_timeout: Duration = Field(
        default=timedelta(seconds=30),
        description="How long a query may take (PostgreSQL, MySQL, MariaDB).",
    )
    connect_timeout: Duration = Field(
        default=timedelta(seconds=10), description="How long connecting may take."
    )
    encoding: Literal["auto", "utf-8", "gb18030", "latin-1"] = Field(
        default="auto", description="Of text that arrives as bytes; `auto` as for files."
    )
    columns: Literal["as_is", "upper", "lower"] = Field(
        default="as_is", description="How to write column names; databases fold them differently."
    )

    @field_validator("url")
    @classmethod
    def _has_no_password(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError as error:
            raise ValueError('must be like "postgresql+psycopg://user@host:5432/name"') from error
        if url.password is not None or "password" in url.query:
            raise ValueError("must hold no password; name its environment variable in password")
        return value


class _Row(NamedTuple):
    """A row as it is kept, and where it stands."""

    place: Place
    values: dict[str, Json]


class SqlView:
    """Reads what is new in the queries of one database."""

    options = SqlViewOptions

    def __init__(self, options: SqlViewOptions, *, base: Path) -> None:
        self._options = options
        self._base = base
        self._queries = [Query(name, query) for name, query in options.queries.items()]
        self._engine: Engine | None = None
        self._spelled: dict[str, Query] = {}
        self._worked: set[str] = set()
        self._memories: dict[str, tuple[str | None, Memory]] = {}
        self._swept: dict[str, datetime] = {}
        self.unfinished: tuple[str, ...] = ()

    def poll(self, positions: Mapping[str, str], *, now: datetime) -> Iterator[Batch]:
        """Yield the new and changed rows of each query by time of change.

        Raises SourceUnavailableError when the database is away, or refuses a query that has
        worked before: its owner may be making the view anew. Raises SourceConfigError when a
        query never worked.
        """
        for query in self._queries:
            yield from self._new_rows(query.name, positions.get(query.name), now)

    def over(self, file: Path) -> SqlRowsFile:
        """Reads rows that someone put into a file: one JSON object a line, as they are kept."""
        names = tuple(self._options.queries)
        only = names[0] if len(names) == 1 else None
        return SqlRowsFile(file, query=only, encoding=self._options.encoding)

    def reread(self, raw: bytes, context: bytes) -> Reread:
        """The columns of a row that was kept; see :class:`~pipelines.connectors.reread.Rereads`.

        Without cursor or key it still cannot be followed, whatever the mapping is.
        """
        row, rule = row_in(raw)
        if row is None:
            return Reread(None, ("(row)", raw[:80].decode("utf-8", "backslashreplace"), rule))
        query = next((q for q in self._queries if q.name == row.get(QUERY_COLUMN)), None)
        named = {name.casefold(): value for name, value in row.items()}
        wanted = () if query is None else (query.options.cursor, query.options.key)
        for column in wanted:
            if named.get(column.casefold(), "") is None:
                return Reread(None, (column, "", _NO_PLACE))
        return Reread(*as_fields(row, self._options.encoding))

    def _new_rows(self, name: str, position: str | None, now: datetime) -> Iterator[Batch]:
        query = self._query(name)
        memory = self._memory(name, position)
        start, after = query.cursor_at(memory.start(self._options.overlap)), None
        while True:
            page = query.page(start=start, after=after, limit=self._options.chunk)
            rows = self._rows(query, page)
            with self._naming(query):
                records = tuple(self._unknown(query, rows, memory, now))
            self._worked.add(name)
            if records:
                memory.forget(self._options.overlap)
                position = memory.dump()
                yield Batch(records=records, part=name, position=position)
            if len(rows) < self._options.chunk:
                break
            after = self._further(query, after, rows[-1].place)
        # only now: whoever is stopped in between begins again from what was stored
        self._memories[name] = (position, memory)
        yield from self._sweep(query, position or memory.dump(), now)

    def _memory(self, name: str, position: str | None) -> Memory:
        """The memory at hand when it is the one behind the position; else what that holds."""
        known, memory = self._memories.pop(name, (None, None))
        return memory if memory is not None and known == position else Memory.load(position)

    def _unknown(
        self, query: Query, rows: Sequence[_Row], memory: Memory, now: datetime
    ) -> Iterator[Record]:
        for row in rows:
            raw = as_raw(row.values)
            digest = digest_of(raw)
            if memory.knows(digest):
                continue
            memory.learn(query.time_of(row.place.cursor), digest, now=now)
            fields, problem = as_fields(row.values, self._options.encoding)
            origin = Origin(query.name, memory.rows)
            yield Record(raw, b"", fields, origin, memory.rows, problem)

    def _further(self, query: Query, before: Place | None, last: Place) -> Place:
        if last == before:
            raise SourceConfigError(
                f"query {query.name}: {self._options.chunk} rows or more have {query.key} = "
                f"{last.key!r} at one time of change; choose a key that tells them apart"
            )
        return last

    def _sweep(self, query: Query, position: str, now: datetime) -> Iterator[Batch]:
        """Once an hour, the rows without cursor or key: no other question would find them."""
        swept = self._swept.get(query.name)
        if swept is not None and now - swept < _SWEEP_EVERY:
            return
        lost = self._rows(query, query.without_place(self._options.chunk))
        self._swept[query.name] = now
        records = tuple(_set_aside(query, row) for row in lost)
        if records:
            yield Batch(records=records, part=query.name, position=position)

    def _query(self, name: str) -> Query:
        """The query, its columns spelled as the database spells them."""
        if name not in self._spelled:
            query = next(q for q in self._queries if q.name == name)
            with self._naming(query):
                columns, _ = read(self._connected(), query.shape())
                self._spelled[name] = query.spelled(columns)
        return self._spelled[name]

    def _rows(self, query: Query, statement: Select[Any]) -> list[_Row]:
        with self._naming(query):
            names, found = read(self._connected(), statement)
            cursor, key = names.index(query.cursor), names.index(query.key)
        columns = [_FOLD[self._options.columns](name) for name in names]
        rows = []
        for row in found:
            values = dict(zip(columns, map(as_json, row), strict=True))
            rows.append(_Row(Place(row[cursor], row[key]), {QUERY_COLUMN: query.name} | values))
        return rows

    @contextmanager
    def _naming(self, query: Query) -> Iterator[None]:
        """Add the query's name to what is wrong, and forgive what has worked before."""
        where = f"query {query.name}"
        try:
            yield
        except SourceConfigError as error:
            self._spelled.pop(query.name, None)
            if query.name in self._worked:
                raise SourceUnavailableError(f"{where} no longer works: {error}") from error
            raise SourceConfigError(f"{where}: {error}") from error

    def _connected(self) -> Engine:
        if self._engine is None:
            self._engine = open_engine(
                self._url(),
                timeout_s=self._options.connect_timeout.total_seconds(),
                statement_ms=int(self._options.statement_timeout.total_seconds() * 1000),
            )
        return self._engine

    def _url(self) -> URL:
        url = make_url(self._options.url)
        if url.get_backend_name() == "sqlite":
            return url.set(database=str(self._base / (url.database or "")))
        password = self._options.password
        return url if password is None else url.set(password=password.reveal())


_FOLD: dict[str, Callable[[str], str]] = {"as_is": str, "upper": str.upper, "lower": str.lower}


def _set_aside(query: Query, row: _Row) -> Record:
    """A row for the quarantine: without a place in the order it can never be followed."""
    raw = as_raw(row.values)
    column = query.cursor if row.place.cursor is None else query.key
    return Record(raw, b"", None, Origin(query.name, 0), 0, (column, "", _NO_PLACE))
