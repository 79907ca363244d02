"""How each source is doing: going down and coming back are said once, not at every poll."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.feeds.arrivals import NO_RHYTHM, Delay, Rhythm, Rhythms, all_delays, behind
from pipelines.feeds.sources import Source
from pipelines.leases.lease import Watch, read_leases
from pipelines.snapshot import SourceHealth, SourceState
from pipelines.store.heard_rows import (
    Heard,
    Rehearsal,
    heard_in,
    rehearsals_in,
)
from pipelines.store.rows import from_ms
from pipelines.store.store import Reader

logger = logging.getLogger(__name__)


NOTED_EVERY_S = 5.0
"""How often a success is written down that changes nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attendance:
    """Who takes a source in: ``holder``, as it calls itself, or nobody ``since`` then."""

    holder: str | None = None
    since: datetime | None = None

    @property
    def is_unattended(self) -> bool:
        """Whether nobody takes the source in, whatever it delivers."""
        return self.holder is None


class Health:
    """Remembers, by source, the last success and the present trouble. Safe from any thread.

    Of the sources that this process takes in (``is_ours``) it knows by itself; of the others what
    their process has written into the store, since the last :meth:`look`. ``claims`` names the
    lease of each source that has one, and ``tells_since_when`` says that the times of leases are
    those of the product. ``on_change`` is called when a source goes down or comes
    back. A source whose lease nobody ever held counts as attended where ``attends``: by a process
    that is about to take it.
    """

    def __init__(self, *, attends: bool = True) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self.is_ours: Callable[[str], bool] = lambda _: True
        self.claims: Mapping[str, str] = {}
        self.tells_since_when = True
        self._attends = attends
        self._heard: dict[str, Heard] = {}
        self._rehearsed: dict[str, Rehearsal] = {}
        self._told: Mapping[str, Heard] = {}
        self._attended: Mapping[str, Attendance] = {}
        self._delays: Mapping[str, tuple[Delay, ...]] = {}
        self._noted: dict[str, tuple[Heard, float]] = {}
        self._watch = Watch()
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
            if before.down_since is None:
                return
            self._changes += 1
        logger.warning("source %s is back, down since %s", source, before.down_since)
        self.on_change()

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
            if before.down_since is not None:
                return
            self._changes += 1
        logger.warning("source %s is down: %s", source, problem)
        self.on_change()

    def rehearsed(self, source: str, rehearsal: Rehearsal) -> None:
        """A canary came back, or did not."""
        with self._lock:
            before = self._rehearsed.get(source)
            self._rehearsed[source] = rehearsal
            self._changes += 1
        if rehearsal.problem is not None and (before is None or before.problem is None):
            logger.warning("source %s: the canary did not return: %s", source, rehearsal.problem)

    def adopt(self, reader: Reader, source: str) -> None:
        """Go on from what the last process said that took this source in."""
        told = heard_in(reader).get(source)
        if told is not None:
            with self._lock:
                self._heard[source] = told

    def news(self, sources: Collection[str]) -> dict[str, Heard]:
        """How these sources are doing, where the others do not know it yet.

        News is what went down, came back, or has another problem; a success alone is one every
        few seconds.
        """
        at = time.monotonic()
        with self._lock:
            known = {name: self._heard[name] for name in sources if name in self._heard}
            return {
                name: heard
                for name, heard in known.items()
                if _is_news(heard, *self._noted.get(name, (None, 0.0)), at=at)
            }

    def is_urgent(self, news: Mapping[str, Heard]) -> bool:
        """Whether screens are to show it at once: one went down, came back, or is told first."""
        with self._lock:
            before = {name: self._noted[name][0] for name in news if name in self._noted}
        return any(
            name not in before or _trouble(heard) != _trouble(before[name])
            for name, heard in news.items()
        )

    def noted(self, news: Mapping[str, Heard]) -> None:
        """The others can know this now."""
        at = time.monotonic()
        with self._lock:
            self._noted |= {name: (heard, at) for name, heard in news.items()}

    def look(self, reader: Reader) -> None:
        """Learn how the sources of other processes are doing, and who takes which in."""
        told = heard_in(reader)
        rehearsed = rehearsals_in(reader)
        delays = all_delays(reader)
        leases = read_leases(reader)
        alive = self._watch.look(leases)
        attended = {}
        for source, claim in self.claims.items():
            held = leases.get(claim)
            if held is None:
                attended[source] = Attendance(holder="" if self._attends else None)
            elif claim in alive:
                attended[source] = Attendance(holder=held.holder)
            else:
                since = held.left_at if self.tells_since_when else None
                attended[source] = Attendance(since=since)
        with self._lock:
            self._told, self._attended, self._delays = told, attended, delays
            for name, rehearsal in rehearsed.items():
                own = self._rehearsed.get(name)
                if own is None or own.at < rehearsal.at:
                    self._rehearsed[name] = rehearsal

    def heard(self, source: str) -> Heard:
        """What asking one source came to."""
        with self._lock:
            return self._known(source)

    def rehearsal(self, source: str) -> Rehearsal | None:
        """What became of the last canary of one source."""
        with self._lock:
            return self._rehearsed.get(source)

    def attendance(self, source: str) -> Attendance:
        """Who takes a source in; of one without a lease, whoever is asked."""
        with self._lock:
            return self._attended.get(source, Attendance(holder=""))

    def _known(self, source: str) -> Heard:
        known = self._heard if self.is_ours(source) else self._told
        return known.get(source, Heard())

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
            heard = {source.id: self._known(source.id) for source in sources}
        known = rhythms or {}
        return tuple(
            _line(
                source,
                delivered.get(source.id),
                heard[source.id],
                self.attendance(source.id),
                behind(self._delays.get(source.id, ()), now=now),
                known.get(source.id, NO_RHYTHM),
                now,
            )
            for source in sources
        )


def _line(
    source: Source,
    row: Any,
    heard: Heard,
    attended: Attendance,
    late: timedelta | None,
    rhythm: Rhythm,
    now: datetime,
) -> SourceHealth:
    last = last_record(row)
    state = _state(source, last, heard, rhythm, now)
    since = heard.down_since if state is SourceState.DOWN else last
    if attended.is_unattended:
        state, since = SourceState.UNATTENDED, attended.since
    return SourceHealth(
        id=source.id,
        names=source.names,
        state=state,
        last_record_at=last,
        state_since=since,
        quarantined=row.quarantined if row is not None else 0,
        problem=heard.problem,
        behind=late,
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


def _trouble(heard: Heard) -> tuple[datetime | None, str | None]:
    return heard.down_since, heard.problem


def _is_news(heard: Heard, before: Heard | None, noted_s: float, *, at: float) -> bool:
    if before is None:
        return True
    if heard == before:
        return False
    same_but_later = replace(heard, last_success=before.last_success, problem_at=before.problem_at)
    return same_but_later != before or at - noted_s >= NOTED_EVERY_S
