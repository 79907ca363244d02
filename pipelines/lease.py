"""One process a store takes records in; the others serve screens, and one of them steps in.

The lease is a row of the store with an expiry. Its holder renews it; whoever finds it run out
takes it, with a token that is one larger. The token is checked inside every ingest transaction,
so a holder that was asleep too long cannot write beside its successor (a fencing token).
A holder that was a process of this machine and is no more is not waited for.
Time is the machine's, never that of a replay; machines that share a store must agree on it.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select

from pipelines.clock import Clock, SystemClock
from pipelines.errors import Grid135Error
from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader, Store, Writer

logger = logging.getLogger(__name__)

LEASE = "ingest"
EXPIRY = timedelta(seconds=15)
RENEWAL = timedelta(seconds=5)


class LeaseLostError(Grid135Error):
    """Another process takes the records in now: store nothing, and stop asking sources."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Who holds the lease, and until when unless it is renewed."""

    holder: str
    token: int
    expires_at: datetime


def read_lease(reader: Reader) -> Held | None:
    """Who holds the lease or held it last; None when nobody ever did."""
    rows = reader.rows(select(schema.lease).where(schema.lease.c.name == LEASE))
    if not rows:
        return None
    row = rows[0]
    return Held(holder=row.holder, token=row.token, expires_at=from_ms(row.expires_ms))


def is_held(store: Store, *, now: datetime) -> bool:
    """Whether some process holds the lease at this moment of the machine's clock."""
    with store.reading() as reader:
        held = read_lease(reader)
    return held is not None and held.expires_at > now and not _is_gone(held.holder)


def _machine() -> str:
    """This machine since it was started, and where in it process numbers mean the same.

    Containers may share a name; they do not share these. Without them, its name and nothing that
    a process number could be looked up in.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        numbers = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return ""
    return f"{boot[:8]}-{numbers.strip('pid:[]')}"


def _is_gone(holder: str) -> bool:
    """Whether the holder was a process of this machine that has ended."""
    _, machine, process, _ = (*holder.split("/"), "", "", "", "")[:4]
    if not machine or machine != _machine() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it is there, and not ours to signal
    return False


class Lease:
    """This process's claim to be the one that takes records in. Safe from any thread."""

    def __init__(self, store: Store, *, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        own = (socket.gethostname(), _machine(), str(os.getpid()), uuid4().hex[:8])
        self._holder = "/".join(own)
        self._token: int | None = None

    @property
    def holder(self) -> str:
        """What this process calls itself: machine, process, and a random part."""
        return self._holder

    @property
    def is_mine(self) -> bool:
        """Whether this process held the lease when it last looked."""
        return self._token is not None

    def acquire(self) -> bool:
        """Take the lease if it is free, renew it if it is ours; return whether we have it.

        A lease that ran out and that nobody else took is still ours.
        """
        with self._store.writing() as writer:
            now = self._clock.now()
            held = read_lease(writer)
            ours = held is not None and held.token == self._token and held.holder == self._holder
            taken = held is not None and held.expires_at > now and not _is_gone(held.holder)
            if taken and not ours:
                self._token = None
                return False
            token = (held.token if held else 0) + (0 if ours else 1)
            writer.put(schema.lease, [(LEASE, self._holder, token, to_ms(now + EXPIRY))])
        self._token = token
        return True

    def release(self) -> None:
        """Let go at once, so that another need not wait until it runs out."""
        token, self._token = self._token, None
        if token is None:
            return
        with self._store.writing() as writer:
            held = read_lease(writer)
            if held is not None and held.token == token:
                row = (LEASE, self._holder, token, to_ms(self._clock.now()))
                writer.put(schema.lease, [row])

    def guard(self, writer: Writer) -> None:
        """Raise LeaseLostError, inside a transaction, when another has taken the lease."""
        held = read_lease(writer)
        if self._token is None or held is None or held.token != self._token:
            who = held.holder if held is not None else "nobody"
            raise LeaseLostError(f"records are taken in by {who} now; this process only shows them")


class Keeper:
    """Holds the lease as long as it can, in a thread, and says when that begins and ends.

    ``gained`` and ``lost`` are called in that thread, the first time in that of ``start``, and
    never at once. An error of ``gained`` gives the lease back. A store that cannot be written is no
    reason to stop trying.
    """

    def __init__(
        self,
        lease: Lease,
        *,
        gained: Callable[[], None],
        lost: Callable[[], None],
        every: timedelta = RENEWAL,
    ) -> None:
        self._lease = lease
        self._gained = gained
        self._lost = lost
        self._every_s = every.total_seconds()
        self._works = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    @property
    def works(self) -> bool:
        """Whether this process takes records in now."""
        return self._works

    def start(self) -> None:
        """Try for the lease at once, in the caller's thread, then keep at it in another."""
        self._turn()
        self._thread.start()

    def stop(self) -> None:
        """Stop working, then let the lease go."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._works:
            self._works = False
            self._lost()
        self._let_go()

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            try:
                self._turn()
            except Exception:
                logger.exception("taking records in could not begin or end; tried again")

    def _turn(self) -> None:
        try:
            has_it = self._lease.acquire()
        # Whatever is wrong with the store is the store's to say; the guard keeps us from writing.
        except Exception:
            logger.exception("the lease could not be renewed")
            return
        if has_it and not self._works:
            logger.info("this process takes the records in")
            try:
                self._gained()
            except Exception:
                self._let_go()
                raise
            self._works = True
        elif not has_it and self._works:
            logger.warning("another process takes the records in now")
            self._works = False
            self._lost()

    def _let_go(self) -> None:
        try:
            self._lease.release()
        except Exception:
            logger.exception("the lease could not be given back; it runs out by itself")
