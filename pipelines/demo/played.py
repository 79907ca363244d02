"""The clock of the demo street, shared by its simulator and the product.

The simulator writes down what its clock shows; whoever reads that has the same clock. When it has
stopped, so has the clock.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.clock import Clock, FastClock, SystemClock

FOLDER = "demo"
"""Of the data folder: everything that the simulator writes, made anew at each start."""

_FILE = "clock.json"
STALE_AFTER = timedelta(seconds=10)
"""A simulator that has not written for so long is no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Played:
    """What the simulator wrote: at ``anchor`` of the machine's clock its own showed ``start``.

    ``seen`` is when it wrote that, by the machine's clock.
    """

    anchor: datetime
    start: datetime
    rate: float
    seen: datetime

    @property
    def clock(self) -> FastClock:
        """The clock itself, running."""
        return FastClock(base=SystemClock(), anchor=self.anchor, start=self.start, rate=self.rate)

    def is_running(self, now: datetime) -> bool:
        """Whether the simulator lives, at a moment of the machine's clock."""
        return now - self.seen < STALE_AFTER

    def time(self, now: datetime) -> datetime:
        """What the street's clock shows; it has stopped with its simulator."""
        until = now if self.is_running(now) else self.seen
        return self.start + (until - self.anchor) * self.rate


class StoppedClock:
    """A clock that shows one moment for ever."""

    rate = 1.0

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """The moment."""
        return self._at


def write_played(data: Path, played: Played) -> None:
    """Say what the clock shows, at once or not at all."""
    file = data / FOLDER / _FILE
    content = {"rate": played.rate} | {
        name: getattr(played, name).isoformat() for name in ("anchor", "start", "seen")
    }
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps(content), encoding="utf-8")
    beside.replace(file)


def read_played(data: Path) -> Played | None:
    """What the simulator of this data folder wrote last, if there was one."""
    try:
        said = json.loads((data / FOLDER / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    moments = {name: datetime.fromisoformat(said[name]) for name in ("anchor", "start", "seen")}
    return Played(rate=said["rate"], **moments)


def street_clock(data: Path) -> Clock:
    """The clock that fits the demo's store: the street's, or the machine's if it never ran."""
    played = read_played(data)
    if played is None:
        return SystemClock()
    now = SystemClock().now()
    return played.clock if played.is_running(now) else StoppedClock(played.time(now))
