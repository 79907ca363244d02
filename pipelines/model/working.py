"""Working time (工作时, 紧急工作时, 工作日): how long a complaint may take, by the calendar.

A working hour counts inside office hours on working days; an urgent hour inside the urgent hours
of every day. A working day is counted from the next one: what comes in on a Friday with one
working day is due when Monday, or the next day that is worked, ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_LONGEST_DAYS = 3700

Hours = tuple[tuple[time, time], ...]
"""Parts of a day, from and until; an end of 00:00 is midnight at the end of the day."""


class WorkUnit(StrEnum):
    """What a working-time limit counts; the value is how it is written behind a number."""

    HOUR = "wh"
    """工作时."""
    URGENT_HOUR = "uh"
    """紧急工作时."""
    DAY = "wd"
    """工作日."""

    @property
    def needs_calendar(self) -> bool:
        """Whether it matters which days are worked."""
        return self is not WorkUnit.URGENT_HOUR


class WorkingTime(NamedTuple):
    """So many working hours, urgent hours or working days."""

    amount: float
    unit: WorkUnit

    def __str__(self) -> str:
        return f"{self.amount:g}{self.unit.value}"


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Which days are worked, and which hours of them.

    ``holidays`` and ``workdays`` are the exceptions to Monday to Friday that the state announces
    (节假日 and 调休上班), ``years`` those it has announced them for. Nothing is guessed about
    another year.
    """

    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()
    hours: Hours = ((time(8, 30), time(12)), (time(13, 30), time(17, 30)))
    urgent_hours: Hours = ((time(8), time(20)),)

    @property
    def version(self) -> str:
        """The same text for the same calendar, on every machine."""
        days = (sorted(self.holidays), sorted(self.workdays), sorted(self.years))
        return repr((str(self.zone), days, self.hours, self.urgent_hours))

    def is_worked(self, day: date) -> bool | None:
        """Whether a day is worked; None where its year is not announced."""
        if day.year not in self.years:
            return None
        if day in self.workdays:
            return True
        return day.weekday() < 5 and day not in self.holidays

    def deadline(self, start: datetime, limit: WorkingTime) -> datetime | None:
        """When the limit runs out, UTC; None where that needs a year that is not announced."""
        if limit.unit is WorkUnit.DAY:
            return self._after_days(start.astimezone(self.zone).date(), limit.amount)
        urgent = limit.unit is WorkUnit.URGENT_HOUR
        return self._after_hours(start, timedelta(hours=limit.amount), urgent=urgent)

    def _after_days(self, day: date, amount: float) -> datetime | None:
        left = amount
        for _ in range(_LONGEST_DAYS):
            if left <= 0:
                break
            day += _DAY
            worked = self.is_worked(day)
            if worked is None:
                return None
            left -= worked
        # through the calendar: the day ends at local midnight, whatever the clocks do
        return _utc(day + _DAY, time(0), self.zone)

    def _after_hours(self, start: datetime, left: timedelta, *, urgent: bool) -> datetime | None:
        day = start.astimezone(self.zone).date()
        for _ in range(_LONGEST_DAYS):
            worked = True if urgent else self.is_worked(day)
            if worked is None:
                return None
            for begin, end in self._parts(day, self.urgent_hours if urgent else self.hours):
                if worked and end > start:
                    begin = max(begin, start)
                    if left <= end - begin:
                        return begin + left
                    left -= end - begin
            day += _DAY
        return None

    def _parts(self, day: date, hours: Hours) -> Iterator[tuple[datetime, datetime]]:
        for begin, end in hours:
            last = day + _DAY if end == time(0) else day
            yield _utc(day, begin, self.zone), _utc(last, end, self.zone)


def hours_from(texts: Sequence[str]) -> Hours:
    """Read ``["08:30-12:00", "13:30-17:30"]``; raises ValueError naming what is wrong."""
    found: list[tuple[time, time]] = []
    for text in texts:
        try:
            begin, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
        except ValueError as error:
            raise ValueError(f'{text!r} must be two times of day such as "08:30-12:00"') from error
        if end != time(0) and end <= begin:
            raise ValueError(f"{text!r} must end after it begins")
        if found and (found[-1][1] == time(0) or begin < found[-1][1]):
            raise ValueError(f"{text!r} must begin after the hours before it")
        found.append((begin, end))
    if not found:
        raise ValueError("needs at least one span of hours")
    return tuple(found)


@lru_cache(maxsize=8192)
def _utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
