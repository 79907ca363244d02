"""Builders with sensible defaults: a test names only what matters to it.

Times are seconds after ``NINE``: ``an_incident(accepted=40, arrived=280)`` was reported at
nine, accepted 40 s later and reached 280 s later. ``NO_TIME`` says "it happened, nobody said when".
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import repeat
from typing import Any

from pipelines.model.clock import Outcome, Reading, judge
from pipelines.model.fact import Fact, Flag, Reason, Statement
from pipelines.model.incident import Incident, fold
from pipelines.model.milestone import Milestone
from pipelines.model.place import Place
from pipelines.model.rules import KindClass, Rules
from pipelines.model.stamp import Method
from pipelines.model.tally import ClockTally, Tally, tally_of, total

NINE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Monday 2 March 2026, nine in the morning in Shanghai."""

MUCH_LATER = NINE + timedelta(days=30)
"""Long after everything that happens in a test."""

NO_TIME = "no time"
"""The source says that a milestone was reached, but not when."""

Seconds = float | str | None


def at(seconds: float) -> datetime:
    """The moment ``seconds`` after nine."""
    return NINE + timedelta(seconds=seconds)


def a_fact(
    milestone: Milestone,
    seconds: Seconds,
    *,
    precision_s: int = 1,
    method: Method = Method.IMPORTED,
) -> Fact:
    """One milestone at ``seconds`` after nine, or at no stated time."""
    moment = None if seconds is None or isinstance(seconds, str) else at(seconds)
    return Fact(milestone, moment, precision_s, method)


def a_statement(
    *,
    source: str = "cad",
    key: str = "A-1",
    record_id: str = "r1",
    recorded: float = 0,
    ordinal: int = 1,
    content: bytes | None = None,
    unit: str | None = None,
    qualifies: bool = True,
    kind: str | None = "fire",
    severity: int | None = None,
    excluded: Reason | None = None,
    place: Place | None = None,
    title: str | None = None,
    flags: tuple[Flag, ...] = (),
    precision_s: int = 1,
    method: Method = Method.IMPORTED,
    facts: tuple[Fact, ...] | None = None,
    reported: Seconds = 0,
    **milestones: Seconds,
) -> Statement:
    """One report of an incident: ``a_statement(unit="E05", dispatched=90, arrived=300)``.

    Unless given, ``content`` is a hash of the rest, as it is for a real record.
    """
    stated = {"reported": reported, **milestones}
    if facts is None:
        facts = tuple(
            a_fact(Milestone(name), seconds, precision_s=precision_s, method=method)
            for name, seconds in stated.items()
            if seconds is not None
        )
    said = (record_id, facts, unit, qualifies, kind, severity, excluded, place, title, flags)
    return Statement(
        source=source,
        incident_key=key,
        record_id=record_id,
        recorded_at=at(recorded),
        ordinal=ordinal,
        content=blake2b(repr(said).encode()).digest() if content is None else content,
        facts=facts,
        unit=unit,
        qualifies=qualifies,
        kind=kind,
        severity=severity,
        excluded=excluded,
        place=place,
        title=title,
        flags=flags,
    )


def an_incident(**said: Any) -> Incident:
    """An incident of one report; takes what ``a_statement`` takes."""
    return fold([a_statement(**said)])


def the_rules(
    *,
    within_by_kind: Mapping[str, Mapping[Milestone, timedelta]] | None = None,
    classes: Mapping[str, KindClass] | None = None,
) -> Rules:
    """The 135 targets; smoke alarms are to be reached in 180 s, noise is a complaint."""
    return Rules(
        within={
            Milestone.ACCEPTED: timedelta(seconds=60),
            Milestone.DISPATCHED: timedelta(seconds=180),
            Milestone.ARRIVED: timedelta(seconds=300),
        },
        within_by_kind=within_by_kind or {"smoke": {Milestone.ARRIVED: timedelta(seconds=180)}},
        classes=classes or {"fire": KindClass.EMERGENCY, "noise": KindClass.COMPLAINT},
    )


def the_outcome(
    incident: Incident,
    milestone: Milestone = Milestone.ARRIVED,
    reading: Reading = Reading.CUMULATIVE,
    *,
    now: float | datetime = MUCH_LATER,
    source_alive: bool = True,
    rules: Rules | None = None,
) -> Outcome:
    """What became of one target; by default the cumulative arrival, long afterwards."""
    moment = now if isinstance(now, datetime) else at(now)
    return judge(
        incident, milestone, reading, rules or the_rules(), now=moment, source_alive=source_alive
    )


def a_tally(*incidents: Incident, now: datetime = MUCH_LATER) -> Tally:
    """The tally of some incidents, by default long afterwards."""
    return total(tally_of(i, the_rules(), now=now, source_alive=True) for i in incidents)


def an_arrival_tally(
    *, hit: int = 0, miss: int = 0, unknown: int = 0, quarantined: int = 0
) -> ClockTally:
    """The cumulative arrival counts of so many closed incidents of each verdict."""
    cases = (
        (hit, an_incident(arrived=200, resolved=900)),
        (miss, an_incident(arrived=400, resolved=900)),
        (unknown, an_incident(resolved=900)),
        (quarantined, an_incident(arrived=-60, resolved=900)),
    )
    tally = total(one for n, incident in cases for one in repeat(a_tally(incident), n))
    return tally.clock(Milestone.ARRIVED, Reading.CUMULATIVE)
