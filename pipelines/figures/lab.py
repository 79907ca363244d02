"""The definition lab: the same incidents under every rule that somebody could defend.

A published rate is a choice of rules: from where the clock runs, what a missing stamp counts for,
whether who cancelled in time counts, whose arrival. Each choice is made in every combination; how
far the rates lie apart says how much of the figure is the choice.

One pass over the incidents of the window; a rate of the lab is added up from what each incident
came to, by clock. KPI contract, sections 2 to 4.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Any, NamedTuple

from pipelines.errors import QueryError
from pipelines.figures.groups import Desk, Query, in_scope, spans
from pipelines.figures.query import population, starts_in
from pipelines.kpis.rates import share, wilson
from pipelines.model.clock import CLOCKS, Outcome, Reading, Verdict, judge
from pipelines.model.fact import Reason
from pipelines.model.incident import Incident, fold
from pipelines.model.milestone import PREDECESSOR, Milestone
from pipelines.model.rules import Rules
from pipelines.model.stamp import Stamp
from pipelines.store.store import Reader

MOST = 50_000
"""How many incidents one answer looks at, at some 30 µs each: a second and a half at the most."""
NARROW, WIDE = 0.02, 0.10
"""Up to so many hundredths apart the rates are called robust, from so many on a matter of rules."""
_WRONG_RECEIPTS = 0.05
"""Where more came after the milestone itself it is an import; before the report, clocks differ."""


class Start(StrEnum):
    """Where the clock of a rule starts."""

    REPORTED = "reported"
    """累计, from t0: the report, else our receipt."""
    RECEIVED = "received"
    """累计, from when the record reached this system."""
    ACCEPTED = "accepted"
    """累计, from the acceptance: hides how long the caller waited for it."""
    STAGE = "stage"
    """分段, from the end of the stage before."""


class Unit(StrEnum):
    """Whose stamp stops the clock."""

    FIRST = "first"
    LAST = "last"


class Missing(StrEnum):
    """What a case without a usable stamp counts for."""

    LEFT_OUT = "left_out"
    MISSED = "missed"
    MET = "met"


class Cancelled(StrEnum):
    """What an incident counts for that was cancelled before its target had passed."""

    OUT = "out"
    IN = "in"
    """As a case without a stamp."""


class Status(StrEnum):
    """Whether a rate may stand for the others."""

    DEFENSIBLE = "defensible"
    NOT_DEFENSIBLE = "not_defensible"
    """It hides a wait."""
    NOT_APPLICABLE = "not_applicable"
    """The stamps that it needs say something else here."""


class Rule(NamedTuple):
    """One way to count."""

    start: Start
    unit: Unit
    missing: Missing
    cancelled: Cancelled


PUBLISHED = Rule(Start.REPORTED, Unit.FIRST, Missing.LEFT_OUT, Cancelled.OUT)
"""How the product counts everywhere else, in the cumulative reading."""
_READ = {Reading.CUMULATIVE: PUBLISHED, Reading.STAGED: PUBLISHED._replace(start=Start.STAGE)}

COUNTED: tuple[tuple[Missing, Cancelled], ...] = (
    (Missing.LEFT_OUT, Cancelled.OUT),
    (Missing.MISSED, Cancelled.OUT),
    (Missing.MISSED, Cancelled.IN),
    (Missing.MET, Cancelled.OUT),
    (Missing.MET, Cancelled.IN),
)
"""Who was cancelled in time has no stamp: left out with the others that have none, it changes
nothing."""


class Fate(StrEnum):
    """What one incident came to by one clock."""

    HIT = "hit"
    MISS = "miss"
    MISSING = "missing"
    CANCELLED = "cancelled"


Clock = tuple[Start, Unit]
Counts = Mapping[Clock, Mapping[Fate, int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """The rate by one rule: hits, how many were counted, and its Wilson 95 % interval."""

    rule: Rule
    status: Status
    hit: int
    known: int
    rate: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lab:
    """All rates of the same incidents.

    ``low`` and ``high`` are the outermost defensible ones, None where there is nothing to
    measure. ``moved`` says how far each choice alone moves the published rate.
    """

    incidents: int
    lines: tuple[Line, ...]
    published: Line
    low: Line | None
    high: Line | None
    moved: Mapping[str, float]

    @property
    def spread(self) -> float | None:
        """How far the defensible rates lie apart, as a share."""
        if self.low is None or self.high is None:
            return None
        return (self.high.rate or 0.0) - (self.low.rate or 0.0)

    @property
    def finding(self) -> str:
        """``robust``, ``depends``, ``rules`` (a matter of the rules), or ``nothing``."""
        if self.spread is None:
            return "nothing"
        return "robust" if self.spread <= NARROW else "rules" if self.spread >= WIDE else "depends"


def lab(reader: Reader, query: Query, desk: Desk) -> Lab:
    """The lab of the incidents that a query asks for; its reading is tried both ways anyway.

    Raises QueryError where there are too many incidents in the window, with the way out.
    """
    refuse_too_many(reader, query, desk)
    cases = population(reader, query, desk)
    several = [case.incident.id for case in cases if case.units > 1]
    last = _last_units(reader, several, query) if query.milestone is Milestone.ARRIVED else {}
    silent = desk.silent(reader, query.as_of)
    observed = _Observed(query.milestone, desk.rules, query.as_of, has_units=bool(last))
    for case in cases:
        incident = case.incident
        observed.add(incident, last.get(incident.id), alive=incident.source not in silent)
    return weighed(
        observed.counts, len(cases), reading=query.reading, inapplicable=observed.inapplicable()
    )


def lab_lines(reader: Reader, query: Query, desk: Desk) -> list[dict[str, Any]]:
    """The lab as a list of objects, one a rule, for the command line and the API."""
    return as_objects(lab(reader, query, desk))


def as_objects(found: Lab) -> list[dict[str, Any]]:
    """A lab as plain objects."""
    return [
        line.rule._asdict()
        | {"status": line.status, "published": line is found.published}
        | {"hit": line.hit, "n": line.known, "rate": line.rate, "wilson": line.interval}
        | {"lowest": line is found.low, "highest": line is found.high}
        for line in found.lines
    ]


def refuse_too_many(reader: Reader, query: Query, desk: Desk) -> None:
    """Raise QueryError when a question is about more incidents than are looked at one by one."""
    n = reader.count_incidents(starts_in(spans(query, desk)), in_scope(desk))
    if n > MOST:
        raise QueryError(
            f"from … to holds {n} incidents; at most {MOST} are looked at one by one: "
            "give a later from or an earlier to"
        )


def clocks_of(milestone: Milestone, *, has_units: bool) -> Iterator[Clock]:
    """The clocks a milestone can be measured by; only arrivals know units."""
    starts = [Start.REPORTED, Start.RECEIVED]
    if milestone not in (Milestone.ACCEPTED, Milestone.RESOLVED):
        starts.append(Start.ACCEPTED)
    if (milestone, Reading.STAGED) in CLOCKS and milestone in PREDECESSOR:
        starts.append(Start.STAGE)
    yield from product(starts, Unit if has_units else (Unit.FIRST,))


def fate(
    incident: Incident,
    clock: Clock,
    milestone: Milestone,
    rules: Rules,
    *,
    last: Stamp | None,
    now: datetime,
    alive: bool,
) -> Fate | None:
    """What an incident came to by a clock; None: it does not count, or not yet.

    ``last`` is when the last of several units arrived.
    """
    start, unit = clock
    if unit is Unit.LAST and last is not None:
        incident = replace(incident, stamps={**incident.stamps, milestone: last})
    reading = Reading.STAGED if start is Start.STAGE else Reading.CUMULATIVE
    plain = judge(incident, milestone, reading, rules, now=now, source_alive=alive)
    if start is Start.RECEIVED:
        incident = _counted_from(incident, incident.stamps[Milestone.RECEIVED])
        plain = judge(incident, milestone, reading, rules, now=now, source_alive=alive)
    elif start is Start.ACCEPTED:
        accepted = incident.stamps.get(Milestone.ACCEPTED)
        if accepted is None or accepted.at > now:
            return Fate.MISSING if plain.verdict in _FATES else _left_out(plain)
        incident = _counted_from(incident, accepted)
        plain = judge(incident, milestone, reading, rules, now=now, source_alive=alive)
    return _FATES.get(plain.verdict) or _left_out(plain)


def _left_out(outcome: Outcome) -> Fate | None:
    """Of those that count in no published figure, who was cancelled in time can be counted."""
    is_so = outcome.reason == Reason.CANCELLED_IN_TIME
    return Fate.CANCELLED if is_so and outcome.verdict is Verdict.EXCLUDED else None


_FATES = {
    Verdict.HIT: Fate.HIT,
    Verdict.MISS: Fate.MISS,
    Verdict.UNKNOWN: Fate.MISSING,
    Verdict.QUARANTINED: Fate.MISSING,
}


def _counted_from(incident: Incident, stamp: Stamp) -> Incident:
    """The same incident, had it been reported at another moment."""
    return replace(incident, stamps={**incident.stamps, Milestone.REPORTED: stamp})


class _Observed:
    """What every incident came to by every clock, counted."""

    def __init__(
        self, milestone: Milestone, rules: Rules, now: datetime, *, has_units: bool
    ) -> None:
        self._milestone = milestone
        self._rules = rules
        self._now = now
        self._stamped = self._received_wrong = 0
        self.counts: dict[Clock, Counter[Fate]] = {
            clock: Counter() for clock in clocks_of(milestone, has_units=has_units)
        }

    def add(self, incident: Incident, last: Stamp | None, *, alive: bool) -> None:
        """Count one incident."""
        milestone, rules, now = self._milestone, self._rules, self._now
        first: dict[Start, Fate | None] = {}
        for (start, unit), counts in self.counts.items():
            if start not in first or last is not None:
                first[start] = fate(
                    incident, (start, unit), milestone, rules, last=last, now=now, alive=alive
                )
            found = first[start]
            if found is not None:
                counts[found] += 1
        stop = incident.stamps.get(self._milestone)
        if stop is not None and self._rules.exclusion(incident, self._milestone) is None:
            self._stamped += 1
            received = incident.stamps[Milestone.RECEIVED].at
            self._received_wrong += received > stop.at or received < incident.t0.at

    def inapplicable(self) -> frozenset[Start]:
        """Receipts after the milestone itself, or before the report, measure no wait."""
        wrong = self._received_wrong > _WRONG_RECEIPTS * self._stamped
        return frozenset({Start.RECEIVED}) if wrong else frozenset()


def weighed(
    counts: Counts,
    incidents: int,
    *,
    reading: Reading = Reading.CUMULATIVE,
    inapplicable: frozenset[Start] = frozenset(),
) -> Lab:
    """The rate by every rule, from what the incidents came to by every clock."""
    lines = tuple(
        _line(Rule(*clock, *counted), counts[clock], inapplicable)
        for clock in counts
        for counted in COUNTED
    )
    by_rule = {line.rule: line for line in lines}
    published = by_rule.get(_READ[reading], by_rule[PUBLISHED])
    measured = [x for x in lines if x.status is Status.DEFENSIBLE and x.rate is not None]
    return Lab(
        incidents=incidents,
        lines=lines,
        published=published,
        low=min(measured, key=lambda line: line.rate or 0.0, default=None),
        high=max(measured, key=lambda line: line.rate or 0.0, default=None),
        moved=_moved(published, measured),
    )


def counted(fates: Mapping[Fate, int], missing: Missing, cancelled: Cancelled) -> tuple[int, int]:
    """Hits, and how many count, by what is done with those that have no stamp."""
    hit, known = fates.get(Fate.HIT, 0), fates.get(Fate.HIT, 0) + fates.get(Fate.MISS, 0)
    without = fates.get(Fate.MISSING, 0)
    if cancelled is Cancelled.IN:
        without += fates.get(Fate.CANCELLED, 0)
    if missing is Missing.LEFT_OUT:
        return hit, known
    return hit + (without if missing is Missing.MET else 0), known + without


def _line(rule: Rule, fates: Mapping[Fate, int], inapplicable: frozenset[Start]) -> Line:
    hit, known = counted(fates, rule.missing, rule.cancelled)
    status = Status.NOT_DEFENSIBLE if rule.start is Start.ACCEPTED else Status.DEFENSIBLE
    if rule.start in inapplicable:
        hit, known, status = 0, 0, Status.NOT_APPLICABLE
    return Line(
        rule=rule,
        status=status,
        hit=hit,
        known=known,
        rate=share(hit, known),
        interval=wilson(hit, known),
    )


def _moved(published: Line, measured: Sequence[Line]) -> dict[str, float]:
    """By each choice, how far it alone can take the published rate.

    Who was cancelled in time is counted as one without a stamp, so that choice is measured from
    the rate in which those count.
    """
    by_rule = {line.rule: line.rate for line in measured}
    found: dict[str, float] = {}
    for rule, rate in by_rule.items():
        base = published.rule
        if rule.cancelled is Cancelled.IN:
            base = base._replace(missing=rule.missing)
        differs = [name for name in Rule._fields if getattr(rule, name) != getattr(base, name)]
        before = by_rule.get(base)
        if len(differs) == 1 and rate is not None and before is not None:
            found[differs[0]] = max(found.get(differs[0], 0.0), abs(rate - before))
    return found


def _last_units(reader: Reader, ids: Iterable[str], query: Query) -> dict[str, Stamp]:
    """When the last qualifying unit arrived, where several did."""
    found: dict[str, Stamp] = {}
    for key, said in reader.statements(ids).items():
        known = [s for s in said if query.known_at is None or s.recorded_at <= query.known_at]
        units = fold(known).units if known else ()
        arrived = {
            unit.unit: unit.stamps[Milestone.ARRIVED]
            for unit in units
            if unit.qualifies and Milestone.ARRIVED in unit.stamps
        }
        if len(arrived) > 1:
            found[key] = max(arrived.values())
    return found
