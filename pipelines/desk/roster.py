"""The roster: every source and how it is doing, for the page of sources and for monitors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pipelines.door import quarantine, unmapped
from pipelines.door.quarantine import Group, Item
from pipelines.door.unmapped import Unmapped
from pipelines.feeds.arrivals import (
    HOUR_MS,
    NO_RHYTHM,
    Hour,
    Rhythm,
    clock_offset,
    delays_of,
    lag,
    recent_hours,
)
from pipelines.feeds.health import Attendance, Health, last_record
from pipelines.feeds.sources import Source
from pipelines.installation import Installation
from pipelines.privacy.clearance import LEAST, Clearance
from pipelines.snapshot import Names, SourceHealth, SourceState
from pipelines.store.heard_rows import Heard, Rehearsal
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader

ITEMS_SHOWN = 100
CODES_SHOWN = 60

_QUIET_AFTER = timedelta(hours=1)
_REFRESH = timedelta(minutes=1)


class Standing(StrEnum):
    """How a source is doing, with quiet told from dead."""

    WAITING = "waiting"
    ACTIVE = "active"
    """Something came within the hour, or silence says nothing about this source yet."""
    QUIET = "quiet"
    """Nothing for an hour or more, as is usual at this time."""
    SILENT = "silent"
    """Nothing, for longer than could be chance."""
    DOWN = "down"
    UNATTENDED = "unattended"
    """No process takes it in."""
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceDetail:
    """One source in full.

    ``lag`` is receipt minus stamp, the median of what came lately; ``clock_offset`` its lower
    envelope (below zero the source's clock is ahead). ``this_hour`` counts since the full hour, and
    ``expected`` is what is usual by now; ``usual_hour`` is what an hour usually brings at this time
    of the week, for a silent source over the time that it has been silent. Both are None while the
    history is too short. ``chance`` is P(nothing since the last record); ``rule`` the silence that
    the source's block allows.
    """

    id: str
    names: Names
    state: SourceState
    standing: Standing
    last_record_at: datetime | None
    last_success_at: datetime | None
    since: datetime | None
    problem: str | None
    last_problem: str | None
    last_problem_at: datetime | None
    lag: timedelta | None
    clock_offset: timedelta | None
    records: int
    this_hour: int
    expected: float | None
    usual_hour: float | None
    chance: float | None
    rule: timedelta | None
    hours: tuple[Hour, ...]
    has_rhythm: bool
    quarantined: int
    flagged: int
    unmapped: int
    canary: Rehearsal | None
    behind: timedelta | None = None
    """How much later than usual its records come now."""
    holder: str | None = None
    """The process that takes it in, as it calls itself; None when nobody does, or everybody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """All sources at ``now``.

    ``is_standby`` says that this process only shows, and ``holders`` who takes the records in: as
    they call themselves. ``may_rehearse``: whoever looks may send canaries.
    """

    now: datetime
    area_names: Names
    time_zone: str
    labels: tuple[str, ...]
    lines: tuple[SourceDetail, ...]
    codes: tuple[Unmapped, ...]
    is_standby: bool
    holders: tuple[str, ...]
    canary_every: timedelta | None
    may_rehearse: bool
    grids_version: str
    next_change_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantineList:
    """What is in quarantine: of one source, or of all when ``source`` is None."""

    now: datetime
    time_zone: str
    source: str | None
    names: Mapping[str, Names]
    total: int
    groups: tuple[Group, ...]
    items: tuple[Item, ...]
    grids_version: str
    labels: tuple[str, ...] = ()
    next_change_at: datetime | None = None


def read_roster(
    reader: Reader,
    installation: Installation,
    health: Health,
    *,
    now: datetime,
    is_standby: bool,
    clearance: Clearance = LEAST,
) -> Roster:
    """How every source is doing, from one consistent view of the store."""
    settings, sources = installation.settings, installation.sources
    zone = settings.area.time_zone
    health.look(reader)
    delivered = reader.sources()
    rhythms = health.rhythms(reader, sources, zone, now=now)
    states = health.report(sources, delivered, now=now, rhythms=rhythms)
    counted = recent_hours(reader, now=now)
    without = unmapped.totals(reader)
    is_whole = installation.desk.within is None
    lines = []
    for source, state in zip(sources, states, strict=True):
        known = rhythms.get(source.id, NO_RHYTHM)
        fresh = Rhythm(
            records=known.records,
            occasions=known.occasions,
            spread=known.spread,
            delays=delays_of(reader, source.id),
        )
        detail = _detail(
            source,
            state,
            delivered.get(source.id),
            health.heard(source.id),
            health.attendance(source.id),
            fresh,
            counted.get(source.id, {}),
            now,
        )
        detail |= {"unmapped": without.get(source.id, 0), "canary": health.rehearsal(source.id)}
        detail |= {"holder": health.attendance(source.id).holder or None}
        lines.append(SourceDetail(**detail))
    return Roster(
        now=now,
        area_names=installation.desk.areas.top.names,
        time_zone=str(zone),
        labels=settings.labels,
        lines=tuple(lines),
        codes=tuple(unmapped.listed(reader, limit=CODES_SHOWN)) if is_whole else (),
        is_standby=is_standby,
        holders=tuple(sorted({line.holder for line in lines if line.holder})),
        canary_every=settings.canary.every,
        may_rehearse=clearance.may_rehearse(asks_who=settings.asks_who),
        grids_version=installation.chart_at(now).cells.version,
        next_change_at=_next_minute(now),
    )


def read_quarantine(
    reader: Reader, installation: Installation, source: str | None, *, now: datetime
) -> QuarantineList:
    """What is in quarantine, newest first, and why, most frequent first.

    Nobody knows where that happened, so it is not there for whoever has a scope.
    """
    is_whole = installation.desk.within is None
    delivered = reader.sources() if is_whole else {}
    rows = delivered.values() if source is None else filter(None, [delivered.get(source)])
    return QuarantineList(
        now=now,
        time_zone=str(installation.settings.area.time_zone),
        source=source,
        names={s.id: s.names for s in installation.sources},
        total=sum(row.quarantined for row in rows),
        groups=tuple(quarantine.groups(reader, source=source)) if is_whole else (),
        items=tuple(quarantine.items(reader, source=source, limit=ITEMS_SHOWN)) if is_whole else (),
        grids_version=installation.chart_at(now).cells.version,
        labels=installation.settings.labels,
    )


def _next_minute(now: datetime) -> datetime:
    width = int(_REFRESH.total_seconds() * 1000)
    return from_ms((to_ms(now) // width + 1) * width)


def _detail(
    source: Source,
    health: SourceHealth,
    row: Any,
    heard: Heard,
    attended: Attendance,
    rhythm: Rhythm,
    counted: Mapping[int, int],
    now: datetime,
) -> dict[str, Any]:
    state, last = health.state, last_record(row)
    hour_ms = to_ms(now) // HOUR_MS * HOUR_MS
    return dict(  # noqa: C408 - the names of SourceDetail
        id=source.id,
        names=source.names,
        state=state,
        standing=_standing(state, last, now),
        last_record_at=last,
        last_success_at=heard.last_success,
        since=_since(state, last, heard, attended),
        problem=heard.problem,
        last_problem=heard.last_problem,
        last_problem_at=heard.problem_at,
        lag=lag(rhythm.delays),
        behind=health.behind,
        clock_offset=clock_offset(rhythm.delays),
        records=row.reports if row is not None else 0,
        this_hour=counted.get(hour_ms, 0),
        expected=rhythm.expected(now),
        usual_hour=_usual_hour(rhythm, last if state is SourceState.SILENT else None, now),
        chance=None if last is None else rhythm.chance_of_nothing(last, now),
        rule=source.silence,
        hours=rhythm.hours(counted, now),
        has_rhythm=rhythm.records is not None,
        quarantined=row.quarantined if row is not None else 0,
        flagged=row.flagged if row is not None else 0,
    )


def _standing(state: SourceState, last: datetime | None, now: datetime) -> Standing:
    if state is not SourceState.LIVE:
        return Standing(state.value)
    is_quiet = last is not None and now - last >= _QUIET_AFTER
    return Standing.QUIET if is_quiet else Standing.ACTIVE


def _since(
    state: SourceState, last: datetime | None, heard: Heard, attended: Attendance
) -> datetime | None:
    """Since when it is down; for one that is up, since when it has been; else its last record."""
    if state is SourceState.UNATTENDED:
        return attended.since
    if state is SourceState.DOWN:
        return heard.down_since
    if state is SourceState.LIVE:
        return heard.up_since
    return last


def _usual_hour(rhythm: Rhythm, last: datetime | None, now: datetime) -> float | None:
    """What an hour usually brings now, or over the silence since ``last``, a day at most."""
    if rhythm.records is None:
        return None
    start = now - timedelta(hours=1)
    if last is not None:
        start = min(start, max(last, now - timedelta(days=1)))
    hours = (now - start) / timedelta(hours=1)
    return rhythm.records.between(to_ms(start), to_ms(now)) / hours
