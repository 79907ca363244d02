"""The agenda: everything that happens on the street, hour by hour, and what is let out when."""

from collections.abc import Callable, Sequence
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from zoneinfo import ZoneInfo

from pipelines.demo.model import alarms, complaints, hotline, police
from pipelines.demo.model.case import Case, Message
from pipelines.demo.model.draws import HOUR, Slot, full_hour, slot
from pipelines.demo.model.street import Street

STREAMS: tuple[tuple[str, Callable[[Street, Slot], list[Case]]], ...] = (
    ("police", police.cases),
    ("hotline", hotline.cases),
    ("market", complaints.market),
    ("labour", complaints.labour),
    ("disputes", complaints.disputes),
    ("alarms", alarms.alarms),
)


class Agenda:
    """Hands out what is due; what has not happened yet is not made up yet."""

    def __init__(
        self, street: Street, *, seed: int, zone: ZoneInfo, sources: Sequence[str], begin: datetime
    ) -> None:
        self._street = street
        self._seed = seed
        self._zone = zone
        self._sources = frozenset(sources)
        self._next = full_hour(begin)
        self._waiting: list[tuple[datetime, int, Message]] = []
        self._number = count()

    def until(self, now: datetime) -> tuple[list[Case], list[Message]]:
        """The cases that begin up to the end of this hour, and the messages due, in order."""
        made: list[Case] = []
        while self._next <= now:
            made.extend(self._hour(self._next))
            self._next += HOUR
        due: list[Message] = []
        while self._waiting and self._waiting[0][0] <= now:
            due.append(heappop(self._waiting)[2])
        return made, due

    def _hour(self, start: datetime) -> list[Case]:
        cases = [
            case
            for stream, happen in STREAMS
            for case in happen(self._street, slot(self._seed, stream, start, self._zone))
            if case.source in self._sources
        ]
        said = [message for case in cases for message in case.messages]
        said += alarms.troubles(self._street, slot(self._seed, "troubles", start, self._zone))
        for message in said:
            if message.source in self._sources:
                heappush(self._waiting, (message.at, next(self._number), message))
        return cases
