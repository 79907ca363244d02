"""Between the model's values and the rows of the store."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pipelines.connectors.record import Record
from pipelines.model.device import Alarm
from pipelines.model.fact import Fact, Flag, Reason, Statement
from pipelines.model.incident import Incident
from pipelines.model.milestone import Milestone
from pipelines.model.place import Place
from pipelines.model.remark import Remark
from pipelines.model.stamp import Method, Stamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_STAMPED: tuple[Milestone, ...] = tuple(
    milestone for milestone in Milestone if milestone is not Milestone.RETURNED
)
_MILESTONES: tuple[tuple[Milestone, str], ...] = tuple(
    (milestone, f"{milestone}_ms") for milestone in _STAMPED
)
_PLAIN = Stamp(_EPOCH)[1:]
_PLACELESS = Place()


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970, exactly."""
    return (moment - _EPOCH) // _MS


def from_ms(ms: int) -> datetime:
    """The aware UTC moment of ``to_ms``."""
    return _EPOCH + timedelta(milliseconds=ms)


def report_row(
    statement: Statement,
    record: Record,
    incident: str,
    context_id: bytes,
    moments: Iterable[int | None],
) -> tuple[Any, ...]:
    """A record and what it says, as a row of ``report``, its columns in order.

    ``moments`` says when its facts happened, as :func:`moments_of` does.
    """
    lat, lon, address, own_grid = statement.place or _PLACELESS
    alarm = statement.alarm
    part, line = record.origin
    return (
        incident,
        statement.content,
        statement.source,
        statement.incident_key,
        statement.record_id,
        to_ms(statement.recorded_at),
        statement.ordinal,
        part,
        line,
        record.raw,
        context_id,
        statement.unit,
        statement.qualifies,
        statement.kind,
        statement.severity,
        statement.excluded,
        lat,
        lon,
        address,
        own_grid,
        statement.title,
        json.dumps(statement.flags, ensure_ascii=False) if statement.flags else None,
        statement.about,
        None if alarm is None else alarm.device,
        None if alarm is None else to_ms(alarm.at),
        _facts_text(statement.facts, moments),
    )


def remark_row(remark: Remark, record: Record) -> tuple[Any, ...]:
    """What a person said as a row of ``remark``, its columns in order."""
    return (
        remark.subject,
        remark.content,
        remark.source,
        remark.act.value,
        remark.person,
        to_ms(remark.at),
        to_ms(remark.recorded_at),
        remark.text,
        record.raw,
    )


def moments_of(statement: Statement) -> list[int | None]:
    """When its facts happened, in milliseconds, in their order."""
    return [
        None if at is None else (at - _EPOCH) // _MS  # to_ms, without calling it
        for _, at, _, _, _ in statement.facts
    ]


def _facts_text(facts: Sequence[Fact], moments: Iterable[int | None]) -> str:
    # by hand: none of these words needs quoting, and the writer of json takes four times as long
    told = [
        f'["{milestone._value_}",{"null" if ms is None else ms},{precision_s},"{method._value_}"'
        f"{f',{where[0]!r},{where[1]!r}' if where else ''}]"
        for (milestone, _, precision_s, method, where), ms in zip(facts, moments, strict=True)
    ]
    return f"[{','.join(told)}]"


def _facts_from(text: str) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            Milestone(milestone),
            None if ms is None else from_ms(ms),
            precision_s,
            Method(method),
            (where[0], where[1]) if where else None,
        )
        for milestone, ms, precision_s, method, *where in json.loads(text)
    )


def flags_from(text: str | None) -> tuple[Flag, ...]:
    """The doubts about a report's fields."""
    return tuple(Flag(*flag) for flag in json.loads(text)) if text else ()


def statement_from(report: Any) -> Statement:
    """The statement a report row stands for."""
    place = Place(report.lat, report.lon, report.address, report.own_grid)
    return Statement(
        source=report.source,
        incident_key=report.incident_key,
        record_id=report.record_id,
        recorded_at=from_ms(report.recorded_ms),
        ordinal=report.ordinal,
        content=bytes(report.report_id),
        facts=_facts_from(report.facts),
        unit=report.unit,
        qualifies=bool(report.qualifies),
        kind=report.kind,
        severity=report.severity,
        excluded=Reason(report.excluded) if report.excluded else None,
        place=None if place == _PLACELESS else place,
        title=report.title,
        flags=flags_from(report.flags),
        about=report.about,
        alarm=Alarm(report.device, from_ms(report.alarm_ms)) if report.device else None,
    )


class IncidentRow(NamedTuple):
    """A row of ``incident``, its columns in order."""

    id: str
    source: str
    key: str
    kind: str | None
    kind_at_dispatch: str | None
    severity: int | None
    excluded: str | None
    grid: str
    t0_ms: int
    reported_ms: int | None
    received_ms: int | None
    accepted_ms: int | None
    dispatched_ms: int | None
    en_route_ms: int | None
    arrived_ms: int | None
    resolved_ms: int | None
    cancelled_ms: int | None
    closed_ms: int | None
    settles_ms: int
    unsettled_bits: int
    coarse: str | None
    lat: float | None
    lon: float | None
    address: str | None
    title: str | None
    units: int
    flagged: int
    returned_ms: int | None


def incident_row(incident: Incident, settles: datetime) -> IncidentRow:
    """An incident as a row; ``settles`` is when its verdicts stop changing."""
    stamps = incident.stamps
    moments = (to_ms(s.at) if (s := stamps.get(m)) else None for m in _STAMPED)
    t0_ms, settles_ms = to_ms(incident.t0.at), to_ms(settles)
    place = incident.place
    values = (
        incident.id,
        incident.source,
        incident.key,
        incident.kind,
        incident.kind_at_dispatch,
        incident.severity,
        incident.excluded,
        incident.grid,
        t0_ms,
        *moments,
        None if incident.closed_at is None else to_ms(incident.closed_at),
        settles_ms,
        (settles_ms - t0_ms).bit_length(),
        _coarse(stamps),
        place.lat,
        place.lon,
        place.address,
        incident.title,
        len({unit.unit for unit in incident.units}),
        len(incident.flags),
        None if incident.returned_at is None else to_ms(incident.returned_at),
    )
    return IncidentRow._make(values)


def incident_from(row: Any) -> Incident:
    """The incident a row stands for, without its units and flags: enough to judge it."""
    coarse = _coarse_from(row.coarse)
    stamps = {
        milestone: Stamp(from_ms(ms), *coarse.get(milestone, ()))
        for milestone, column in _MILESTONES
        if (ms := getattr(row, column)) is not None
    }
    return Incident(
        id=row.id,
        source=row.source,
        key=row.key,
        stamps=stamps,
        kind=row.kind,
        kind_at_dispatch=row.kind_at_dispatch,
        severity=row.severity,
        closed_at=None if row.closed_ms is None else from_ms(row.closed_ms),
        place=Place(row.lat, row.lon, row.address),
        title=row.title,
        excluded=Reason(row.excluded) if row.excluded else None,
        units=(),
        flags=(),
        grid=row.grid,
        returned_at=None if row.returned_ms is None else from_ms(row.returned_ms),
    )


def _coarse(stamps: Mapping[Milestone, Stamp]) -> str | None:
    unusual = [f"{m}:{s.precision_s}:{s.method}" for m, s in stamps.items() if s[1:] != _PLAIN]
    return ",".join(sorted(unusual)) or None


def _coarse_from(text: str | None) -> dict[Milestone, tuple[int, Method]]:
    if not text:
        return {}
    parts = (item.split(":") for item in text.split(","))
    return {Milestone(m): (int(precision), Method(method)) for m, precision, method in parts}
