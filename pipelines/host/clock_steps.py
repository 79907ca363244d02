"""Notices that the machine's clock was set: by hand, or by a time service that had lost touch."""

import time
from collections.abc import Callable
from datetime import timedelta

from pipelines.clock import Clock

NOTICED = timedelta(seconds=2)
"""Less than this is what a time service does all day."""


class ClockSteps:
    """Compares a clock with one that nobody can set. ``steady`` counts seconds."""

    def __init__(self, clock: Clock, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._steady = steady
        self._seen = (clock.now(), steady())

    def step(self) -> timedelta:
        """How far the clock was set on since this was last asked, negative for back; or zero."""
        before, then = self._seen
        self._seen = now, at = self._clock.now(), self._steady()
        step = (now - before) - timedelta(seconds=at - then)
        return step if abs(step) >= NOTICED else timedelta(0)
