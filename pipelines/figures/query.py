"""Questions about the figures: one definition behind tile, list, export, API and command line.

``kpi`` answers from rollups and the few incidents that still change; ``rows`` lists the very
incidents behind each number, with verdict and reason.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, false, func, or_

from pipelines.errors import QueryError
from pipelines.figures.groups import (
    NO_COMMUNITY,
    UNLOCATED,
    By,
    Desk,
    Query,
    Silent,
    State,
    check_places,
    group_key,
    in_scope,
    matches,
    passes,
    severities,
    spans,
)
from pipelines.figures.hindsight import differences
from pipelines.figures.totals import clock_tallies, tallies
from pipelines.kpis import figures
from pipelines.model.area import AreaLevel
from pipelines.model.clock import CLOCKS, Outcome, Reading, Verdict, judge
from pipelines.model.incident import Incident
from pipelines.model.milestone import Milestone
from pipelines.model.tally import ClockTally
from pipelines.store import schema
from pipelines.store.buckets import Span
from pipelines.store.rows import incident_from, to_ms
from pipelines.store.store import Reader

__all__ = [
    "NO_COMMUNITY",
    "PARAMETERS",
    "UNLOCATED",
    "By",
    "Case",
    "Desk",
    "Query",
    "Silent",
    "conditions",
    "group_key",
    "kpi",
    "matches",
    "outcome_of",
    "parse",
    "population",
    "row_of",
    "rows",
    "starts_in",
    "tallies",
]

_YEARS = (1900, 2199)
"""What a question may be about; far outside, the calendar itself ends."""

_CLOCKED = list(dict.fromkeys(milestone for milestone, _ in CLOCKS))

PARAMETERS = ("from", "to", "by", "milestone", "reading", "as_of", "known_at", "verdict",
              "area", "community", "grid", "kind", "source", "shift", "severity",
              "state")  # fmt: skip


def parse(parameters: Mapping[str, str], *, now: datetime, zone: ZoneInfo) -> Query:
    """Read a query from text parameters, as the command line and the URL give them.

    A time without a zone is local to the area; ``as_of`` is ``known_at`` when only that is
    given. Raises QueryError naming parameter, value and
    what is allowed.
    """
    unknown = sorted(set(parameters) - set(PARAMETERS))
    if unknown:
        raise QueryError(f"{unknown[0]!r} is no parameter; use {', '.join(PARAMETERS)}")
    given = {name: text for name, text in parameters.items() if text != ""}
    known_at = _moment(given, "known_at", zone)
    query = Query(
        as_of=_moment(given, "as_of", zone) or known_at or now,
        known_at=known_at,
        start=_moment(given, "from", zone),
        end=_moment(given, "to", zone),
        by=_choice(given, "by", list(By)),
        milestone=_choice(given, "milestone", _CLOCKED) or Milestone.ARRIVED,
        reading=_choice(given, "reading", list(Reading)) or Reading.CUMULATIVE,
        verdict=_choice(given, "verdict", list(Verdict)),
        area=given.get("area"),
        community=given.get("community"),
        grid=given.get("grid"),
        kind=given.get("kind"),
        source=given.get("source"),
        shift=given.get("shift"),
        severity=severities(given.get("severity")),
        state=_choice(given, "state", list(State)),
    )
    if (query.milestone, query.reading) not in CLOCKS:
        raise QueryError(f"reading = {given['reading']!r}: handling is measured from the report on")
    if query.start and query.end and query.end <= query.start:
        raise QueryError(f"to = {given['to']!r} is not after from = {given['from']!r}")
    return query


def kpi(reader: Reader, query: Query, desk: Desk) -> list[dict[str, Any]]:
    """One object per group, by key; without ``by`` one object with the key ``all``."""
    groups = clock_tallies(reader, query, desk, query.milestone, query.reading)
    if query.by is None:
        groups = {"all": groups.get("all", ClockTally({}))}
    return [{"key": key, **figures(groups[key])} for key in sorted(groups)]


def _in_window(incident: Incident, query: Query) -> bool:
    begin, end = query.window
    return begin <= incident.t0.at < end


def rows(reader: Reader, query: Query, desk: Desk) -> list[dict[str, Any]]:
    """The incidents behind the figures, by start, each with its verdict and the reason."""
    silent = desk.silent(reader, query.as_of)
    found = []
    for case in population(reader, query, desk):
        outcome = outcome_of(case.incident, query, desk, silent)
        if query.verdict is None or outcome.verdict is query.verdict:
            found.append(row_of(case, outcome, desk))
    return found


def conditions(query: Query, desk: Desk) -> Iterator[ColumnElement[bool]]:
    """The query's window and filters, for the database; its verdict is not one of them."""
    yield starts_in(spans(query, desk))
    incident = schema.incident.c
    yield in_scope(desk)
    if query.grid_code is not None:
        yield incident.grid == query.grid_code
    if query.sources is not None:
        yield incident.source.in_(sorted(query.sources))
    if query.kinds is not None:
        yield func.coalesce(incident.kind, "").in_(sorted(query.kinds))
    if query.severities is not None:
        yield func.coalesce(incident.severity, 0).in_(sorted(query.severities))
    if query.state is not None:
        is_closed = incident.closed_ms.is_not(None)
        yield is_closed if query.state is State.CLOSED else ~is_closed
    if query.area not in (None, desk.areas.top.code):
        yield _in_area(query.area or "", desk)
    if query.community == NO_COMMUNITY:
        named = [code for code, _ in desk.areas.homes(AreaLevel.COMMUNITY)]
        yield incident.grid.not_in(["", *named])
    elif query.community is not None:
        yield _in_community(query.community, desk)


def _in_area(code: str, desk: Desk) -> ColumnElement[bool]:
    grid = schema.incident.c.grid
    return grid == "" if code == UNLOCATED else grid.in_(desk.areas.grids(code))


def _in_community(code: str, desk: Desk) -> ColumnElement[bool]:
    grid = schema.incident.c.grid
    if code == UNLOCATED:
        return grid == ""
    homes = desk.areas.homes(AreaLevel.COMMUNITY)
    return grid.in_([mine for mine, community in homes if community == code])


class Case(NamedTuple):
    """An incident with the counts that its fold leaves behind in the store."""

    incident: Incident
    units: int
    flagged: int


def population(reader: Reader, query: Query, desk: Desk) -> list[Case]:
    """Every incident of the window that passes the filters, by start, as known when asked for."""
    check_places(query, desk)
    cases = {
        row.id: Case(incident_from(row), row.units, row.flagged)
        for row in reader.incident_rows(starts_in(spans(query, desk)))
    }
    if query.known_at is not None:
        for now, then in differences(reader, query.known_at, desk.grids, window=query.window):
            cases.pop(now.id, None)
            if then is not None and _in_window(then, query):
                units = len({unit.unit for unit in then.units})
                cases[then.id] = Case(then, units, len(then.flags))
    chosen = [case for case in cases.values() if passes(case.incident, query, desk)]
    return sorted(chosen, key=lambda case: (case.incident.t0.at, case.incident.id))


ROW = ("id", "source", "incident_key", "kind", "severity", "grid", "community", "t0", "verdict",
       "reason", "seconds", "deadline", "indeterminate", "stamps", "closed", "returned", "title",
       "address", "lat", "lon", "units", "flagged")  # fmt: skip
"""What a row says."""


def row_of(case: Case, outcome: Outcome, desk: Desk) -> dict[str, Any]:
    """An incident as a row of the list behind a figure."""
    incident = case.incident
    stamps = {m.value: s.at.isoformat() for m, s in sorted(incident.stamps.items())}
    return {
        "id": incident.id,
        "source": incident.source,
        "incident_key": incident.key,
        "kind": incident.kind,
        "severity": incident.severity,
        "grid": incident.grid,
        "community": desk.areas.at(AreaLevel.COMMUNITY, incident.grid),
        "t0": incident.t0.at.isoformat(),
        "verdict": outcome.verdict.value,
        "reason": str(outcome.reason),
        "seconds": outcome.seconds,
        "deadline": outcome.deadline.isoformat() if outcome.deadline else None,
        "indeterminate": outcome.indeterminate,
        "stamps": stamps,
        "closed": incident.closed_at.isoformat() if incident.closed_at else None,
        "returned": incident.returned_at.isoformat() if incident.returned_at else None,
        "title": incident.title,
        "address": incident.place.address,
        "lat": incident.place.lat,
        "lon": incident.place.lon,
        "units": case.units,
        "flagged": case.flagged,
    }


def starts_in(spans: Sequence[Span]) -> ColumnElement[bool]:
    """Whether an incident began in one of some spans, which are in order."""
    column = schema.incident.c.t0_ms
    if not spans:
        return false()
    within = (and_(column >= to_ms(begin), column < to_ms(end)) for begin, end in spans)
    first, last = spans[0][0], spans[-1][1]
    return and_(column >= to_ms(first), column < to_ms(last), or_(*within))


def outcome_of(incident: Incident, query: Query, desk: Desk, silent: frozenset[str]) -> Outcome:
    """What became of the target that a query asks about."""
    return judge(
        incident,
        query.milestone,
        query.reading,
        desk.rules,
        now=query.as_of,
        source_alive=incident.source not in silent,
    )


def _moment(given: Mapping[str, str], name: str, zone: ZoneInfo) -> datetime | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        # a plus sign in a URL that was not escaped arrives as a space
        moment = datetime.fromisoformat(
            re.sub(r" (\d\d:\d\d)$", r"+\1", text) if "T" in text else text
        )
    except ValueError as error:
        raise QueryError(
            f"{name} = {text!r}: must be a date or a time, "
            "such as 2026-11-23 or 2026-11-23T08:00:00+08:00"
        ) from error
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise QueryError(f"{name} = {text!r}: must be in the years {_YEARS[0]} to {_YEARS[1]}")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def _choice(given: Mapping[str, str], name: str, allowed: list[Any]) -> Any:
    text = given.get(name)
    if text is None:
        return None
    for value in allowed:
        if value == text:
            return value
    raise QueryError(f"{name} = {text!r}: must be one of: {', '.join(allowed)}")
