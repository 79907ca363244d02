"""The audit log: append-only, each entry sealed with the hash of the one before it.

An entry that is changed, taken out or put in breaks the chain from there on; one that is cut off
at the end is noticed by whoever kept the last hash (``app.py audit verify`` prints it). Old entries
go only by :meth:`Audit.trim`, whose own entry holds the seal that what is left must follow.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select

from dashboard.access.engine import changing
from dashboard.access.tables import audit
from pipelines.privacy.privacy_settings import LOGS_KEPT
from pipelines.store.rows import from_ms, to_ms

KEPT = LOGS_KEPT

_SEAL = "grid135:audit"
_CHUNK = 2000
_LARGEST = 2**31 - 1
"""The largest number that a database can compare an entry's with."""


class Act(StrEnum):
    """What can be done that is worth remembering."""

    LOGGED_IN = "logged_in"
    REFUSED = "refused"
    LOCKED = "locked"
    LOGGED_OUT = "logged_out"
    INVITED = "invited"
    PASSWORD_SET = "password_set"
    ROLE_CHANGED = "role_changed"
    SCOPE_CHANGED = "scope_changed"
    UNLOCKED = "unlocked"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_REOPENED = "account_reopened"
    WALL_ADDED = "wall_added"
    WALL_REVOKED = "wall_revoked"
    REVEALED = "revealed"
    REVEAL_REFUSED = "reveal_refused"
    EXPORTED = "exported"
    LOOKED = "looked"
    NOTED = "noted"
    PINNED = "pinned"
    UNPINNED = "unpinned"
    HANDED_OVER = "handed_over"
    TAKEN_OVER = "taken_over"
    CANARY_SENT = "canary_sent"
    CONFIG_LOADED = "config_loaded"
    PURGED = "purged"
    TRIMMED = "trimmed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of the log."""

    number: int
    at: datetime
    who: str
    act: str
    about: str
    detail: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What verifying came to: ``broken`` is the number of the first entry that does not fit.

    ``since`` is when the first entry was written that is still there.
    """

    entries: int
    broken: int | None
    last: str
    since: datetime | None = None


class Audit:
    """Writes and checks the log."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self,
        act: Act,
        *,
        who: str,
        now: datetime,
        about: str = "",
        detail: Mapping[str, Any] | None = None,
        within: Connection | None = None,
    ) -> None:
        """Add an entry, in the transaction it belongs to when there is one.

        ``detail`` must hold nothing personal: the log is read by auditors, and kept.
        """
        if within is not None:
            _append(within, act, who, now, about, detail or {})
            return
        with changing(self._engine) as connection:
            _append(connection, act, who, now, about, detail or {})

    def count(self, act: Act, *, who: str, since: datetime, within: Connection) -> int:
        """How often somebody has done something since a moment."""
        query = (
            select(func.count())
            .select_from(audit)
            .where(audit.c.act == act.value, audit.c.who == who, audit.c.at_ms > to_ms(since))
        )
        return int(within.execute(query).scalar_one())

    def entries(
        self,
        *,
        limit: int = 100,
        who: str | None = None,
        act: str | None = None,
        before: int | None = None,
    ) -> list[Entry]:
        """The last entries, newest first; of somebody, of one act, or before a number."""
        query = select(audit).order_by(audit.c.number.desc()).limit(limit)
        if who is not None:
            query = query.where(audit.c.who == who)
        if act is not None:
            query = query.where(audit.c.act == act)
        if before is not None:
            query = query.where(audit.c.number < min(before, _LARGEST))
        with self._engine.begin() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def about(self, subject: str, *, limit: int = 100) -> list[Entry]:
        """The last entries about one thing, newest first."""
        query = select(audit).where(audit.c.about == subject)
        with self._engine.begin() as connection:
            rows = connection.execute(query.order_by(audit.c.number.desc()).limit(limit))
            return [_entry(row) for row in rows]

    def verify(self) -> Checked:
        """Recompute every seal, from the first entry or from what the last trim vouches for."""
        entries, broken, number, since = 0, None, 0, None
        last: str | None = None
        with self._engine.begin() as connection:
            few = connection.execution_options(yield_per=_CHUNK)
            for row in few.execute(select(audit).order_by(audit.c.number)):
                if not entries:
                    last, since = _before(connection, row.number), from_ms(row.at_ms)
                fits = last is not None and row.hash == _seal(last, dict(row._mapping))
                follows = not entries or row.number == number + 1
                if broken is None and not (fits and follows):
                    broken = row.number
                entries, number, last = entries + 1, row.number, row.hash
        return Checked(entries=entries, broken=broken, last=last or "", since=since)

    def trim(self, *, now: datetime, kept: timedelta = KEPT) -> int:
        """Forget what is older than ``kept``; the entry that says so seals what went before.

        Raises ValueError for less than 180 days.
        """
        if kept < KEPT:
            raise ValueError(f"kept = {kept}: logs must be kept for at least {KEPT.days} days")
        with changing(self._engine) as connection:
            old = audit.c.at_ms < to_ms(now - kept)
            gone = connection.execute(
                select(audit.c.number, audit.c.hash).where(old).order_by(audit.c.number)
            ).all()
            if gone:
                # appended before anything goes: what is left always begins with a proof
                detail = {"entries": len(gone), "until": gone[-1].number, "sealed": gone[-1].hash}
                _append(connection, Act.TRIMMED, "grid135", now, "", detail)
                connection.execute(delete(audit).where(audit.c.number <= gone[-1].number))
            return len(gone)


def _append(
    connection: Connection,
    act: Act,
    who: str,
    now: datetime,
    about: str,
    detail: Mapping[str, Any],
) -> None:
    query = select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
    last = connection.execute(query).one_or_none()
    row = {
        "number": last.number + 1 if last else 1,
        "at_ms": to_ms(now),
        "who": who,
        "act": act.value,
        "about": about,
        "detail": json.dumps(detail, sort_keys=True, ensure_ascii=False),
    }
    row["hash"] = _seal(last.hash if last else "", row)
    connection.execute(insert(audit).values(**row))


def _seal(before: str, row: Mapping[str, Any]) -> str:
    said = [before, *(row[name] for name in ("number", "at_ms", "who", "act", "about", "detail"))]
    text = json.dumps([_SEAL, *said], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _before(connection: Connection, number: int) -> str | None:
    """The seal that the first entry follows; None when nothing vouches for what is gone."""
    if number == 1:
        return ""
    trims = select(audit.c.detail).where(audit.c.act == Act.TRIMMED.value)
    for text in connection.execute(trims).scalars().all():
        detail = json.loads(text)
        if detail.get("until") == number - 1:
            return str(detail["sealed"])
    return None


def _entry(row: Any) -> Entry:
    return Entry(
        number=row.number,
        at=from_ms(row.at_ms),
        who=row.who,
        act=row.act,
        about=row.about,
        detail=json.loads(row.detail),
        hash=row.hash,
    )
