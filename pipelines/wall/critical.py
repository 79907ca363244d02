"""The incidents that take over the wall: new, grave, and not yet seen by everybody in the room."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select

from pipelines.figures.groups import in_scope
from pipelines.installation import Installation
from pipelines.registers.whereabouts import nearest
from pipelines.snapshot import Critical, NearUnit, OpenIncident, UnitSpot
from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader
from pipelines.wall.open_list import is_no_drill, is_open, ranked

_MOST = 5
_NEAREST = 3
_STALE = timedelta(minutes=30)
"""What is learnt so long after it began is news, but none that stops everything."""


def read_critical(
    reader: Reader,
    installation: Installation,
    units: Iterable[UnitSpot],
    keeps: timedelta,
    *,
    now: datetime,
) -> tuple[Critical, ...]:
    """Those received no longer ago than an incident ``keeps`` the wall, newest first."""
    table = schema.incident
    query = (
        select(table)
        .where(
            is_open(now),
            is_no_drill(),
            in_scope(installation.desk),
            table.c.received_ms > to_ms(now - keeps),
            table.c.received_ms <= to_ms(now),
            table.c.t0_ms >= to_ms(now - _STALE),
        )
        .order_by(table.c.received_ms.desc(), table.c.id)
    )
    found = []
    for row in reader.rows(query):
        if _is_critical(row.kind_at_dispatch, row.severity, installation):
            view = ranked(row, installation, now).view
            until = from_ms(row.received_ms) + keeps
            found.append(Critical(incident=view, until=until, nearest=_near(view, units)))
        if len(found) == _MOST:
            break
    return tuple(found)


def _is_critical(kind: str | None, severity: int | None, installation: Installation) -> bool:
    wanted = installation.settings.wall.scenes
    if kind in wanted.critical_kinds:
        return True
    grave = severity is not None and 1 <= severity <= wanted.critical_severity
    return grave and installation.desk.rules.is_emergency(kind)


def _near(view: OpenIncident, units: Iterable[UnitSpot]) -> tuple[NearUnit, ...]:
    if view.lat is None or view.lon is None:
        return ()
    return tuple(
        NearUnit(
            code=unit.code,
            names=unit.names,
            type=unit.type,
            distance_m=round(far),
            strength=unit.strength,
            is_located=unit.seen_at is not None,
        )
        for far, unit in nearest(units, view.lat, view.lon, most=_NEAREST)
    )
