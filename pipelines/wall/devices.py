"""The board of the devices: how many are in which condition, and which are in alarm."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select, true, tuple_

from pipelines.figures.groups import Desk
from pipelines.model.area import AreaTree
from pipelines.model.device import Condition, DeviceState
from pipelines.registers.devices import Places, Register
from pipelines.snapshot import Ailing, DeviceAlarm, DeviceBoard
from pipelines.store import schema
from pipelines.store.device_rows import device_from
from pipelines.store.rows import to_ms
from pipelines.store.store import Reader

_TROUBLES = (Condition.FAULT, Condition.POWER, Condition.TAMPER, Condition.LOW_BATTERY)
"""What somebody has to repair, gravest first."""
_SHOWN = frozenset({Condition.ALARM, *_TROUBLES})
_MOST = 12
_RHYTHMS = 3
"""A device is silent after three of its pauses (``DeviceState.is_silent``)."""
_MS = timedelta(milliseconds=1)


def read_devices(
    reader: Reader,
    register: Register,
    desk: Desk,
    *,
    now: datetime,
    silent_after: timedelta,
    down: Collection[str],
    carried: Collection[str] = (),
) -> DeviceBoard | None:
    """The board, or None where there is no device at all.

    Only the devices with something the matter are read one by one. ``down`` are the sources that
    cannot be reached, ``carried`` those whose devices are units. Whoever has a scope is told of the
    devices that hang in it.
    """
    areas = desk.areas
    mine: ColumnElement[bool] = schema.device.c.source.not_in(carried) if carried else true()
    if desk.within is not None:
        register = register.within(desk.within)
        device = tuple_(schema.device.c.source, schema.device.c.device)
        mine &= device.in_([(entry.source, entry.device) for entry in register])
    heard, silent, unknown = _counts(reader, now, silent_after, down, mine)
    if not heard and not len(register):
        return None
    ailing = _ailing(reader, mine)
    holding = Counter(condition for state in ailing for condition in state.holding)
    return DeviceBoard(
        registered=len(register),
        heard=heard,
        holding=dict(holding),
        silent=silent,
        unknown=unknown,
        alarms=_rows(ailing, (Condition.ALARM,), register, areas),
        troubles=_rows(ailing, _TROUBLES, register, areas),
        communities=Counter(areas.part_of(entry.grid) for entry in register if entry.grid),
        places=register.places.version,
        placed=len(register.places),
        ailing=_on_map(ailing, register.places),
    )


def _counts(
    reader: Reader,
    now: datetime,
    silent_after: timedelta,
    down: Collection[str],
    mine: ColumnElement[bool],
) -> tuple[int, int, int]:
    table = schema.device
    least = silent_after // _MS
    usual = func.coalesce(_RHYTHMS * table.c.rhythm_ms, least)
    allowed = case((usual > least, usual), else_=least)
    quiet = to_ms(now) - table.c.last_seen_ms > allowed
    query = select(table.c.source, func.count(), func.sum(case((quiet, 1), else_=0)))
    heard = silent = unknown = 0
    for source, n, still in reader.rows(query.where(mine).group_by(table.c.source)):
        heard += int(n)
        if source in down:
            unknown += int(still)
        else:
            silent += int(still)
    return heard, silent, unknown


def _ailing(reader: Reader, mine: ColumnElement[bool]) -> list[DeviceState]:
    """The devices with a condition that holds."""
    table = schema.device
    query = select(table).where(table.c.conditions.contains("true"), mine)
    return [device_from(row) for row in reader.rows(query)]


def _on_map(ailing: Iterable[DeviceState], places: Places) -> dict[Ailing, tuple[int, ...]]:
    """The places of those that are in alarm, and of those that are only to be repaired."""
    found: dict[Ailing, list[int]] = {}
    for state in ailing:
        number = places.number(state.source, state.device)
        if number is None or not state.holding & _SHOWN:
            continue
        is_alarm = Condition.ALARM in state.holding
        found.setdefault(Ailing.ALARM if is_alarm else Ailing.TROUBLE, []).append(number)
    return {kind: tuple(sorted(numbers)) for kind, numbers in sorted(found.items())}


def _rows(
    ailing: Iterable[DeviceState],
    wanted: tuple[Condition, ...],
    register: Register,
    areas: AreaTree,
) -> tuple[DeviceAlarm, ...]:
    """A row a device, by the gravest of the wanted conditions that holds, newest first."""
    found = []
    for state in ailing:
        condition = next((c for c in wanted if c in state.holding), None)
        if condition is not None:
            found.append(_row(state, condition, register, areas))
    found.sort(key=lambda row: (wanted.index(row.condition), -row.since.timestamp(), row.device))
    return tuple(found[:_MOST])


def _row(
    state: DeviceState, condition: Condition, register: Register, areas: AreaTree
) -> DeviceAlarm:
    entry = register.find(state.source, state.device)
    return DeviceAlarm(
        source=state.source,
        device=state.device,
        names=entry.names if entry else {"zh": state.device, "en": state.device},
        place=entry.address if entry else "",
        community=areas.part_of(entry.grid) if entry and entry.grid else "",
        since=state.conditions[condition].at,
        condition=condition,
    )
