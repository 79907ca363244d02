"""The product's clock: the one place where the time is read.

Everything else is handed a ``now``.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Something that knows what time it is."""

    @property
    def rate(self) -> float:
        """How many seconds pass on this clock in a real one."""
        ...

    def now(self) -> datetime:
        """The time on this clock, aware UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    rate = 1.0

    def now(self) -> datetime:
        """The time of the machine, aware UTC."""
        return datetime.now(UTC)


class SteadyClock:
    """The machine's clock as it stood at the start, carried on by one that nobody can set.

    A replay runs on it: on a clock of sixty times the speed an hour that is set is sixty.
    """

    rate = 1.0

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self._began_s = time.monotonic()

    def now(self) -> datetime:
        """The time since the start, aware UTC."""
        return self._start + timedelta(seconds=time.monotonic() - self._began_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class FastClock:
    """A clock that runs ``rate`` times as fast as ``base``; a replay uses it.

    It showed ``start`` when ``base`` showed ``anchor``.
    """

    base: Clock
    anchor: datetime
    start: datetime
    rate: float

    def now(self) -> datetime:
        """The time on this clock, aware UTC."""
        return self.start + (self.base.now() - self.anchor) * self.rate


class ManualClock:
    """A clock that moves only when it is told to: for tests and for simulation."""

    rate = 1.0

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The time it was set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the clock forward."""
        self._now += by
