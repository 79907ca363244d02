"""Questions about the figures: one definition behind tile, list, export, API and command line.

``kpi`` answers from rollups and the few incidents that still change; ``rows`` lists the very
incidents behind each number, with verdict and reason.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_

from pipelines.errors import QueryError
from pipelines.geo.grids import Grids
from pipelines.hindsight import differences
from pipelines.kpis import figures
from pipelines.model.clock import Outcome, Reading, Rules, Verdict, judge
from pipelines.model.incident import Incident
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.tally import EMPTY, Tally, tally_of
from pipelines.store import schema
from pipelines.store.buckets import Cover, Span, cover
from pipelines.store.rows import from_ms, incident_from, to_ms
from pipelines.store.store import Reader

UNLOCATED = "not_on_map"
"""The key of the row of incidents that lie in no grid."""
NO_COMMUNITY = "no_community"
"""The key of the row of grids that belong to no community."""

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = (1900, 2199)
"""What a question may be about; far outside, the calendar itself ends."""

Silent = Callable[[Reader, datetime], frozenset[str]]
"""The sources that had been silent for longer than their rhythm allows, at a moment."""


class By(StrEnum):
    """What figures can be grouped by."""

    STREET = "street"
    COMMUNITY = "community"
    GRID = "grid"
    KIND = "kind"
    SOURCE = "source"


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """Which incidents, which target, and as of when.

    ``start`` and ``end`` bound t0, [start, end); None is unbounded. Filters are exact codes.
    ``known_at`` answers from what had been received until then; None is all that is known.
    """

    as_of: datetime
    start: datetime | None = None
    end: datetime | None = None
    by: By | None = None
    milestone: Milestone = Milestone.ARRIVED
    reading: Reading = Reading.CUMULATIVE
    verdict: Verdict | None = None
    community: str | None = None
    grid: str | None = None
    kind: str | None = None
    source: str | None = None
    known_at: datetime | None = None

    @property
    def window(self) -> Span:
        """The bounds of t0; nothing that starts after ``as_of`` has happened yet."""
        end = self.as_of + timedelta(milliseconds=1)
        return (self.start or _BEGINNING, min(self.end or end, end))


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What is needed to answer a query, apart from the store: the rules, the grids, the zone."""

    rules: Rules
    grids: Grids
    zone: ZoneInfo
    area: str
    silent: Silent


PARAMETERS = ("from", "to", "by", "milestone", "reading", "as_of", "known_at", "verdict",
              "community", "grid", "kind", "source")  # fmt: skip


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
        milestone=_choice(given, "milestone", list(TARGETED)) or Milestone.ARRIVED,
        reading=_choice(given, "reading", list(Reading)) or Reading.CUMULATIVE,
        verdict=_choice(given, "verdict", list(Verdict)),
        community=given.get("community"),
        grid=given.get("grid"),
        kind=given.get("kind"),
        source=given.get("source"),
    )
    if query.start and query.end and query.end <= query.start:
        raise QueryError(f"to = {given['to']!r} is not after from = {given['from']!r}")
    return query


def kpi(reader: Reader, query: Query, desk: Desk) -> list[dict[str, Any]]:
    """One object per group, by key; without ``by`` one object with the key ``all``."""
    groups = tallies(reader, query, desk)
    if query.by is None:
        groups = {"all": groups.get("all", EMPTY)}
    return [
        {"key": key, **figures(groups[key].clock(query.milestone, query.reading))}
        for key in sorted(groups)
    ]


def tallies(reader: Reader, query: Query, desk: Desk) -> dict[str, Tally]:
    """The tally of each group: whole hours, days and months by row, the rest one by one."""
    groups: dict[str, dict[int, int]] = {}
    parts = cover(query.window, desk.zone)
    silent = desk.silent(reader, query.as_of)

    def add(grid: str, kind: str, source: str, tally: Tally, sign: int = 1) -> None:
        if not matches(query, desk, grid, kind, source):
            return
        counts = groups.setdefault(group_key(query.by, desk, grid, kind, source), {})
        for entry, n in tally.counts.items():
            counts[entry] = counts.get(entry, 0) + sign * n

    for row in _whole(reader, parts):
        add(*row)
    for incident in _at_ends(reader, parts):
        add(
            incident.grid, incident.kind or "", incident.source, _now(incident, query, desk, silent)
        )
    for incident, settles in _unsettled(reader, query, parts):
        place = (incident.grid, incident.kind or "", incident.source)
        if settles is not None:
            final = tally_of(incident, desk.rules, now=settles, source_alive=True)
            add(*place, final, -1)
        add(*place, _now(incident, query, desk, silent))
    for incident, sign in _hindsight(reader, query, desk):
        add(
            incident.grid,
            incident.kind or "",
            incident.source,
            _now(incident, query, desk, silent),
            sign,
        )
    tidy = {key: Tally({e: n for e, n in counts.items() if n}) for key, counts in groups.items()}
    return {key: tally for key, tally in tidy.items() if tally}


def _hindsight(reader: Reader, query: Query, desk: Desk) -> Iterator[tuple[Incident, int]]:
    """What to take out (-1) and put in (+1) to get from what is known now to what was known."""
    if query.known_at is None:
        return
    for now, then in differences(reader, query.known_at, desk.grids):
        if _in_window(now, query):
            yield now, -1
        if then is not None and _in_window(then, query):
            yield then, +1


def _in_window(incident: Incident, query: Query) -> bool:
    begin, end = query.window
    return begin <= incident.t0.at < end


def rows(reader: Reader, query: Query, desk: Desk) -> list[dict[str, Any]]:
    """The incidents behind the figures, by start, each with its verdict and the reason."""
    silent = desk.silent(reader, query.as_of)
    found = []
    for case in population(reader, query, desk):
        outcome = _outcome(case.incident, query, desk, silent)
        if query.verdict is None or outcome.verdict is query.verdict:
            found.append(_row(case, outcome, desk))
    return found


class Case(NamedTuple):
    """An incident with the counts that its fold leaves behind in the store."""

    incident: Incident
    units: int
    flagged: int


def population(reader: Reader, query: Query, desk: Desk) -> list[Case]:
    """Every incident of the window that passes the filters, by start, as known when asked for."""
    cases = {
        row.id: Case(incident_from(row), row.units, row.flagged)
        for row in reader.incident_rows(_starts_in(query.window))
    }
    if query.known_at is not None:
        for now, then in differences(reader, query.known_at, desk.grids):
            cases.pop(now.id, None)
            if then is not None and _in_window(then, query):
                units = len({unit.unit for unit in then.units})
                cases[then.id] = Case(then, units, len(then.flags))
    chosen = [case for case in cases.values() if _passes(case.incident, query, desk)]
    return sorted(chosen, key=lambda case: (case.incident.t0.at, case.incident.id))


def _passes(incident: Incident, query: Query, desk: Desk) -> bool:
    return matches(query, desk, incident.grid, incident.kind or "", incident.source)


def _row(case: Case, outcome: Outcome, desk: Desk) -> dict[str, Any]:
    incident = case.incident
    stamps = {m.value: s.at.isoformat() for m, s in sorted(incident.stamps.items())}
    return {
        "id": incident.id,
        "source": incident.source,
        "incident_key": incident.key,
        "kind": incident.kind,
        "grid": incident.grid,
        "community": desk.grids.get(incident.grid).parent,
        "t0": incident.t0.at.isoformat(),
        "verdict": outcome.verdict.value,
        "reason": str(outcome.reason),
        "seconds": outcome.seconds,
        "deadline": outcome.deadline.isoformat() if outcome.deadline else None,
        "indeterminate": outcome.indeterminate,
        "stamps": stamps,
        "closed": incident.closed_at.isoformat() if incident.closed_at else None,
        "title": incident.title,
        "address": incident.place.address,
        "lat": incident.place.lat,
        "lon": incident.place.lon,
        "units": case.units,
        "flagged": case.flagged,
    }


def _whole(reader: Reader, parts: Cover) -> Iterator[tuple[str, str, str, Tally]]:
    table = schema.rollup
    for level, (begin, end) in parts.whole:
        yield from reader.rollups(
            table.c.level == int(level),
            table.c.start_ms >= to_ms(begin),
            table.c.start_ms < to_ms(end),
        )


def _at_ends(reader: Reader, parts: Cover) -> Iterator[Incident]:
    for span in parts.ends:
        for row in reader.incident_rows(_starts_in(span)):
            yield incident_from(row)


def _unsettled(
    reader: Reader, query: Query, parts: Cover
) -> Iterator[tuple[Incident, datetime | None]]:
    """Incidents of the whole rows whose tally at ``as_of`` is not the final one in the rollup."""
    table = schema.incident
    open_then = or_(table.c.settles_ms.is_(None), table.c.settles_ms > to_ms(query.as_of))
    for _, span in parts.whole:
        for row in reader.incident_rows(_starts_in(span), open_then):
            yield incident_from(row), None if row.settles_ms is None else from_ms(row.settles_ms)


def _starts_in(span: Span) -> ColumnElement[bool]:
    column = schema.incident.c.t0_ms
    return and_(column >= to_ms(span[0]), column < to_ms(span[1]))


def _now(incident: Incident, query: Query, desk: Desk, silent: frozenset[str]) -> Tally:
    alive = incident.source not in silent
    return tally_of(incident, desk.rules, now=query.as_of, source_alive=alive)


def _outcome(incident: Incident, query: Query, desk: Desk, silent: frozenset[str]) -> Outcome:
    return judge(
        incident,
        query.milestone,
        query.reading,
        desk.rules,
        now=query.as_of,
        source_alive=incident.source not in silent,
    )


def matches(query: Query, desk: Desk, grid: str, kind: str, source: str) -> bool:
    """True when an incident of this grid, kind and source passes the query's filters."""
    return (
        (query.grid is None or query.grid == (grid or UNLOCATED))
        and (query.kind is None or query.kind == kind)
        and (query.source is None or query.source == source)
        and (
            query.community is None
            or query.community == group_key(By.COMMUNITY, desk, grid, "", "")
        )
    )


def group_key(by: By | None, desk: Desk, grid: str, kind: str, source: str) -> str:
    """The key of the group that an incident of this grid, kind and source belongs to."""
    if by is None:
        return "all"
    keys = {
        By.STREET: desk.area,
        By.COMMUNITY: desk.grids.get(grid).parent or (NO_COMMUNITY if grid else UNLOCATED),
        By.GRID: grid or UNLOCATED,
        By.KIND: kind,
        By.SOURCE: source,
    }
    return keys[by]


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
