"""The time that a command goes by."""

from datetime import datetime

from pipelines.clock import SystemClock
from pipelines.demo.played import street_clock
from pipelines.settings import Settings


def now_of(settings: Settings) -> datetime:
    """The time by the clock that the store was filled with."""
    clock = SystemClock() if settings.demo is None else street_clock(settings.data)
    return clock.now()
