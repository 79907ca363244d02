"""The clocks of the 135 loop: what a target asks, and what became of it.

Definitions: KPI contract, sections 2 and 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import product
from typing import NamedTuple

from pipelines.model.fact import Reason
from pipelines.model.incident import Incident
from pipelines.model.milestone import PREDECESSOR, TARGETED, Milestone
from pipelines.model.stamp import Stamp


class Reading(StrEnum):
    """Where a target's clock starts."""

    CUMULATIVE = "cumulative"
    """累计: all from t0."""
    STAGED = "staged"
    """分段: each stage from the end of the one before."""


CLOCKS: tuple[tuple[Milestone, Reading], ...] = tuple(product(TARGETED, Reading))
"""Every target is read both ways; a clock is one target in one reading."""


class Verdict(StrEnum):
    """What became of one target of one incident, as of a moment."""

    HIT = "hit"
    MISS = "miss"
    UNKNOWN = "unknown"
    PENDING = "pending"
    QUARANTINED = "quarantined"
    EXCLUDED = "excluded"


class ClockState(StrEnum):
    """How a running clock looks to a dispatcher."""

    RUNNING = "running"
    WARNING = "warning"
    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class KindClass(StrEnum):
    """Whether the 135 clocks apply to a kind of incident."""

    EMERGENCY = "emergency"
    COMPLAINT = "complaint"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """The targets in force and which kinds they apply to.

    ``within`` maps each targeted milestone to its limit; ``within_by_kind`` holds the
    exceptions (smoke alarms are to be reached in 180 s). A kind that is not listed in
    ``classes`` counts as an emergency: a code nobody has mapped must not hide a fire.
    """

    within: Mapping[Milestone, timedelta]
    within_by_kind: Mapping[str, Mapping[Milestone, timedelta]]
    classes: Mapping[str, KindClass]
    warning_share: float = 0.7

    def limit(self, kind: str | None, milestone: Milestone) -> timedelta:
        """The time allowed for ``milestone``, for this kind."""
        special = self.within_by_kind.get(kind or "")
        if special is not None and milestone in special:
            return special[milestone]
        return self.within[milestone]

    def exclusion(self, incident: Incident) -> Reason | None:
        """Why the incident is outside the cohort whatever happens to it, if it is."""
        kind = incident.kind_at_dispatch or ""
        if self.classes.get(kind, KindClass.EMERGENCY) is not KindClass.EMERGENCY:
            return Reason.NOT_EMERGENCY
        return incident.excluded


class Outcome(NamedTuple):
    """A verdict with what is needed to explain it.

    ``seconds`` is the measured duration, when both ends are known. ``reason`` is a key of the
    text files, or the ledger's reason for an excluded case. ``indeterminate`` is True when the
    stamps are too coarse to be sure of a hit or a miss.
    """

    verdict: Verdict
    reason: str
    start: datetime | None = None
    deadline: datetime | None = None
    seconds: int | None = None
    indeterminate: bool = False


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
    return _outcome(standing, milestone, reading, rules)


def outcomes(
    incident: Incident, rules: Rules, *, now: datetime, source_alive: bool = True
) -> list[Outcome]:
    """The outcome of every clock, in the order of ``CLOCKS``; see :func:`judge`."""
    standing = _standing(incident, rules, now, source_alive)
    if standing.excluded is not None:
        return [Outcome(Verdict.EXCLUDED, standing.excluded)] * len(CLOCKS)
    return [_outcome(standing, milestone, reading, rules) for milestone, reading in CLOCKS]


def settles_at(incident: Incident, rules: Rules) -> datetime | None:
    """The moment from which no verdict of the incident can change by time alone.

    None while that is not known: the incident is open and some target has no stamp yet.
    """
    if rules.exclusion(incident) is not None:
        return incident.t0.at
    missing = [m for m in TARGETED if m not in incident.stamps]
    if missing and not incident.is_closed:
        return None
    instants = [incident.t0.at]
    instants.extend(incident.stamps[m].at for m in _DECISIVE if m in incident.stamps)
    # At its deadline a clock is still pending; a second later it is not.
    instants.extend(deadline + _SECOND for deadline in _deadlines(incident, missing, rules))
    if incident.closed_at is not None:
        instants.append(incident.closed_at)
    return max(instants)


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
_DECISIVE = (*TARGETED, Milestone.CANCELLED)

_STATES = {
    Verdict.HIT: ClockState.MET,
    Verdict.MISS: ClockState.MISSED,
    Verdict.UNKNOWN: ClockState.UNKNOWN,
    Verdict.QUARANTINED: ClockState.UNKNOWN,
    Verdict.EXCLUDED: ClockState.NOT_APPLICABLE,
}


class _Standing(NamedTuple):
    """What is the same for all clocks of one incident at one moment."""

    excluded: Reason | None
    kind: str | None
    t0: Stamp
    happened: Mapping[Milestone, Stamp]
    closed: bool
    now: datetime
    source_alive: bool


def _standing(incident: Incident, rules: Rules, now: datetime, source_alive: bool) -> _Standing:
    closed = incident.closed_at is not None and incident.closed_at <= now
    happened = {m: stamp for m, stamp in incident.stamps.items() if stamp.at <= now}
    excluded, kind = rules.exclusion(incident), incident.kind_at_dispatch
    return _Standing(excluded, kind, incident.t0, happened, closed, now, source_alive)


def _outcome(standing: _Standing, milestone: Milestone, reading: Reading, rules: Rules) -> Outcome:
    if standing.excluded is not None:
        return Outcome(Verdict.EXCLUDED, standing.excluded)
    start = _start(standing, milestone, reading)
    stop = standing.happened.get(milestone)
    if start is None:
        return _without_start(standing, stop)
    deadline = start.at + rules.limit(standing.kind, milestone)
    if stop is not None:
        return _measured(start, stop, deadline)
    return _not_reached(standing, start, deadline)


def _start(standing: _Standing, milestone: Milestone, reading: Reading) -> Stamp | None:
    if reading is Reading.CUMULATIVE or milestone not in PREDECESSOR:
        return standing.t0
    return standing.happened.get(PREDECESSOR[milestone])


def _not_reached(standing: _Standing, start: Stamp, deadline: datetime) -> Outcome:
    cancelled = standing.happened.get(Milestone.CANCELLED)
    if cancelled is not None and cancelled.at <= deadline:
        return Outcome(Verdict.EXCLUDED, Reason.CANCELLED_IN_TIME, start.at, deadline)
    if cancelled is not None:
        return Outcome(Verdict.MISS, "cancelled_late", start.at, deadline)
    if standing.now <= deadline:
        return Outcome(Verdict.PENDING, "inside_target", start.at, deadline)
    if standing.closed:
        return Outcome(Verdict.UNKNOWN, "closed_without_stamp", start.at, deadline)
    if not standing.source_alive:
        return Outcome(Verdict.UNKNOWN, "source_silent", start.at, deadline)
    return Outcome(Verdict.MISS, "open_past_target", start.at, deadline)


def _without_start(standing: _Standing, stop: Stamp | None) -> Outcome:
    """The staged reading of a stage whose beginning was never recorded."""
    if stop is not None:
        return Outcome(Verdict.UNKNOWN, "stage_start_missing")
    if Milestone.CANCELLED in standing.happened:
        return Outcome(Verdict.EXCLUDED, Reason.CANCELLED_IN_TIME)
    if standing.closed:
        return Outcome(Verdict.UNKNOWN, "closed_without_stamp")
    if not standing.source_alive:
        return Outcome(Verdict.UNKNOWN, "source_silent")
    return Outcome(Verdict.PENDING, "stage_not_started")


def _measured(start: Stamp, stop: Stamp, deadline: datetime) -> Outcome:
    took = stop.at - start.at
    hit = stop.at <= deadline
    uncertain = False
    if start.precision_s != 1 or stop.precision_s != 1:
        limit = deadline - start.at
        uncertain = (stop.at - start.latest <= limit) != (stop.latest - start.at <= limit)
    if stop.latest - start.at <= -_SECOND:
        return Outcome(Verdict.QUARANTINED, "negative_duration", start.at, deadline)
    return Outcome(
        Verdict.HIT if hit else Verdict.MISS,
        "in_time" if hit else "late",
        start.at,
        deadline,
        max(0, took // _SECOND),
        uncertain,
    )


def _deadlines(incident: Incident, missing: list[Milestone], rules: Rules) -> list[datetime]:
    deadlines = []
    for milestone in missing:
        limit = rules.limit(incident.kind_at_dispatch, milestone)
        deadlines.append(incident.t0.at + limit)
        before = incident.stamps.get(PREDECESSOR.get(milestone, milestone))
        if before is not None:
            deadlines.append(before.at + limit)
    return deadlines
