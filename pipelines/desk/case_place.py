"""What is around one incident: its device, the units, and the small map of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from pipelines.desk.local_map import LocalMap, Mark, MarkRole, local_map
from pipelines.installation import Installation
from pipelines.model.device import POSITION, Condition
from pipelines.model.fact import Statement
from pipelines.model.incident import Incident
from pipelines.privacy.masking import masked
from pipelines.registers.units import UnitEntry, metres
from pipelines.snapshot import Names
from pipelines.store import schema
from pipelines.store.rows import from_ms
from pipelines.store.store import Device, Reader

_NEAREST = 3
_SIGNALS_MOST = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalLine:
    """What a device said at a moment: which conditions began and ended, in its own words masked."""

    at: datetime
    recorded_at: datetime
    begun: tuple[str, ...]
    ended: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceLine:
    """The device whose alarm this is about, as it is now, and its last signals, newest first."""

    names: Names
    address: str
    conditions: tuple[Condition, ...]
    last_seen: datetime | None
    values: tuple[tuple[str, str], ...]
    signals: tuple[SignalLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitNear:
    """One unit of the register: who was sent, or who is near; ``distance_m`` as the crow flies."""

    names: Names
    strength: int | None
    distance_m: int | None
    was_sent: bool
    lat: float
    lon: float


def device_of(said: Iterable[Statement]) -> Device | None:
    """The device whose alarm the incident is about."""
    return next(((s.incident_source, s.alarm.device) for s in said if s.alarm), None)


def device_line(reader: Reader, installation: Installation, device: Device) -> DeviceLine:
    """The device as it is now."""
    source, name = device
    entry = installation.register.find(source, name)
    state = reader.device_states([device]).get(device)
    table = schema.signal
    query = (
        select(table)
        .where(table.c.source == source, table.c.device == name)
        .order_by(table.c.recorded_ms.desc(), table.c.at_ms.desc(), table.c.signal_id)
        .limit(_SIGNALS_MOST)
    )
    return DeviceLine(
        names=entry.names if entry else {"zh": name, "en": name},
        address=masked(entry.address) if entry else "",
        conditions=tuple(sorted(state.holding)) if state else (),
        last_seen=state.last_seen if state else None,
        values=tuple((n, m.value) for n, m in sorted(state.values.items()) if n != POSITION)
        if state
        else (),
        signals=tuple(
            SignalLine(
                at=from_ms(row.at_ms),
                recorded_at=from_ms(row.recorded_ms),
                begun=tuple(filter(None, row.begun.split(","))),
                ended=tuple(filter(None, row.ended.split(","))),
            )
            for row in reader.rows(query)
        ),
    )


def units_of(installation: Installation, incident: Incident) -> tuple[UnitNear, ...]:
    """Who was sent, as far as the register knows them; then who is nearest to the place."""
    sent = {unit.unit for unit in incident.units}
    found = [
        _unit(unit, incident, was_sent=True) for unit in installation.units if unit.code in sent
    ]
    lat, lon = incident.place.lat, incident.place.lon
    if lat is None or lon is None:
        return tuple(found)
    near = installation.units.nearest(lat, lon, most=_NEAREST)
    found += [_unit(u, incident, was_sent=False) for _, u in near if u.code not in sent]
    return tuple(found)


def _unit(unit: UnitEntry, incident: Incident, *, was_sent: bool) -> UnitNear:
    lat, lon = incident.place.lat, incident.place.lon
    far = None if lat is None or lon is None else round(metres(lat, lon, unit.lat, unit.lon))
    return UnitNear(
        names=unit.names,
        strength=unit.strength,
        distance_m=far,
        was_sent=was_sent,
        lat=unit.lat,
        lon=unit.lon,
    )


def case_map(
    installation: Installation,
    incident: Incident,
    kind: tuple[Names, str],
    units: Iterable[UnitNear],
    *,
    is_hidden: bool,
    now: datetime,
) -> LocalMap:
    """The grid with the place and the units; of a sensitive kind only the grid."""
    marks = [
        Mark(role=MarkRole.UNIT, names=unit.names, lat=unit.lat, lon=unit.lon) for unit in units
    ]
    lat, lon = incident.place.lat, incident.place.lon
    if lat is not None and lon is not None and not is_hidden:
        names, shape = kind
        marks.append(Mark(role=MarkRole.INCIDENT, names=names, lat=lat, lon=lon, shape=shape))
    return local_map(installation, incident.grid, marks, now=now)
