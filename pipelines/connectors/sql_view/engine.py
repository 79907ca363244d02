"""Talking to someone else's database: read only, with limits, and with errors in our words."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, Select, create_engine, event
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)

from pipelines.errors import SourceConfigError, SourceUnavailableError

_WORDS = 400
# Some drivers say the same as a lost connection when the query is wrong: told apart by words.
_WRONG_QUERY = re.compile(
    r"no such (table|column|function)|syntax error|unknown column|incomplete input|ORA-009\d\d",
    re.IGNORECASE,
)
_SESSION = {
    "postgresql": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET statement_timeout = {ms}",
    ),
    "mysql": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION max_execution_time = {ms}"),
    "mariadb": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION max_statement_time = {s}"),
    "sqlite": ("PRAGMA query_only = ON",),
}
"""Said once a connection, by dialect; others rely on the rights of the account."""


def connect_args(url: URL, *, timeout_s: int) -> dict[str, Any]:
    """What makes a driver give up on a server that does not answer, and read its text."""
    driver = url.get_driver_name()
    if driver == "psycopg":
        # a peer that vanished is noticed in a minute, not in the two hours of the kernel
        alive = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
        # a database without an encoding hands over bytes where SQLAlchemy wants text
        text = {} if "client_encoding" in url.query else {"client_encoding": "utf8"}
        return {"connect_timeout": timeout_s, **alive, **text}
    known = {"pymysql": "connect_timeout", "mysqldb": "connect_timeout", "pysqlite": "timeout"}
    return {known[driver]: timeout_s} if driver in known else {}


def open_engine(url: URL, *, timeout_s: float, statement_ms: int) -> Engine:
    """An engine with one connection that only reads.

    Raises SourceConfigError when the driver is not there, SourceUnavailableError when an
    SQLite file is not (SQLite itself would make an empty one).
    """
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise SourceUnavailableError(f"{url.database}: no such database file")
    try:
        engine = create_engine(
            url,
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args=connect_args(url, timeout_s=max(1, round(timeout_s))),
        )
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise SourceConfigError(f"{url.drivername}: {error}; install its driver") from error
    event.listen(engine, "connect", _session(engine.dialect, statement_ms))
    return engine


def read(engine: Engine, statement: Select[Any]) -> tuple[list[str], Sequence[Sequence[Any]]]:
    """The columns and rows of one query, in a transaction of its own.

    Raises SourceUnavailableError when asking again may help, else SourceConfigError.
    """
    try:
        with engine.connect() as connection:
            result = connection.execute(statement)
            return list(result.keys()), result.all()
    except UnicodeDecodeError as error:
        rule = "text is not in the encoding of the connection; set client_encoding in the url"
        raise SourceConfigError(f"{rule}: {error}") from error
    except DBAPIError as error:
        words = _words(error)
        if isinstance(error, ProgrammingError | NotSupportedError) or _WRONG_QUERY.search(words):
            raise SourceConfigError(f"the database refuses the query: {words}") from error
        raise SourceUnavailableError(f"the database says: {words}") from error
    except SQLAlchemyError as error:
        raise SourceConfigError(f"the query cannot be asked: {error}") from error


def _session(dialect: Any, statement_ms: int) -> Callable[[Any, object], None]:
    def prepare(connection: Any, _record: object) -> None:
        # which of the two it is shows once the first connection stands
        name = "mariadb" if getattr(dialect, "is_mariadb", False) else dialect.name
        if name == "sqlite":
            connection.text_factory = _text_or_bytes
        cursor = connection.cursor()
        for said in _SESSION.get(name, ()):
            cursor.execute(said.format(ms=statement_ms, s=statement_ms / 1000))
        cursor.close()
        connection.commit()

    return prepare


def _text_or_bytes(content: bytes) -> str | bytes:
    """SQLite does not check what is put into a text column; one bad cell must not stop all."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _words(error: DBAPIError) -> str:
    """What the database said, on one line; never the query's values, never the password."""
    text = " ".join(str(error.orig).split())
    return text[:_WORDS] + ("…" if len(text) > _WORDS else "")
