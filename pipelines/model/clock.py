"""The clocks of the 135 loop: what a target asks, and what became of it.

Definitions: KPI contract, sections 2 and 3.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from itertools import product
from typing import NamedTuple

from pipelines.model.fact import Reason
from pipelines.model.incident import Incident
from pipelines.model.milestone import PREDECESSOR, TARGETED, Milestone
from pipelines.model.rules import Rules
from pipelines.model.stamp import Method, Stamp


class Reading(StrEnum):
    """Where a target's clock starts."""

    CUMULATIVE = "cumulative"
    """累计: all from t0."""
    STAGED = "staged"
    """分段: each stage from the end of the one before."""


CLOCKS: tuple[tuple[Milestone, Reading], ...] = (
    *product(TARGETED, Reading),
    (Milestone.RESOLVED, Reading.CUMULATIVE),
)
"""Every target of the 135 loop is read both ways; that of handling (办结) from t0 only."""


class Verdict(StrEnum):
    """What became of one target of one incident, as of a moment."""

    HIT = "hit"
    MISS = "miss"
    UNKNOWN = "unknown"
    PENDING = "pending"
    QUARANTINED = "quarantined"
    EXCLUDED = "excluded"


class Mark(IntEnum):
    """What else is to be said about an outcome, one bit each; marks are added."""

    INDETERMINATE = 1
    """The precision of the stamps, or unlike clocks, make a hit or a miss uncertain."""
    OPEN_MISS = 2
    """A miss because it is still open; unknown, if its source were silent."""
    OPEN_PENDING = 4
    """Waits for a stage to begin; unknown, if its source were silent."""
    CANCELLED = 8
    """The incident was cancelled by then."""
    DOWNGRADED = 16
    """Of the emergency class at dispatch, and of another one now."""
    BACKFILLED = 32
    """A stamp of the clock was entered afterwards."""
    RETURNED = 64
    """The case had been handed back by then (退单)."""


class ClockState(StrEnum):
    """How a running clock looks to a dispatcher."""

    RUNNING = "running"
    WARNING = "warning"
    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class Outcome(NamedTuple):
    """A verdict with what is needed to explain it.

    ``seconds`` is the measured duration, when both ends are known. ``reason`` is a key of the
    text files, or the ledger's reason for an excluded case. ``marks`` is a sum of ``Mark``.
    """

    verdict: Verdict
    reason: str
    start: datetime | None = None
    deadline: datetime | None = None
    seconds: int | None = None
    marks: int = 0

    @property
    def indeterminate(self) -> bool:
        """True when nobody can be sure of the hit or miss."""
        return bool(self.marks & Mark.INDETERMINATE)


def judge(
    incident: Incident,
    milestone: Milestone,
    reading: Reading,
    rules: Rules,
    *,
    now: datetime,
    source_alive: bool = True,
) -> Outcome:
    """Say what became of one target at ``now``, by what had happened until then.

    A stamp after ``now`` has not happened yet. ``source_alive`` is False when the source has
    been silent for longer than expected, so that a missing arrival proves nothing.
    """
    standing = _standing(incident, rules, now, source_alive)
    return _outcome(standing, milestone, reading)


def outcomes(
    incident: Incident, rules: Rules, *, now: datetime, source_alive: bool = True
) -> list[Outcome]:
    """The outcome of every clock, in the order of ``CLOCKS``; see :func:`judge`."""
    standing = _standing(incident, rules, now, source_alive)
    return [_outcome(standing, milestone, reading) for milestone, reading in CLOCKS]


def settles_at(incident: Incident, rules: Rules) -> datetime:
    """The moment from which no verdict of the incident can change by time alone.

    That holds while its source is alive; what changes when it falls silent is marked
    ``OPEN_MISS`` and ``OPEN_PENDING``.
    """
    stamps = incident.stamps
    t0 = incident.t0.at
    latest = t0
    for milestone in _DECISIVE:
        stamp = stamps.get(milestone)
        if stamp is not None and stamp.at > latest:
            latest = stamp.at
    for moment in (incident.closed_at, incident.returned_at):
        if moment is not None and moment > latest:
            latest = moment
    for milestone in _CLOCKED:
        if milestone in stamps or rules.exclusion(incident, milestone) is not None:
            continue
        # At its deadline a clock is still pending; a second later it is not.
        for start in (t0, _end_before(incident, milestone)):
            deadline = None if start is None else rules.deadline(start, incident, milestone)
            if deadline is not None and deadline + _SECOND > latest:
                latest = deadline + _SECOND
    return latest


def state_of(outcome: Outcome, *, now: datetime, warning_share: float) -> ClockState:
    """How the clock looks at ``now``; it warns once ``warning_share`` of the target is used."""
    plain = _STATES.get(outcome.verdict)
    if plain is not None:
        return plain
    if outcome.start is None or outcome.deadline is None:
        return ClockState.RUNNING
    used = (now - outcome.start) / (outcome.deadline - outcome.start)
    return ClockState.WARNING if used >= warning_share else ClockState.RUNNING


_SECOND = timedelta(seconds=1)
_CLOCKED = (*TARGETED, Milestone.RESOLVED)
_DECISIVE = (*_CLOCKED, Milestone.CANCELLED)

_STATES = {
    Verdict.HIT: ClockState.MET,
    Verdict.MISS: ClockState.MISSED,
    Verdict.UNKNOWN: ClockState.UNKNOWN,
    Verdict.QUARANTINED: ClockState.UNKNOWN,
    Verdict.EXCLUDED: ClockState.NOT_APPLICABLE,
}


def _end_before(incident: Incident, milestone: Milestone) -> datetime | None:
    before = PREDECESSOR.get(milestone)
    stamp = incident.stamps.get(before) if before is not None else None
    return None if stamp is None else stamp.at


class _Standing(NamedTuple):
    """What is the same for all clocks of one incident at one moment."""

    incident: Incident
    rules: Rules
    t0: Stamp
    happened: Mapping[Milestone, Stamp]
    closed: bool
    now: datetime
    source_alive: bool
    marks: int


def _standing(incident: Incident, rules: Rules, now: datetime, source_alive: bool) -> _Standing:
    closed = incident.closed_at is not None and incident.closed_at <= now
    happened = incident.stamps
    if any(stamp.at > now for stamp in happened.values()):
        happened = {m: stamp for m, stamp in happened.items() if stamp.at <= now}
    marks = Mark.CANCELLED.value if Milestone.CANCELLED in happened else 0
    if incident.kind != incident.kind_at_dispatch and rules.is_downgraded(incident):
        marks |= Mark.DOWNGRADED.value
    if incident.returned_at is not None and incident.returned_at <= now:
        marks |= Mark.RETURNED.value
    return _Standing(incident, rules, incident.t0, happened, closed, now, source_alive, marks)


def _outcome(standing: _Standing, milestone: Milestone, reading: Reading) -> Outcome:
    incident, rules = standing.incident, standing.rules
    excluded = rules.exclusion(incident, milestone)
    if excluded is not None:
        return Outcome(Verdict.EXCLUDED, excluded)
    start = _start(standing, milestone, reading)
    stop = standing.happened.get(milestone)
    if start is None:
        return _without_start(standing, stop)
    deadline = rules.deadline(start.at, incident, milestone)
    if deadline is None:
        return Outcome(Verdict.UNKNOWN, "calendar_missing", start.at, marks=standing.marks)
    if stop is not None:
        return _measured(standing, start, stop, deadline)
    return _not_reached(standing, start, deadline)


def _start(standing: _Standing, milestone: Milestone, reading: Reading) -> Stamp | None:
    if reading is Reading.CUMULATIVE or milestone not in PREDECESSOR:
        return standing.t0
    return standing.happened.get(PREDECESSOR[milestone])


def _not_reached(standing: _Standing, start: Stamp, deadline: datetime) -> Outcome:
    cancelled, marks = standing.happened.get(Milestone.CANCELLED), standing.marks
    if cancelled is not None and cancelled.at <= deadline:
        return Outcome(Verdict.EXCLUDED, Reason.CANCELLED_IN_TIME, start.at, deadline)
    if cancelled is not None:
        return Outcome(Verdict.MISS, "cancelled_late", start.at, deadline, None, marks)
    if standing.now <= deadline:
        return Outcome(Verdict.PENDING, "inside_target", start.at, deadline, None, marks)
    if standing.closed:
        return Outcome(Verdict.UNKNOWN, "closed_without_stamp", start.at, deadline, None, marks)
    if not standing.source_alive:
        return Outcome(Verdict.UNKNOWN, "source_silent", start.at, deadline, None, marks)
    marks |= Mark.OPEN_MISS.value
    return Outcome(Verdict.MISS, "open_past_target", start.at, deadline, None, marks)


def _without_start(standing: _Standing, stop: Stamp | None) -> Outcome:
    """The staged reading of a stage whose beginning was never recorded."""
    marks = standing.marks
    if stop is not None:
        return Outcome(Verdict.UNKNOWN, "stage_start_missing", marks=marks)
    if Milestone.CANCELLED in standing.happened:
        return Outcome(Verdict.EXCLUDED, Reason.CANCELLED_IN_TIME)
    if standing.closed:
        return Outcome(Verdict.UNKNOWN, "closed_without_stamp", marks=marks)
    if not standing.source_alive:
        return Outcome(Verdict.UNKNOWN, "source_silent", marks=marks)
    return Outcome(Verdict.PENDING, "stage_not_started", marks=marks | Mark.OPEN_PENDING.value)


def _measured(standing: _Standing, start: Stamp, stop: Stamp, deadline: datetime) -> Outcome:
    took = stop.at - start.at
    marks = standing.marks
    if start.method is Method.BACKFILLED or stop.method is Method.BACKFILLED:
        marks |= Mark.BACKFILLED.value
    if start.precision_s != 1 or stop.precision_s != 1:
        if stop.latest - start.at <= -_SECOND:
            return _backwards(standing, start, deadline, marks)
        limit = deadline - start.at
        if (stop.at - start.latest <= limit) != (stop.latest - start.at <= limit):
            marks |= Mark.INDETERMINATE.value
    elif took <= -_SECOND:
        return _backwards(standing, start, deadline, marks)
    hit = stop.at <= deadline
    skew = standing.rules.skew.get(standing.incident.source)
    if skew is not None and (stop.at - skew <= deadline) != (stop.at + skew <= deadline):
        marks |= Mark.INDETERMINATE.value
    return Outcome(
        Verdict.HIT if hit else Verdict.MISS,
        "in_time" if hit else "late",
        start.at,
        deadline,
        max(0, took // _SECOND),
        marks,
    )


def _backwards(standing: _Standing, start: Stamp, deadline: datetime, marks: int) -> Outcome:
    """The stop lies before the start; where that is only our receipt, the report may be late."""
    late = start is standing.t0 and Milestone.REPORTED not in standing.incident.stamps
    reason = "before_received" if late else "negative_duration"
    return Outcome(Verdict.QUARANTINED, reason, start.at, deadline, None, marks)
