"""What the integrity monitors are given: the stamps of the incidents that a query asks for."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select

from pipelines.figures.groups import Desk, Query
from pipelines.figures.lab import refuse_too_many
from pipelines.figures.monitors import Finding, Findings, Seen, examined
from pipelines.figures.query import population
from pipelines.geo.gazetteer import is_remark
from pipelines.model.clock import Outcome, Reading, Verdict, judge
from pipelines.model.incident import Incident
from pipelines.model.milestone import Milestone
from pipelines.model.rules import Rules
from pipelines.model.stamp import Method
from pipelines.registers.units import metres
from pipelines.store import schema
from pipelines.store.rows import flags_from, from_ms
from pipelines.store.store import Reader

_CHUNK = 500
_LOOKED_AT = (
    Milestone.ACCEPTED,
    Milestone.DISPATCHED,
    Milestone.ARRIVED,
    Milestone.CANCELLED,
)


def monitor(reader: Reader, query: Query, desk: Desk) -> Findings:
    """What is to be checked among the incidents that a query asks for.

    Raises QueryError where there are too many incidents in the window, with the way out.
    """
    refuse_too_many(reader, query, desk)
    silent = desk.silent(reader, query.as_of)
    cases = {}
    for case in population(reader, query, desk):
        outcome = _arrival(case.incident, desk.rules, query.as_of, silent)
        if outcome.verdict is not Verdict.EXCLUDED or outcome.reason == "cancelled_in_time":
            cases[case.incident.id] = (case.incident, outcome)
    return examined(_stamps(reader, cases, query, desk.rules))


def monitor_lines(reader: Reader, query: Query, desk: Desk) -> list[dict[str, Any]]:
    """The findings as a list of objects, for the command line and the API."""
    return [as_object(finding) for finding in monitor(reader, query, desk).found]


def as_object(finding: Finding) -> dict[str, Any]:
    """A finding as a plain object."""
    names = ("monitor", "group", "key", "found", "n", "expected", "p", "ids")
    values = {name: getattr(finding, name) for name in names}
    return values | {"monitor": str(finding.monitor), "group": str(finding.group),
                     "ids": list(finding.ids)}  # fmt: skip


def _arrival(incident: Incident, rules: Rules, now: datetime, silent: frozenset[str]) -> Outcome:
    alive = incident.source not in silent
    return judge(
        incident, Milestone.ARRIVED, Reading.CUMULATIVE, rules, now=now, source_alive=alive
    )


def _stamps(
    reader: Reader, cases: dict[str, tuple[Incident, Outcome]], query: Query, rules: Rules
) -> Iterator[Seen]:
    """Every stamp of the incidents, and those of their units, with when they reached us."""
    ids = list(cases)
    for i in range(0, len(ids), _CHUNK):
        said = _said(reader, ids[i : i + _CHUNK], query)
        approximate = _approximate(reader, said)
        for key in ids[i : i + _CHUNK]:
            rows, is_placed = said.get(key, []), key not in approximate
            yield from _of_one(*cases[key], rows, rules, query.as_of, is_placed=is_placed)


def _said(reader: Reader, ids: Sequence[str], query: Query) -> dict[str, list[Any]]:
    """What was stated about each incident, only the last revision of each record."""
    report, fact = schema.report.c, schema.fact.c
    same = and_(report.incident_id == fact.incident_id, report.report_id == fact.report_id)
    asked = (
        select(
            report.incident_id, report.source, report.record_id, report.unit, report.recorded_ms,
            fact.milestone, fact.at_ms, fact.precision_s, fact.method, fact.lat, fact.lon,
        )
        .select_from(schema.report.join(schema.fact, same))
        .where(
            fact.milestone.in_([str(milestone) for milestone in _LOOKED_AT]),
            fact.at_ms.is_not(None),
        )
        .order_by(report.recorded_ms, report.ordinal)
    )  # fmt: skip
    latest: dict[tuple[str, str, str, str], Any] = {}
    for row in reader.among(asked, report.incident_id, list(ids)):
        if query.known_at is None or from_ms(row.recorded_ms) <= query.known_at:
            latest[row.incident_id, row.source, row.record_id, row.milestone] = row
    found: dict[str, list[Any]] = {}
    for (incident, *_), row in latest.items():
        found.setdefault(incident, []).append(row)
    return found


def _approximate(reader: Reader, said: dict[str, list[Any]]) -> set[str]:
    """Of the incidents with a tap, those that were placed by their address, and so not exactly."""
    tapped = [key for key, rows in said.items() if any(row.lat is not None for row in rows)]
    if not tapped:
        return set()
    report = schema.report.c
    asked = select(report.incident_id, report.flags).where(
        report.lat.is_not(None),
        report.flags.is_not(None),
    )
    rows = reader.among(asked, report.incident_id, tapped)
    return {
        row.incident_id for row in rows if any(is_remark(flag) for flag in flags_from(row.flags))
    }


def _apart_m(incident: Incident, row: Any) -> float | None:
    """How far from the scene a stamp was entered, where both positions are known."""
    place = incident.place
    if row.lat is None or place.lat is None or place.lon is None:
        return None
    return metres(place.lat, place.lon, row.lat, row.lon)


def _of_one(
    incident: Incident,
    arrival: Outcome,
    said: Sequence[Any],
    rules: Rules,
    now: datetime,
    *,
    is_placed: bool,
) -> Iterator[Seen]:
    limit = rules.limit(
        incident.kind_at_dispatch,
        Milestone.ARRIVED,
        severity=incident.severity,
        grid=incident.grid,
    )
    limit_s = int(limit.total_seconds()) if isinstance(limit, timedelta) else None
    t0 = incident.t0
    exact = t0.precision_s == 1
    told: set[Milestone] = set()
    for row in said:
        at, milestone = from_ms(row.at_ms), Milestone(row.milestone)
        if at > now:
            continue
        stamp = incident.stamps.get(milestone)
        used = stamp is not None and stamp.at == at
        reached = milestone is Milestone.CANCELLED and Milestone.ARRIVED in incident.stamps
        seconds = (at - t0.at) // timedelta(seconds=1) if exact and not reached else None
        plain = Seen(
            incident=incident.id,
            source=incident.source,
            grid=incident.grid,
            unit="",
            milestone=milestone,
            at=at,
            seconds=seconds,
            limit_s=limit_s,
            precision_s=row.precision_s,
            method=Method(row.method),
            recorded_at=from_ms(row.recorded_ms),
            verdict=arrival.verdict,
            apart_m=_apart_m(incident, row) if is_placed else None,
        )
        if used and milestone not in told:
            told.add(milestone)
            yield plain
        if row.unit:
            hit = None if seconds is None or limit_s is None else seconds <= limit_s
            own = None if hit is None else Verdict.HIT if hit else Verdict.MISS
            yield plain._replace(unit=row.unit, verdict=own)
