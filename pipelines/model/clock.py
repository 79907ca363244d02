"""The clocks of the 135 loop: what a target asks, and what became of it.

Definitions: KPI contract, sections 2 and 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
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
    excluded = rules.exclusion(incident)
    if excluded is not None:
        return Outcome(Verdict.EXCLUDED, excluded)
    start = _start(incident, milestone, reading, now)
    stop = _happened(incident.stamps.get(milestone), now)
    closed = incident.closed_at is not None and incident.closed_at <= now
    cancelled = _happened(incident.stamps.get(Milestone.CANCELLED), now)
    if start is None:
        return _without_start(stop, cancelled, closed, source_alive)
    deadline = start.at + rules.limit(incident.kind_at_dispatch, milestone)
    if stop is not None:
        return _measured(start, stop, deadline)
    if cancelled is not None and cancelled.at <= deadline:
        return Outcome(Verdict.EXCLUDED, Reason.CANCELLED_IN_TIME, start.at, deadline)
    if cancelled is not None:
        return Outcome(Verdict.MISS, "cancelled_late", start.at, deadline)
    if now <= deadline:
        return Outcome(Verdict.PENDING, "inside_target", start.at, deadline)
    if closed:
        return Outcome(Verdict.UNKNOWN, "closed_without_stamp", start.at, deadline)
    if not source_alive:
        return Outcome(Verdict.UNKNOWN, "source_silent", start.at, deadline)
    return Outcome(Verdict.MISS, "open_past_target", start.at, deadline)


def settles_at(incident: Incident, rules: Rules) -> datetime | None:
    """The moment from which no verdict of the incident can change by time alone.

    None while that is not known: the incident is open and some target has no stamp yet.
    """
    if rules.exclusion(incident) is not None:
        return incident.t0.at
    missing = [m for m in TARGETED if m not in incident.stamps]
    if missing and not incident.is_closed:
        return None
    instants = [stamp.at for stamp in incident.stamps.values()]
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

_STATES = {
    Verdict.HIT: ClockState.MET,
    Verdict.MISS: ClockState.MISSED,
    Verdict.UNKNOWN: ClockState.UNKNOWN,
    Verdict.QUARANTINED: ClockState.UNKNOWN,
    Verdict.EXCLUDED: ClockState.NOT_APPLICABLE,
}


def _happened(stamp: Stamp | None, now: datetime) -> Stamp | None:
    return stamp if stamp is not None and stamp.at <= now else None


def _start(
    incident: Incident, milestone: Milestone, reading: Reading, now: datetime
) -> Stamp | None:
    before = PREDECESSOR.get(milestone)
    if reading is Reading.CUMULATIVE or before is None:
        return incident.t0
    return _happened(incident.stamps.get(before), now)


def _without_start(
    stop: Stamp | None, cancelled: Stamp | None, closed: bool, source_alive: bool
) -> Outcome:
    """The staged reading of a stage whose beginning was never recorded."""
    if stop is not None:
        return Outcome(Verdict.UNKNOWN, "stage_start_missing")
    if cancelled is not None:
        return Outcome(Verdict.EXCLUDED, Reason.CANCELLED_IN_TIME)
    if closed:
        return Outcome(Verdict.UNKNOWN, "closed_without_stamp")
    if not source_alive:
        return Outcome(Verdict.UNKNOWN, "source_silent")
    return Outcome(Verdict.PENDING, "stage_not_started")


def _measured(start: Stamp, stop: Stamp, deadline: datetime) -> Outcome:
    longest = stop.latest - start.at
    if longest <= -_SECOND:
        return Outcome(Verdict.QUARANTINED, "negative_duration", start.at, deadline)
    shortest = stop.at - start.latest
    limit = deadline - start.at
    hit = stop.at <= deadline
    seconds = max(0, int((stop.at - start.at).total_seconds()))
    return Outcome(
        Verdict.HIT if hit else Verdict.MISS,
        "in_time" if hit else "late",
        start.at,
        deadline,
        seconds,
        indeterminate=(shortest <= limit) != (longest <= limit),
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
