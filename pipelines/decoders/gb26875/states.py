"""What status bits and buttons say about the condition of a device."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from pipelines.model.device import Condition

CONDITIONS: Mapping[str, Condition] = {
    "fire": Condition.ALARM,
    "fault": Condition.FAULT,
    "shield": Condition.MUTED,
    "supervise": Condition.SUPERVISED,
    "power_fault": Condition.POWER,
    "main_power_fault": Condition.POWER,
    "backup_power_fault": Condition.POWER,
    "bus_fault": Condition.FAULT,
    "channel_fault": Condition.FAULT,
    "line_fault": Condition.FAULT,
}
"""The condition behind each status bit that is one; starting, feedback and delay are not."""

NORMAL = "normal_run"
ALARM_BUTTON = "manual_alarm"
"""手动报警: somebody has pressed the alarm button. A fire until the contrary is known."""
CLEARING = frozenset({"reset", "alarm_cleared"})


class Change(NamedTuple):
    """What begins and what ends."""

    begun: frozenset[Condition] = frozenset()
    ended: frozenset[Condition] = frozenset()


@lru_cache(maxsize=4096)
def of_status(bits: tuple[str, ...], status: int) -> Change:
    """What a status says: of every condition it has a bit for, whether that holds.

    Bit 0 clear is a test. It stands beside the others and hides none.
    """
    begun, known = set(), set()
    for bit, name in enumerate(bits):
        condition = Condition.TEST if name == NORMAL else CONDITIONS.get(name)
        if condition is None:
            continue
        known.add(condition)
        if bool(status >> bit & 1) is not (name == NORMAL):
            begun.add(condition)
    return Change(frozenset(begun), frozenset(known - begun))


def of_operation(flags: tuple[str, ...]) -> Change:
    """What pressing buttons says: an alarm button begins an alarm, a reset ends it."""
    if ALARM_BUTTON in flags:
        return Change(begun=frozenset({Condition.ALARM}))
    if CLEARING & set(flags):
        return Change(ended=frozenset({Condition.ALARM}))
    return Change()
