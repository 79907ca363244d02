"""A device (设备): anything that reports its own state, such as a smoke sensor (感知设备)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple


class Condition(StrEnum):
    """What may be the matter with a device. Only an alarm opens an incident."""

    ALARM = "alarm"
    """火警: it has sensed what it is there to sense."""
    FAULT = "fault"
    """故障: it cannot do its work."""
    MUTED = "muted"
    """屏蔽 or 静音: somebody has shut it off."""
    SUPERVISED = "supervised"
    """监管: something that belongs to the system is not as it should be, such as a valve."""
    TAMPER = "tamper"
    """拆卸: it was taken off."""
    LOW_BATTERY = "low_battery"
    """低电压."""
    POWER = "power"
    """主电 or 备电 failed."""
    OFFLINE = "offline"
    """离线: its platform says that it is not there."""
    TEST = "test"
    """测试: it says that it is being tested. It never hides an alarm."""


class Alarm(NamedTuple):
    """That a device raised the alarm at a moment of its own clock; which device, and when.

    All alarms of one device with pauses no longer than the episode setting between them are one
    incident, in whatever order they come.
    """

    device: str
    at: datetime


class Signal(NamedTuple):
    """What one record says about one device, apart from incidents.

    ``source`` and ``device`` together name the device. ``at`` is the device's own time of it, or
    the moment of receipt where it has no clock. A heartbeat says nothing but that the device is
    there: no condition begins or ends with it. ``values`` holds measured values as text with
    their unit; that of ``BATTERY`` is a share, 0 to 1, that of ``POSITION`` a pair of degrees.
    """

    source: str
    device: str
    at: datetime
    recorded_at: datetime
    content: bytes
    begun: frozenset[Condition] = frozenset()
    ended: frozenset[Condition] = frozenset()
    values: Mapping[str, str] = {}

    @property
    def is_heartbeat(self) -> bool:
        """Whether it says nothing but that the device is there."""
        return not (self.begun or self.ended or self.values)

    @property
    def is_passing(self) -> bool:
        """Whether it says nothing but that the device is there, or where: no row is kept of that.

        Only the last position is known of whoever carries it, never the way they went.
        """
        return not (self.begun or self.ended or self.values.keys() - {POSITION})


class Since(NamedTuple):
    """Whether a condition holds, and from when on that is so."""

    at: datetime
    holds: bool


class Measured(NamedTuple):
    """A value as text with its unit, and when it was measured."""

    at: datetime
    value: str


BATTERY = "battery"
"""The name under which the charge of a battery is kept among the values, as a share."""
POSITION = "position"
"""The name under which a device says where it is itself: ``lat,lon`` in degrees, WGS-84."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceState:
    """What the signals of one device add up to; order and repetition change nothing.

    Only ``rhythm``, the longest usual pause between two signs of life, depends on how they came:
    it is observed, not stated.
    """

    source: str
    device: str
    first_seen: datetime
    last_seen: datetime
    conditions: Mapping[Condition, Since] = field(default_factory=dict)
    values: Mapping[str, Measured] = field(default_factory=dict)
    rhythm: timedelta | None = None

    @property
    def holding(self) -> frozenset[Condition]:
        """The conditions that hold now."""
        return frozenset(c for c, since in self.conditions.items() if since.holds)

    def is_silent(self, now: datetime, *, at_least: timedelta) -> bool:
        """Whether it has said nothing for longer than three of its pauses, and ``at_least``."""
        usual = 3 * self.rhythm if self.rhythm is not None else at_least
        return now - self.last_seen > max(usual, at_least)


def heard(before: DeviceState | None, signals: Iterable[Signal]) -> DeviceState:
    """The state after more signals about the same device; the latest of each thing counts.

    Raises ValueError when there is neither a state nor a signal.
    """
    said = sorted(signals, key=attrgetter("recorded_at"))
    if before is None:
        before = _silent_so_far(said)
    conditions, values = dict(before.conditions), dict(before.values)
    for signal in said:
        for condition in signal.begun | signal.ended:
            since = Since(signal.at, condition in signal.begun)
            # at one and the same moment, that it holds is the safer thing to believe
            conditions[condition] = max(conditions.get(condition, since), since)
        for name, value in signal.values.items():
            measured = Measured(signal.at, value)
            values[name] = max(values.get(name, measured), measured)
    return DeviceState(
        source=before.source,
        device=before.device,
        first_seen=min([before.first_seen, *(s.recorded_at for s in said)]),
        last_seen=max([before.last_seen, *(s.recorded_at for s in said)]),
        conditions=conditions,
        values=values,
        rhythm=_rhythm(before, said),
    )


def _silent_so_far(said: Sequence[Signal]) -> DeviceState:
    if not said:
        raise ValueError("a device needs at least one signal")
    first = said[0]
    return DeviceState(
        source=first.source,
        device=first.device,
        first_seen=first.recorded_at,
        last_seen=first.recorded_at,
    )


_FORGETTING = 0.05
"""How fast a rhythm that has become quicker is believed."""


def _rhythm(before: DeviceState, said: Sequence[Signal]) -> timedelta | None:
    """A longer pause counts at once, up to double; a shorter one slowly."""
    rhythm, last = before.rhythm, before.last_seen
    for signal in said:
        pause = signal.recorded_at - last
        last = max(last, signal.recorded_at)
        if pause <= timedelta(0):
            continue
        if rhythm is None:
            rhythm = pause
        elif pause > rhythm:
            rhythm = min(pause, 2 * rhythm)
        else:
            rhythm -= (rhythm - pause) * _FORGETTING
    return rhythm
