"""Opening the embedded database: one writer at a time, readers that never wait for it."""

import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import QueuePool

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # FULL: an acknowledged batch survives a power cut, not only a killed process
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 30000",
    # keys are digests, so a batch touches pages all over the file: keep them, and copy them
    # from the log less often (64 MB of it)
    "PRAGMA cache_size = -131072",
    "PRAGMA wal_autocheckpoint = 16000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA foreign_keys = OFF",
)


_REST_S = 30.0
"""How often a connection lets go of the pages it keeps, so that months do not fill its cache."""


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
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _rest(connection: Any, record: Any) -> None:
    """Between two transactions; what it needs again it finds in the system's own cache."""
    now = time.monotonic()
    if connection is not None and now - record.info.setdefault("rested_s", now) > _REST_S:
        record.info["rested_s"] = now
        connection.execute("PRAGMA shrink_memory")
