"""Alarm episodes: many alarms of one device, close together, are one incident.

Which incident an alarm belongs to is a function of the set of all alarms of its device, not of the
order in which they came: an episode is a longest run of alarms with no pause longer than the gap,
and its first alarm gives it its key. An alarm that comes late may so extend an episode backwards
or join two; what was said about the incidents it joins is then said about the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from pipelines.model.device import Alarm
from pipelines.model.fact import Statement
from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Device, Writer

GAP = timedelta(minutes=10)


class Move(NamedTuple):
    """An incident that turned out to be part of an earlier one of the same source."""

    source: str
    old_key: str
    new_key: str


def episode_key(device: str, first_ms: int) -> str:
    """The key of the incident that an episode is: the device, and its first alarm in UTC."""
    return f"{device}@{from_ms(first_ms):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def episodes(moments: Iterable[int], gap_ms: int) -> dict[int, int]:
    """For each moment in ms the first of its episode."""
    firsts: dict[int, int] = {}
    first = last = None
    for moment in sorted(moments):
        if first is None or last is None or moment - last > gap_ms:
            first = moment
        firsts[moment] = first
        last = moment
    return firsts


def keyed(
    writer: Writer, statements: Sequence[Statement], *, gap: timedelta
) -> tuple[list[Statement], list[Move]]:
    """The statements, those about an alarm with the key of its episode, and what that moves.

    Remembers the alarms in the store.
    """
    raised: dict[Device, set[int]] = {}
    for statement in statements:
        if statement.alarm is not None:
            device = (statement.incident_source, statement.alarm.device)
            raised.setdefault(device, set()).add(to_ms(statement.alarm.at))
    if not raised:
        return list(statements), []
    moves: list[Move] = []
    firsts: dict[Device, Mapping[int, int]] = {}
    for device, moments in raised.items():
        firsts[device], moved = _settle(writer, device, moments, gap)
        moves.extend(moved)
    return [_with_key(statement, firsts) for statement in statements], moves


def _settle(
    writer: Writer, device: Device, moments: set[int], gap: timedelta
) -> tuple[dict[int, int], list[Move]]:
    gap_ms = gap // timedelta(milliseconds=1)
    known = writer.alarms(device, since_ms=min(moments) - gap_ms, until_ms=max(moments) + gap_ms)
    firsts = episodes({*known, *moments}, gap_ms)
    changed = [(*device, at, first) for at, first in firsts.items() if known.get(at) != first]
    writer.put(schema.alarm, changed)
    joined = {old: firsts[at] for at, old in known.items() if firsts[at] != old}
    source, name = device
    return firsts, [
        Move(source, episode_key(name, old), episode_key(name, new)) for old, new in joined.items()
    ]


def _with_key(statement: Statement, firsts: Mapping[Device, Mapping[int, int]]) -> Statement:
    alarm: Alarm | None = statement.alarm
    if alarm is None:
        return statement
    first = firsts[statement.incident_source, alarm.device][to_ms(alarm.at)]
    return statement._replace(incident_key=episode_key(alarm.device, first))
