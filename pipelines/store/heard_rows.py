"""How each source is doing, as rows: what one process says and every process shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What asking a source, or listening to it, came to.

    ``up_since`` is the first success behind the last failure; ``down_since`` the first failure
    behind the last success, with the latest ``problem``. ``last_problem`` is kept for reading
    when the source is back, and ``problem_at`` is when it was last seen.
    """

    up_since: datetime | None = None
    last_success: datetime | None = None
    down_since: datetime | None = None
    problem: str | None = None
    last_problem: str | None = None
    problem_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """What became of a canary: when it was sent, how long it took, and why it failed if it did.

    ``was_sent`` is False when there was nothing to send yet, which is no failure.
    """

    at: datetime
    took_ms: float
    problem: str | None = None
    was_sent: bool = True


def heard_row(source: str, heard: Heard) -> tuple[Any, ...]:
    """The row of a source."""
    return (
        source,
        _ms(heard.up_since),
        _ms(heard.last_success),
        _ms(heard.down_since),
        heard.problem,
        heard.last_problem,
        _ms(heard.problem_at),
    )


def heard_in(reader: Reader) -> dict[str, Heard]:
    """How every source is doing that some process takes or took in, by source."""
    return {
        row.source: Heard(
            up_since=_at(row.up_since_ms),
            last_success=_at(row.success_ms),
            down_since=_at(row.down_since_ms),
            problem=row.problem,
            last_problem=row.last_problem,
            problem_at=_at(row.problem_ms),
        )
        for row in reader.rows(select(schema.heard))
    }


def rehearsal_row(source: str, sent: Rehearsal) -> tuple[Any, ...]:
    """The row of the last canary of a source."""
    return (source, to_ms(sent.at), sent.took_ms, sent.problem, sent.was_sent)


def rehearsals_in(reader: Reader) -> dict[str, Rehearsal]:
    """What became of the last canary of every source, by source."""
    return {
        row.source: Rehearsal(
            at=from_ms(row.at_ms),
            took_ms=row.took_ms,
            problem=row.problem,
            was_sent=row.was_sent,
        )
        for row in reader.rows(select(schema.canary))
    }


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def _at(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
