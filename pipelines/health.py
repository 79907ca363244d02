"""How each source is doing: going down and coming back are said once, not at every poll."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipelines.snapshot import SourceHealth, SourceState
from pipelines.sources import Source
from pipelines.store.rows import from_ms

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Polled:
    """What polling a source came to: since when it is down, and why."""

    last_success: datetime | None = None
    down_since: datetime | None = None
    problem: str | None = None


class Health:
    """Remembers, by source, the last success and the present trouble. Safe from any thread."""

    def __init__(self) -> None:
        self._polled: dict[str, _Polled] = {}
        self._lock = threading.Lock()
        self._changes = 0

    @property
    def changes(self) -> int:
        """How often a source went down or came back."""
        return self._changes

    def succeeded(self, source: str, *, now: datetime) -> None:
        """The source answered, with or without news."""
        with self._lock:
            before = self._polled.get(source, _Polled())
            self._polled[source] = _Polled(last_success=now)
            if before.down_since is not None:
                self._changes += 1
                logger.warning("source %s is back, down since %s", source, before.down_since)

    def failed(self, source: str, problem: str, *, now: datetime) -> None:
        """The source could not be reached or read."""
        with self._lock:
            before = self._polled.get(source, _Polled())
            self._polled[source] = replace(
                before, down_since=before.down_since or now, problem=problem
            )
            if before.down_since is None:
                self._changes += 1
                logger.warning("source %s is down: %s", source, problem)

    def report(
        self, sources: Sequence[Source], delivered: Mapping[str, Any], *, now: datetime
    ) -> tuple[SourceHealth, ...]:
        """One line a source; ``delivered`` holds the store's rows by source."""
        with self._lock:
            polled = dict(self._polled)
        return tuple(
            _line(source, delivered.get(source.id), polled.get(source.id, _Polled()), now)
            for source in sources
        )


def _line(source: Source, row: Any, polled: _Polled, now: datetime) -> SourceHealth:
    last = from_ms(row.last_recorded_ms) if row is not None else None
    state = _state(source, last, polled, now)
    return SourceHealth(
        id=source.id,
        names=source.names,
        state=state,
        last_record_at=last,
        state_since=polled.down_since if state is SourceState.DOWN else last,
        quarantined=row.quarantined if row is not None else 0,
        problem=polled.problem,
    )


def _state(source: Source, last: datetime | None, polled: _Polled, now: datetime) -> SourceState:
    if polled.down_since is not None:
        return SourceState.DOWN
    if source.replay is not None and source.replay.has_ended:
        return SourceState.ENDED
    if last is None:
        return SourceState.WAITING
    if source.silence is not None and now - last > source.silence:
        return SourceState.SILENT
    return SourceState.LIVE
