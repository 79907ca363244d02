"""Stores of a test's own on every database: an SQLite file, or a schema on a real PostgreSQL.

A test file that says ``pytestmark = on_every_database`` runs once on each. What it opens by way of
``tests.pipelines.installations`` or ``place_in`` then lies there. The PostgreSQL database is made
for the process (each worker of xdist has its own) and dropped when it ends.
"""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from sqlalchemy import URL
from sqlalchemy.engine import make_url

from pipelines.store import places, schema
from pipelines.store.places import Place
from pipelines.store.store import Store
from tests.databases import SERVER, a_server

ROLE = "grid135_test"

_kind: ContextVar[str] = ContextVar("kind of database", default="sqlite")
_used: ContextVar[set[str] | None] = ContextVar("schemas that were used", default=None)

on_every_database = pytest.mark.usefixtures("every_database")


@contextmanager
def kept_in(kind: str) -> Iterator[None]:
    """Stores are of this kind meanwhile; those on PostgreSQL are dropped at the end."""
    used: set[str] = set()
    tokens = _kind.set(kind), _used.set(used)
    try:
        yield
    finally:
        _kind.reset(tokens[0])
        _used.reset(tokens[1])
        for name in used:
            places.remove(_database().update_query_dict({"schema": name}))


def kind() -> str:
    """Which database stores are kept in now."""
    return _kind.get()


def examples(most: int) -> int:
    """How many examples of a property to try: a server takes longer over each, and fewer do."""
    return most if kind() == "sqlite" else most // 5


def place_in(folder: Path) -> Place:
    """Where the store of a folder is, on the database that is used now."""
    if _kind.get() == "sqlite":
        return folder / "data" / "grid135.sqlite3"
    name = f"s{blake2b(str(folder).encode(), digest_size=6).hexdigest()}"
    used = _used.get()
    assert used is not None
    used.add(name)
    return _database().update_query_dict({"schema": name})


@contextmanager
def an_empty_store() -> Iterator[Store]:
    """An empty store, for one of many examples: on a server, its tables are used again."""
    with TemporaryDirectory() as folder:
        where = Path("examples") if _kind.get() == "postgresql" else Path(folder)
        store = Store(place_in(where))
        try:
            with store.writing() as writer:
                writer.clear(*schema.metadata.sorted_tables)
            yield store
        finally:
            store.close()


def environ_of(folder: Path) -> dict[str, str]:
    """What tells an installation in a folder where its store is."""
    place = place_in(folder)
    return {"GRID135_STORE": shown(place)} if isinstance(place, URL) else {}


def shown(place: Place) -> str:
    """A place as text, with its password."""
    return place.render_as_string(hide_password=False) if isinstance(place, URL) else str(place)


@lru_cache(maxsize=1)
def _database() -> URL:
    name = f"grid135_test_store_{os.getpid()}"
    with a_server() as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        # sorted as a server is usually set up: stores must not depend on it
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    atexit.register(_drop, name, os.getpid())
    return make_url(f"postgresql+psycopg://{ROLE}:{ROLE}@127.0.0.1:5432/{name}")


def _drop(name: str, owner: int) -> None:
    if os.getpid() == owner:
        with psycopg.connect(SERVER, dbname="postgres", autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
