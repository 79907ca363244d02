"""What a figure is: a description with a pure function of a tally."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pipelines.model.tally import ClockTally


class Unit(StrEnum):
    """What a figure's number counts."""

    SHARE = "share"
    INTERVAL = "interval"
    SECONDS = "seconds"
    INCIDENTS = "incidents"
    LEDGER = "ledger"


class Better(StrEnum):
    """Which way is good."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


Value = float | int | tuple[float, float] | dict[str, int] | None
"""A figure's value; None says that there is nothing to measure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kpi:
    """One figure: its id (the key in the JSON), its meaning, and how it is computed."""

    id: str
    name: str
    definition: str
    unit: Unit
    better: Better
    value: Callable[[ClockTally], Value]
