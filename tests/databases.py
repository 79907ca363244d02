"""Databases of a test's own: one on a real PostgreSQL server, one in an SQLite file.

The server is the one ``make services`` starts. Without it a test is skipped, but in CI it fails.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.connectors.sql_view.query import QueryOptions
from pipelines.connectors.sql_view.view import SqlView, SqlViewOptions
from pipelines.reading.options import HeldSecret

SERVER = "host=127.0.0.1 port=5432 user=grid135_test password=grid135_test connect_timeout=5"
PASSWORD = HeldSecret("GRID135_TEST_PASSWORD", "grid135_test")
FEED = "SELECT id, changed, title FROM feed"

_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Database:
    """Somewhere to put rows, and how a source is told about it."""

    url: str
    connection: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    cursor_format: str | None = None

    def run(self, sql: str, rows: Iterable[tuple[Any, ...]] | None = None) -> None:
        """Execute and commit; with ``rows``, once for each (``?`` is a parameter)."""
        sql = sql if "sqlite" in self.url or rows is None else sql.replace("?", "%s")
        cursor = self.connection.cursor()
        if rows is None:
            cursor.execute(sql)
        else:
            cursor.executemany(sql, rows)
        self.connection.commit()

    def view(
        self, sql: str = FEED, *, cursor: str = "changed", key: str = "id", **options: Any
    ) -> SqlView:
        """A connector that reads one query, called ``feed``."""
        form = options.pop("cursor_format", self.cursor_format)
        query = QueryOptions(sql=sql, cursor=cursor, cursor_format=form, key=key)
        return self.views({"feed": query}, **options)

    def views(self, queries: dict[str, QueryOptions], **options: Any) -> SqlView:
        """A connector that reads several queries."""
        merged = {**self.options, **options}
        return SqlView(SqlViewOptions(url=self.url, queries=queries, **merged), base=Path("/"))


@contextmanager
def postgresql(encoding: str = "UTF8", *, ctype: str = "C") -> Iterator[Database]:
    """A PostgreSQL database that is dropped afterwards."""
    name = f"grid135_test_{os.getpid()}_{next(_numbers)}"
    with a_server() as server:
        server.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' "
            f"LC_COLLATE 'C' LC_CTYPE '{ctype}'"
        )
        try:
            with psycopg.connect(SERVER, dbname=name) as connection:
                url = f"postgresql+psycopg://grid135_test@127.0.0.1:5432/{name}"
                yield Database(url=url, connection=connection, options={"password": PASSWORD})
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def cut_off(database: Database) -> Iterator[None]:
    """Nobody but the test gets into the database, and whoever is in is thrown out."""
    name = database.url.rpartition("/")[2]
    mine = database.connection.info.backend_pid
    with a_server() as server:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        throw_out(name, but=mine)
        try:
            yield
        finally:
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def throw_out(name: str, *, but: int) -> None:
    """End every connection to a database but one, and wait until they are gone."""
    others = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
    with a_server() as server:
        server.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM ({others}) AS o", (name, but))  # noqa: S608 - no data in it


@contextmanager
def a_server() -> Iterator[psycopg.Connection[Any]]:
    """A connection to the server; without one the test is skipped, but in CI it fails."""
    try:
        connection = psycopg.connect(SERVER, dbname="postgres", autocommit=True)
    except psycopg.OperationalError as error:
        if os.environ.get("CI"):
            pytest.fail(f"no PostgreSQL server for the tests: {error}")
        pytest.skip(f"no PostgreSQL server for the tests (make services): {error}")
    with connection:
        yield connection


@contextmanager
def sqlite(file: Path) -> Iterator[Database]:
    """An SQLite file; it knows no dates, so times of change are text."""
    connection = sqlite3.connect(file)
    try:
        yield Database(
            url=f"sqlite:///{file}", connection=connection, cursor_format="%Y-%m-%d %H:%M:%S"
        )
    finally:
        connection.close()
