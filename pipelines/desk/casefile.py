"""The case file of one incident: what was said about it, and why each clock stands as it does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from pipelines.desk.board import crumbs_of
from pipelines.desk.case_links import Link, read_links
from pipelines.desk.case_place import (
    DeviceLine,
    UnitNear,
    case_map,
    device_line,
    device_of,
    units_of,
)
from pipelines.desk.local_map import LocalMap
from pipelines.desk.reveal import Hidden, hidden_of, revealed
from pipelines.door.remarks import RemarkLine, is_pinned, remarks_about
from pipelines.figures.groups import UNLOCATED, Query, sees
from pipelines.installation import Installation
from pipelines.model.clock import CLOCKS, ClockState, Outcome, Reading, judge, state_of
from pipelines.model.fact import Fact, Flag, Statement
from pipelines.model.incident import Incident, fold, latest_revisions
from pipelines.model.milestone import PREDECESSOR, Milestone
from pipelines.model.place import Place
from pipelines.model.stamp import Method, Stamp
from pipelines.privacy.clearance import LEAST, Clearance, Writing
from pipelines.privacy.masking import masked, masked_record, words
from pipelines.snapshot import Names
from pipelines.store import schema
from pipelines.store.store import Reader

_MOST_RAW = 4000
"""How many characters of a report are shown; the store keeps all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockLine:
    """One target in one reading, with everything a sentence about it needs.

    ``start`` and ``stop`` are the stamps between which it ran, None where there is none.
    """

    milestone: Milestone
    reading: Reading
    state: ClockState
    outcome: Outcome
    target_s: int | None
    start: Stamp | None
    stop: Stamp | None
    from_milestone: Milestone


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One fact of one report.

    ``is_used`` says that the incident's stamp is this one; ``is_replaced`` that a later revision
    of the same record took its place. ``at`` is None when nobody said when.
    """

    milestone: Milestone
    at: datetime | None
    precision_s: int
    method: Method
    source: str
    source_names: Names
    unit: str | None
    recorded_at: datetime
    is_used: bool
    is_replaced: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RawReport:
    """A record as received, masked."""

    source_names: Names
    record_id: str
    recorded_at: datetime
    where: str
    text: str
    flags: tuple[Flag, ...]
    is_replaced: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What is known about one incident, as far as whoever looks may see it.

    Of a sensitive kind ``title`` and ``address`` are None, or for a supervisor masked; its exact
    place and the reports as received are left out for everybody. ``hidden`` is what may be
    revealed one by one, for whoever may ask for it. ``places`` lead from the whole down to its
    grid, each with its filter.
    """

    incident: Incident
    kind_names: Names
    shape: str
    source_names: Names
    grid_names: Names
    places: tuple[tuple[Mapping[str, str], Names], ...]
    is_sensitive: bool
    title: str | None
    address: str | None
    clocks: tuple[ClockLine, ...]
    timeline: tuple[Entry, ...]
    reports: tuple[RawReport, ...]
    device: DeviceLine | None
    links: tuple[Link, ...]
    units: tuple[UnitNear, ...]
    where: LocalMap
    remarks: tuple[RemarkLine, ...]
    hides_remarks: bool
    is_pinned: bool
    hidden: tuple[Hidden, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseFile:
    """What the page of one incident is drawn from; ``case`` is None when there is no such one."""

    now: datetime
    next_change_at: datetime | None
    grids_version: str
    time_zone: str
    area_names: Names
    labels: tuple[str, ...]
    case: Case | None
    writing: Writing = Writing.OPEN
    theme: str = "dark"


def read_case(
    reader: Reader,
    installation: Installation,
    incident_id: str,
    *,
    now: datetime,
    clearance: Clearance = LEAST,
) -> CaseFile:
    """Everything about one incident, as it stands at ``now``, as ``clearance`` may see it."""
    said = _said(reader, installation, incident_id)
    settings = installation.settings
    case = None if not said else _case(reader, installation, incident_id, said, now, clearance)
    deadlines = [c.outcome.deadline for c in case.clocks] if case else []
    coming = [deadline for deadline in deadlines if deadline is not None and deadline > now]
    return CaseFile(
        now=now,
        next_change_at=min(coming, default=None),
        grids_version=installation.chart_at(now).cells.version,
        time_zone=str(settings.area.time_zone),
        area_names=installation.desk.areas.top.names,
        labels=settings.labels,
        case=case,
        writing=clearance.writing(asks_who=settings.asks_who),
    )


def _case(
    reader: Reader,
    installation: Installation,
    incident_id: str,
    said: Sequence[Statement],
    now: datetime,
    clearance: Clearance,
) -> Case:
    row = reader.incidents([incident_id])[incident_id]
    whole = fold(said).at_grid(row.grid)
    is_sensitive = (whole.kind or "") in installation.settings.sensitive_kinds
    incident = _as_seen(whole, is_sensitive, clearance)
    grid = installation.grids.get(incident.grid)
    kind = _kind(installation, incident.kind)
    current = set(latest_revisions(said))
    names = {source.id: source.names for source in installation.sources}
    said_of_it = remarks_about(reader, incident_id)
    hides_remarks = is_sensitive and not clearance.sees_sensitive
    raised = None if is_sensitive else device_of(said)
    units = () if is_sensitive else units_of(installation, incident)
    return Case(
        incident=incident,
        kind_names=kind[0],
        shape=kind[1],
        source_names=_named(names, incident.source),
        grid_names=grid.names,
        places=crumbs_of(installation, Query(as_of=now, grid=incident.grid or UNLOCATED)),
        is_sensitive=is_sensitive,
        title=incident.title,
        address=incident.place.address,
        clocks=_clocks(reader, installation, incident, now),
        timeline=_timeline(incident, said, current, names),
        # a report holds the exact place as well
        reports=() if is_sensitive else _reports(reader, incident_id, said, current, names),
        device=None if raised is None else device_line(reader, installation, raised),
        links=read_links(reader, installation, incident, raised),
        units=units,
        remarks=() if hides_remarks else said_of_it,
        hides_remarks=hides_remarks and bool(said_of_it),
        is_pinned=is_pinned(said_of_it),
        where=case_map(installation, incident, kind, units, is_hidden=is_sensitive, now=now),
        hidden=hidden_of(reader, whole, said, is_sensitive=is_sensitive)
        if clearance.may_reveal
        else (),
    )


def read_hidden(
    reader: Reader, installation: Installation, incident_id: str, what: str, number: int
) -> str | None:
    """One masked value of an incident; None when there is no such incident, or no such value."""
    said = _said(reader, installation, incident_id)
    if not said:
        return None
    incident = fold(said)
    is_sensitive = (incident.kind or "") in installation.settings.sensitive_kinds
    return revealed(reader, incident, said, what, number, is_sensitive=is_sensitive)


def _said(reader: Reader, installation: Installation, incident_id: str) -> Sequence[Statement]:
    """All that was said about an incident; nothing where it is none, or lies out of scope."""
    row = reader.incidents([incident_id]).get(incident_id)
    if row is None or not sees(installation.desk, row.grid):
        return ()
    return reader.statements([incident_id]).get(incident_id, ())


def _as_seen(incident: Incident, is_sensitive: bool, clearance: Clearance) -> Incident:
    title, address = words(incident.title, incident.place.address, is_sensitive, clearance)
    place = Place(address=address) if is_sensitive else incident.place._replace(address=address)
    return replace(incident, title=title, place=place)


def _kind(installation: Installation, code: str | None) -> tuple[Names, str]:
    kind = installation.settings.kinds.get(code or "")
    if kind is None:
        return {"zh": code or "—", "en": code or "—"}, "square"
    return kind.name.as_dict(), kind.shape


def _named(names: Mapping[str, Names], source: str) -> Names:
    return names.get(source) or {"zh": source, "en": source}


def _clocks(
    reader: Reader, installation: Installation, incident: Incident, now: datetime
) -> tuple[ClockLine, ...]:
    desk = installation.desk
    alive = incident.source not in desk.silent(reader, now)
    kind, severity = incident.kind_at_dispatch, incident.severity
    limits = desk.rules.limits(kind, severity, incident.grid)
    lines = []
    for milestone, reading in CLOCKS:
        outcome = judge(incident, milestone, reading, desk.rules, now=now, source_alive=alive)
        begins = _from(milestone, reading, incident)
        lines.append(
            ClockLine(
                milestone=milestone,
                reading=reading,
                state=state_of(outcome, now=now, warning_share=desk.rules.warning_share),
                outcome=outcome,
                target_s=_seconds(limits.get(milestone)),
                start=incident.stamps.get(begins),
                stop=incident.stamps.get(milestone),
                from_milestone=begins,
            )
        )
    return tuple(lines)


def _seconds(limit: object) -> int | None:
    """A target on the plain clock; one in working time or none at all has no seconds."""
    return int(limit.total_seconds()) if isinstance(limit, timedelta) else None


def _from(milestone: Milestone, reading: Reading, incident: Incident) -> Milestone:
    """The milestone a clock starts at: t0 is the report, or our receipt where none is known."""
    if reading is Reading.STAGED and milestone in PREDECESSOR:
        return PREDECESSOR[milestone]
    return Milestone.REPORTED if Milestone.REPORTED in incident.stamps else Milestone.RECEIVED


def _timeline(
    incident: Incident,
    said: Iterable[Statement],
    current: set[Statement],
    names: Mapping[str, Names],
) -> tuple[Entry, ...]:
    entries = [
        _entry(incident, statement, fact, statement not in current, names)
        for statement in said
        for fact in statement.facts
    ]
    order = list(Milestone)
    return tuple(
        sorted(
            entries,
            key=lambda e: (e.at or e.recorded_at, order.index(e.milestone), e.recorded_at),
        )
    )


def _entry(
    incident: Incident,
    statement: Statement,
    fact: Fact,
    is_replaced: bool,
    names: Mapping[str, Names],
) -> Entry:
    return Entry(
        milestone=fact.milestone,
        at=fact.at,
        precision_s=fact.precision_s,
        method=fact.method,
        source=statement.source,
        source_names=_named(names, statement.source),
        unit=statement.unit,
        recorded_at=statement.recorded_at,
        is_used=_is_used(incident, fact, is_replaced),
        is_replaced=is_replaced,
    )


def _is_used(incident: Incident, fact: Fact, is_replaced: bool) -> bool:
    if fact.milestone is Milestone.RETURNED:
        return fact.at is not None and fact.at == incident.returned_at
    return not is_replaced and incident.stamps.get(fact.milestone) == fact.stamp


def _reports(
    reader: Reader,
    incident_id: str,
    said: Iterable[Statement],
    current: set[Statement],
    names: Mapping[str, Names],
) -> tuple[RawReport, ...]:
    by_content = {statement.content: statement for statement in said}
    table = schema.report
    query = select(table).where(table.c.incident_id == incident_id)
    rows = reader.rows(query.order_by(table.c.recorded_ms, table.c.ordinal))
    return tuple(_raw(row, by_content[bytes(row.report_id)], current, names) for row in rows)


def _raw(
    row: Any, statement: Statement, current: set[Statement], names: Mapping[str, Names]
) -> RawReport:
    return RawReport(
        source_names=_named(names, statement.source),
        record_id=statement.record_id,
        recorded_at=statement.recorded_at,
        where=f"{masked(row.part)}:{row.line}" if row.part else "",
        text=masked_record(_readable(bytes(row.raw)), statement.moments)[:_MOST_RAW],
        flags=tuple(flag._replace(value=masked(flag.value)) for flag in statement.flags),
        is_replaced=statement not in current,
    )


def _readable(raw: bytes) -> str:
    """Text as it is; the bytes of a frame as hex."""
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        return raw.hex(" ")
