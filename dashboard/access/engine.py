"""Where accounts, sessions and the audit log are kept: a file of their own, or a shared database.

In a shared database several web processes know the same people: who is let in at one is known at
all, and who is shut out is out everywhere. There the tables stand in a schema of their own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, inspect, make_url, text
from sqlalchemy import create_engine as _create_engine
from sqlalchemy import event as _event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateColumn, CreateSchema

from dashboard.access.tables import metadata
from pipelines.errors import SettingsError
from pipelines.settings import Settings

ACCESS_FILE = "access.sqlite3"
"""Its name in the data folder, where there is no shared database."""
SCHEMA = "access"
"""The schema of the tables in a shared database; one of a store with a schema has its name too."""

_CHANGES = "grid135_changes"
_ONE_AT_A_TIME = 0x6772_6964_3133_35
"""The key of the lock that changes take, in a shared database."""
_PATIENCE_S = 5


def kept_at(settings: Settings) -> URL:
    """Where people are kept: in the database of the store, or in a file beside it."""
    place = settings.store.place(settings.secrets, settings.data / ACCESS_FILE)
    if isinstance(place, Path):
        return URL.create("sqlite", database=str(place.with_name(ACCESS_FILE)))
    return place


def open_engine(url: URL | str) -> Engine:
    """An engine on the database, with all tables made that are not there.

    An SQLite file is made private to its owner. Columns that came with a later version are added.
    Raises SettingsError when the database cannot be had; the message repeats no URL.
    """
    where = make_url(url)
    engine = _in_a_file(where) if where.get_backend_name() == "sqlite" else _shared(where)
    try:
        with changing(engine) as connection:
            schema = _schema(connection)
            if schema is not None:
                connection.execute(CreateSchema(schema, if_not_exists=True))
            metadata.create_all(connection)
            _add_new_columns(connection, schema)
    except OperationalError as error:
        engine.dispose()
        raise SettingsError(
            "the store of accounts cannot be opened: is its database there, and may this role "
            "make a schema in it?"
        ) from error
    return engine


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """A transaction that may write: one at a time, over all processes, from its first statement.

    So what it reads first is what it changes, and two entries of the audit log cannot both follow
    the same one.
    """
    with engine.execution_options(**{_CHANGES: True}).begin() as connection:
        if _is_shared(connection):
            lock = text("SELECT pg_advisory_xact_lock(:key)")
            connection.execute(lock, {"key": _ONE_AT_A_TIME})
        yield connection


def _is_shared(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _in_a_file(where: URL) -> Engine:
    file = Path(where.database or "")
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.touch(mode=0o600)
    engine = _create_engine(where)
    _event.listen(engine, "connect", _prepare)
    _event.listen(engine, "begin", _begin)
    return engine


def _shared(where: URL) -> Engine:
    name = where.query.get("schema")
    return _create_engine(
        where.difference_update_query(["schema"]),
        # a connection that broke while it lay idle is replaced, not handed out
        pool_pre_ping=True,
        pool_size=4,
        connect_args={"connect_timeout": _PATIENCE_S},
        execution_options={"schema_translate_map": {None: f"{name}_{SCHEMA}" if name else SCHEMA}},
    )


def _prepare(connection: DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # taking the write lock at the first write would let two writers read the same state
    changes = connection.get_execution_options().get(_CHANGES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if changes else "BEGIN")


def _schema(connection: Connection) -> str | None:
    """The schema of the tables, where they have one."""
    names: Mapping[str | None, str] = connection.get_execution_options().get(
        "schema_translate_map", {}
    )
    return names.get(None)


def _add_new_columns(connection: Connection, schema: str | None) -> None:
    looked = inspect(connection)
    for table in metadata.sorted_tables:
        known = {column["name"] for column in looked.get_columns(table.name, schema=schema)}
        name = f'"{schema}"."{table.name}"' if schema else f'"{table.name}"'
        for column in table.columns:
            if column.name not in known:
                added = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {added}")
