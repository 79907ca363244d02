"""The rules of the lab, in words."""

from dashboard.text import Say
from pipelines.figures.lab import Cancelled, Clock, Missing, Rule, Unit


def rule_name(rule: Rule, say: Say) -> str:
    """A rule as one text."""
    counted = counted_name(rule.missing, rule.cancelled, say)
    return f"{clock_name((rule.start, rule.unit), say)} · {counted}"


def clock_name(clock: Clock, say: Say) -> str:
    """From where a clock runs, and whose stamp stops it where that is not the first unit's."""
    start, unit = clock
    name = say(f"lab.start_{start}")
    return name if unit is Unit.FIRST else f"{name} · {say('lab.unit_last')}"


def counted_name(missing: Missing, cancelled: Cancelled, say: Say) -> str:
    """What is done with those that have no stamp, and with who was cancelled in time."""
    name = say(f"lab.missing_{missing}")
    return name if cancelled is Cancelled.OUT else f"{name} · {say('lab.cancelled_in')}"


def points(share: float) -> str:
    """A difference of rates, in percentage points."""
    return f"{100 * share:.1f}"
