"""Logins that failed lately, counted by address and by name: whoever fails often has to wait."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, func, insert, select

from dashboard.access.tables import attempt
from pipelines.store.rows import to_ms

LOCKED_FOR = timedelta(minutes=5)


def failed_lately(connection: Connection, peer: str, now: datetime) -> int:
    """How many logins have failed from an address, or of a name, for as long as a lock lasts."""
    lately = and_(attempt.c.peer == peer, attempt.c.at_ms > to_ms(now - LOCKED_FOR))
    query = select(func.count()).select_from(attempt).where(lately)
    return int(connection.execute(query).scalar_one())


def note_failure(connection: Connection, peer: str, now: datetime) -> None:
    """Count one more, and forget those that no longer count."""
    connection.execute(delete(attempt).where(attempt.c.at_ms <= to_ms(now - LOCKED_FOR)))
    connection.execute(insert(attempt).values(peer=peer, at_ms=to_ms(now)))


def as_peer(name: str) -> str:
    """How failures of one name stand beside those of one address; the name itself is not kept."""
    return f"name {hashlib.sha256(name.strip().casefold().encode()).hexdigest()}"
