"""Where a store is: an SQLite file, or a database that a URL names.

``schema`` in the query of a PostgreSQL URL names a schema of its own for the store; without it,
the store lies where the role's search path begins.
"""

from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from pipelines.errors import SettingsError
from pipelines.store.backends import sqlite
from pipelines.store.backends.backend import Backend
from pipelines.store.distribution import distribute
from pipelines.store.migrating import Progress, Step

Place = Path | URL
"""A file, or the URL of a database."""

_KNOWN = ("sqlite", "postgresql")


def place_of(text: str) -> Place:
    """Read a URL; raises SettingsError for what is none, or of a database that is not known.

    The message does not repeat the text, which may hold a password.
    """
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise SettingsError(
            "the store's url: is no URL; write it as postgresql+psycopg://user@host:5432/database"
        ) from error
    name = url.get_backend_name()
    if name not in _KNOWN:
        raise SettingsError(f"the store's url: {name}: use one of: {', '.join(_KNOWN)}")
    if name == "sqlite":
        return Path(url.database or "")
    return url.set(drivername="postgresql+psycopg")


def shown(place: Place) -> str:
    """A place as one may print it, without its password."""
    return str(place) if isinstance(place, Path) else place.render_as_string(hide_password=True)


def beside(place: Place, name: str) -> Place:
    """Another store in the same place: a file in the same folder, a schema in the database."""
    if isinstance(place, Path):
        return place.with_name(f"{name}{place.suffix}")
    return place.update_query_dict({"schema": name})


def open_backend(place: Place) -> Backend:
    """Open the database at a place; its tables are looked after by ``prepare``."""
    if isinstance(place, Path):
        return sqlite.SqliteBackend(place)
    from pipelines.store.backends.postgresql import PostgresqlBackend

    return PostgresqlBackend(place)


def upgrade(place: Place, progress: Progress) -> list[Step]:
    """Bring the store at a place to the newest form; return what was done to it."""
    backend = open_backend(place)
    try:
        return backend.upgrade(progress)
    finally:
        backend.close()


def spread(place: Place) -> list[str]:
    """Spread the store at a place over a cluster; return the statements that did.

    Raises NoCitusError where there is none, and StoreBehindError for tables of another version.
    """
    backend = open_backend(place)
    try:
        backend.prepare()
        with backend.writer.begin() as connection:
            backend.begun_alone(connection)
            return distribute(connection)
    finally:
        backend.close()


def exists(place: Place) -> bool:
    """Whether there is a store at a place."""
    if isinstance(place, Path):
        return place.exists()
    from pipelines.store.backends import postgresql

    return postgresql.exists(place)


def remove(place: Place) -> None:
    """Delete the store at a place, if there is one."""
    if isinstance(place, Path):
        sqlite.remove(place)
        return
    from pipelines.store.backends import postgresql

    postgresql.remove(place)
