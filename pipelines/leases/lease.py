"""What only one process may do at a time, such as asking one source: each has a lease.

A lease is a row of the store. Its holder renews it; whoever finds that it is not renewed any more
takes it, with a token that is one larger. The token is checked inside every transaction that the
lease is about, so a holder that was asleep too long cannot write beside its successor (a fencing
token). Nobody compares times of day: a lease is left when its row has stayed the same for
``EXPIRY`` by the steady clock of the one who looks, however the clocks of two machines are set.
A holder that was a process of this machine and is no more is not waited for.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import delete, select, update

from pipelines.clock import Clock, SystemClock
from pipelines.errors import Grid135Error
from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader, Store, Writer

EXPIRY = timedelta(seconds=8)
RENEWAL = timedelta(seconds=2)

UPKEEP = "upkeep"
"""The lease for what one process a store does beside taking records in."""
PLAYED = "played"
"""The lease for all sources of a replay or of the demo street, which belong to one clock."""
_SOURCE = "source/"
_WORKER = "worker/"

Steady = Callable[[], float]
"""A clock that nobody can set: seconds since some moment."""


class LeaseLostError(Grid135Error):
    """Another process does this now: store nothing, and stop."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Who holds a lease, and until when unless it is renewed, by the holder's clock.

    ``holder`` is empty when it was let go; ``expires_at`` is then the moment of that.
    """

    holder: str
    token: int
    expires_at: datetime

    @property
    def left_at(self) -> datetime:
        """When its holder was last there, if it is there no more."""
        return self.expires_at - EXPIRY if self.holder else self.expires_at


def lease_of(source: str) -> str:
    """The name of the lease for taking one source in."""
    return f"{_SOURCE}{source}"


def source_of(name: str) -> str | None:
    """The source that a lease is for; None when it is for something else."""
    return name.removeprefix(_SOURCE) if name.startswith(_SOURCE) else None


def read_leases(reader: Reader) -> dict[str, Held]:
    """Every lease that somebody holds or held last, by name."""
    return {
        row.name: Held(holder=row.holder, token=row.token, expires_at=from_ms(row.expires_ms))
        for row in reader.rows(select(schema.lease))
    }


def is_held(store: Store, name: str, *, now: datetime) -> bool:
    """Whether somebody holds a lease at a moment of the machine's clock; a guess at one look."""
    with store.reading() as reader:
        held = read_leases(reader).get(name)
    return held is not None and held.expires_at > now and not _is_over(held.holder)


def workers_of(leases: Mapping[str, Held], alive: Collection[str]) -> frozenset[str]:
    """The processes that are there to take records in."""
    return frozenset(
        held.holder for name, held in leases.items() if name.startswith(_WORKER) and name in alive
    )


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


def _is_over(holder: str) -> bool:
    """Whether nobody holds it: it was let go, or by a process of this machine that has ended."""
    if not holder:
        return True
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


class Watch:
    """Which leases are alive, as far as one process can tell. Safe from any thread.

    A lease that is seen for the first time counts as alive until it has stayed the same for long.
    """

    def __init__(self, *, steady: Steady = time.monotonic) -> None:
        self._steady = steady
        self._seen: dict[str, tuple[Held, float]] = {}
        self._lock = threading.Lock()

    def look(self, leases: Mapping[str, Held]) -> frozenset[str]:
        """The names of those that somebody holds."""
        at = self._steady()
        with self._lock:
            for name, held in leases.items():
                before = self._seen.get(name)
                if before is None or before[0] != held:
                    self._seen[name] = (held, at)
            unchanged_s = {name: at - self._seen[name][1] for name in leases}
        return frozenset(
            name
            for name, held in leases.items()
            if unchanged_s[name] < EXPIRY.total_seconds() and not _is_over(held.holder)
        )

    def forget(self) -> None:
        """Begin anew: the store could not be looked at, so that nothing changed proves nothing."""
        with self._lock:
            self._seen.clear()


class Leases:
    """What one process holds. Safe from any thread."""

    def __init__(
        self, store: Store, *, clock: Clock | None = None, steady: Steady = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._watch = Watch(steady=steady)
        own = (socket.gethostname(), _machine(), str(os.getpid()), uuid4().hex[:8])
        self._holder = "/".join(own)
        self._tokens: dict[str, int] = {}

    @property
    def holder(self) -> str:
        """What this process calls itself: machine, process, and a random part."""
        return self._holder

    @property
    def mine(self) -> frozenset[str]:
        """What this process held when it last looked."""
        return frozenset(self._tokens)

    def look(self, writer: Writer) -> tuple[dict[str, Held], frozenset[str]]:
        """All leases and the names of those alive; notices which of ours are lost."""
        leases = read_leases(writer)
        for name, token in list(self._tokens.items()):
            held = leases.get(name)
            if held is None or (held.holder, held.token) != (self._holder, token):
                del self._tokens[name]
        return leases, self._watch.look(leases)

    def renew(self, writer: Writer) -> None:
        """Stay the holder of what we hold, and be known as a worker."""
        expires_ms = to_ms(self._clock.now() + EXPIRY)
        table = schema.lease
        for name, token in list(self._tokens.items()):
            ours = (table.c.name == name, table.c.holder == self._holder, table.c.token == token)
            # never the same twice: who looks sees by the change that we are there
            later = update(table).where(*ours, table.c.expires_ms != expires_ms)
            if not writer.change(later.values(expires_ms=expires_ms)):
                moved = update(table).where(*ours).values(expires_ms=expires_ms + 1)
                if not writer.change(moved):
                    del self._tokens[name]
        writer.put(table, [(f"{_WORKER}{self._holder}", self._holder, 1, expires_ms)])

    def take(self, writer: Writer, names: Iterable[str], leases: Mapping[str, Held]) -> list[str]:
        """Take these leases, which nobody holds, as they were seen; return those that we have now.

        One that somebody else is just taking, or that a transaction of its last holder still
        leans on, is passed over.
        """
        return [name for name in names if self._take(writer, name, leases.get(name))]

    def _take(self, writer: Writer, name: str, seen: Held | None) -> bool:
        table, now = schema.lease, self._clock.now()
        if seen is None:
            writer.add_new(table, [(name, "", 0, to_ms(now))])
        wanted = select(table).where(table.c.name == name).with_for_update(skip_locked=True)
        rows = writer.rows(wanted)
        if not rows:
            return False
        row = rows[0]
        expected = ("", 0) if seen is None else (seen.holder, seen.token)
        if (row.holder, row.token) != expected:
            return False
        if seen is not None and row.expires_ms != to_ms(seen.expires_at):
            return False
        token = row.token + 1
        writer.put(table, [(name, self._holder, token, to_ms(now + EXPIRY))])
        self._tokens[name] = token
        return True

    def acquire(self, name: str) -> bool:
        """Take one lease if it is free, renew it if it is ours; return whether we have it."""

        def work(writer: Writer) -> None:
            leases, alive = self.look(writer)
            self.renew(writer)
            if name not in self._tokens and name not in alive:
                self.take(writer, [name], leases)

        self._store.taking_in(work, quiet=True)
        return name in self._tokens

    def release(self, names: Collection[str]) -> None:
        """Let go at once, so that another need not wait."""
        table = schema.lease
        tokens = {name: self._tokens.pop(name, None) for name in names}

        def work(writer: Writer) -> None:
            for name, token in tokens.items():
                ours = (table.c.name == name, table.c.holder == self._holder)
                free = update(table).where(*ours, table.c.token == token)
                writer.change(free.values(holder="", expires_ms=to_ms(self._clock.now())))

        self._store.taking_in(work, quiet=True)

    def leave(self) -> None:
        """Let go of everything, and be a worker no more."""
        self.release(self.mine)
        name = f"{_WORKER}{self._holder}"
        gone = delete(schema.lease).where(schema.lease.c.name == name)
        self._store.taking_in(lambda writer: writer.change(gone), quiet=True)

    def bury(self, writer: Writer, leases: Mapping[str, Held], alive: Collection[str]) -> None:
        """Forget workers that are there no more."""
        for name, held in leases.items():
            if name.startswith(_WORKER) and name not in alive:
                same = schema.lease.c.expires_ms == to_ms(held.expires_at)
                writer.change(delete(schema.lease).where(schema.lease.c.name == name, same))

    def unsure(self) -> None:
        """The store could not be reached: what did not change meanwhile proves nothing."""
        self._watch.forget()

    def guard(self, writer: Writer, names: Collection[str]) -> None:
        """Raise LeaseLostError, inside a transaction, when we do not hold all of these leases.

        Nobody takes one of them before the transaction has ended.
        """
        table = schema.lease
        wanted = select(table).where(table.c.name.in_(names))
        rows = writer.rows(wanted.with_for_update(read=True, key_share=True))
        found = {row.name: row for row in rows}
        for name in names:
            row, token = found.get(name), self._tokens.get(name)
            if token is None or row is None or (row.holder, row.token) != (self._holder, token):
                who = (row.holder if row is not None else "") or "nobody"
                raise LeaseLostError(f"{name}: held by {who} now; this process stores nothing")
