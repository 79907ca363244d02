"""How each source is doing: going down and coming back are said once, not at every poll."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.arrivals import NO_RHYTHM, Rhythm, Rhythms
from pipelines.snapshot import SourceHealth, SourceState
from pipelines.sources import Source
from pipelines.store.rows import from_ms
from pipelines.store.store import Reader

logger = logging.getLogger(__name__)


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


class Health:
    """Remembers, by source, the last success and the present trouble. Safe from any thread."""

    def __init__(self) -> None:
        self._heard: dict[str, Heard] = {}
        self._rehearsed: dict[str, Rehearsal] = {}
        self._rhythms = Rhythms()
        self._lock = threading.Lock()
        self._changes = 0

    @property
    def changes(self) -> int:
        """How often a source went down or came back, or a canary returned."""
        return self._changes

    def succeeded(self, source: str, *, now: datetime) -> None:
        """The source answered, with or without news."""
        with self._lock:
            before = self._heard.get(source, Heard())
            since = before.up_since if before.down_since is None else None
            self._heard[source] = replace(
                before, last_success=now, up_since=since or now, down_since=None, problem=None
            )
            if before.down_since is not None:
                self._changes += 1
                logger.warning("source %s is back, down since %s", source, before.down_since)

    def failed(self, source: str, problem: str, *, now: datetime) -> None:
        """The source could not be reached or read."""
        with self._lock:
            before = self._heard.get(source, Heard())
            self._heard[source] = replace(
                before,
                down_since=before.down_since or now,
                problem=problem,
                last_problem=problem,
                problem_at=now,
            )
            if before.down_since is None:
                self._changes += 1
                logger.warning("source %s is down: %s", source, problem)

    def rehearsed(self, source: str, rehearsal: Rehearsal) -> None:
        """A canary came back, or did not."""
        with self._lock:
            before = self._rehearsed.get(source)
            self._rehearsed[source] = rehearsal
            self._changes += 1
        if rehearsal.problem is not None and (before is None or before.problem is None):
            logger.warning("source %s: the canary did not return: %s", source, rehearsal.problem)

    def heard(self, source: str) -> Heard:
        """What asking one source came to."""
        with self._lock:
            return self._heard.get(source, Heard())

    def rehearsal(self, source: str) -> Rehearsal | None:
        """What became of the last canary of one source."""
        with self._lock:
            return self._rehearsed.get(source)

    def rhythms(
        self, reader: Reader, sources: Sequence[Source], zone: ZoneInfo, *, now: datetime
    ) -> Mapping[str, Rhythm]:
        """How each source usually delivers; read anew every few minutes."""
        with self._lock:
            return self._rhythms.read(reader, [source.id for source in sources], zone, now=now)

    def report(
        self,
        sources: Sequence[Source],
        delivered: Mapping[str, Any],
        *,
        now: datetime,
        rhythms: Mapping[str, Rhythm] | None = None,
    ) -> tuple[SourceHealth, ...]:
        """One line a source; ``delivered`` holds the store's rows by source.

        Without ``rhythms`` only a source whose block sets ``silence`` can be silent.
        """
        with self._lock:
            heard = dict(self._heard)
        known = rhythms or {}
        return tuple(
            _line(
                source,
                delivered.get(source.id),
                heard.get(source.id, Heard()),
                known.get(source.id, NO_RHYTHM),
                now,
            )
            for source in sources
        )


def _line(source: Source, row: Any, heard: Heard, rhythm: Rhythm, now: datetime) -> SourceHealth:
    last = last_record(row)
    state = _state(source, last, heard, rhythm, now)
    return SourceHealth(
        id=source.id,
        names=source.names,
        state=state,
        last_record_at=last,
        state_since=heard.down_since if state is SourceState.DOWN else last,
        quarantined=row.quarantined if row is not None else 0,
        problem=heard.problem,
    )


def last_record(row: Any) -> datetime | None:
    """When a source last delivered something, by the store's row about it."""
    if row is None or row.last_recorded_ms is None:
        return None
    return from_ms(row.last_recorded_ms)


def _state(
    source: Source, last: datetime | None, heard: Heard, rhythm: Rhythm, now: datetime
) -> SourceState:
    if heard.down_since is not None:
        return SourceState.DOWN
    if source.replay is not None and source.replay.has_ended:
        return SourceState.ENDED
    if last is None:
        return SourceState.WAITING
    if source.silence is not None:  # what the block says is known better than what we guess
        return SourceState.SILENT if now - last > source.silence else SourceState.LIVE
    return SourceState.SILENT if rhythm.is_silent(last, now) else SourceState.LIVE
