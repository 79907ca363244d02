"""A time with its provenance."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class Method(StrEnum):
    """How a stamp came to be."""

    SENSOR = "sensor"
    AVL = "avl"
    TAP = "tap"
    CLERK = "clerk"
    IMPORTED = "imported"
    BACKFILLED = "backfilled"


class Stamp(NamedTuple):
    """When something happened, as precisely as its source says it.

    ``at`` is aware UTC and is the start of the interval the stamp stands for:
    ``08:32`` with ``precision_s=60`` means 08:32:00 up to and including 08:32:59.

    A named tuple, not a dataclass: millions are made while loading history, and a
    tuple costs a fifth of a frozen dataclass.
    """

    at: datetime
    precision_s: int = 1
    method: Method = Method.IMPORTED

    @property
    def latest(self) -> datetime:
        """The last whole second the stamp may stand for."""
        if self.precision_s == 1:  # nearly all are
            return self.at
        return self.at + timedelta(seconds=self.precision_s - 1)
