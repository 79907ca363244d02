"""Whether what comes in can be stored, and if not, since when and why."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pipelines.clock import Clock
from pipelines.host.rounds import Round
from pipelines.store.store import Store

STORE_IS_GONE = (
    OperationalError,
    InterfaceError,
    PoolTimeoutError,
    # rows in bulk go to the drivers past SQLAlchemy, and so come their errors
    psycopg.OperationalError,
    psycopg.InterfaceError,
    sqlite3.OperationalError,
)
"""Of the store: what is wrong with a database that is a source, its connector names."""

TRY_AGAIN_S = 5.0
"""How often to try whether the store is back, while nothing could be stored."""
_TRIED, _TRIED_BYTES = "storing:tried", 512 * 1024
_DISK_FULL = "53100"
"""What PostgreSQL calls it: Appendix A of its manual, class 53."""
_LOW_BYTE = 0xFF
"""SQLite's extended result codes are the plain ones with something above them."""


class Reason(StrEnum):
    """Why nothing can be stored."""

    FULL = "full"
    LOCKED = "locked"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unstored:
    """Records were refused, and none has been stored since."""

    since: datetime
    reason: Reason

    def told(self) -> dict[str, str]:
        """The same for a monitor."""
        return {"since": self.since.isoformat(), "reason": self.reason.value}


class Storing:
    """What one process knows of it, by the records it was to store. Safe from any thread."""

    def __init__(self) -> None:
        self._unstored: Unstored | None = None
        self._lock = threading.Lock()

    @property
    def unstored(self) -> Unstored | None:
        """What is wrong now; nothing while records can be stored."""
        return self._unstored

    @contextmanager
    def watched(self, now: datetime) -> Iterator[None]:
        """Remember how storing goes in the block, which begins at ``now``; errors go on."""
        try:
            yield
        except STORE_IS_GONE as error:
            with self._lock:
                since = now if self._unstored is None else self._unstored.since
                self._unstored = Unstored(since=since, reason=reason_of(error))
            raise
        with self._lock:
            self._unstored = None


def try_again(store: Store, storing: Storing, *, now: datetime) -> None:
    """Where nothing could be stored, find out whether that is over; no record may come for long.

    It stores as much as a batch of records might need, so that the last few kilobytes of a full
    disk are no end of it, and then next to nothing in its place.
    """
    if storing.unstored is None:
        return

    def put(value: str) -> None:
        store.taking_in(lambda writer: writer.put_meta(_TRIED, value), quiet=True)

    with suppress(*STORE_IS_GONE), storing.watched(now):
        put(os.urandom(_TRIED_BYTES // 2).hex())
        put(now.isoformat())


def tries_again(store: Store, storing: Storing, clock: Clock) -> Round:
    """The same every few seconds."""
    return Round("storing", lambda: try_again(store, storing, now=clock.now()), every_s=TRY_AGAIN_S)


def reason_of(error: Exception) -> Reason:
    """Why the store failed; whatever is neither full nor locked cannot be reached."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", 0) & _LOW_BYTE
    if code == sqlite3.SQLITE_FULL or getattr(cause, "sqlstate", None) == _DISK_FULL:
        return Reason.FULL
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Reason.LOCKED
    return Reason.GONE
