"""Shifts (班次): whose time of day an incident began in.

The shifts of a day follow each other without a gap, so that the figures of the shifts add up to
those of the day. A shift is named by when it begins, such as ``08:00``. Where clocks change, a
shift ends when the next begins, an hour sooner or later.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain, pairwise
from zoneinfo import ZoneInfo

from pipelines.errors import QueryError
from pipelines.store.buckets import Span
from pipelines.store.rows import to_ms
from pipelines.store.strata import Cut, Telling

LONGEST = timedelta(days=366)
"""Of what is counted by shift there are sums of months, and none of years."""
_DAY = timedelta(days=1)
_NO_SHIFTS = "there are no shifts; name them in the configuration, as [wall] shifts"


def shift_key(start: time) -> str:
    """What a shift is called in questions and answers."""
    return start.strftime("%H:%M")


def shift_of(moment: datetime, shifts: Sequence[time], zone: ZoneInfo) -> str:
    """The shift that was on duty at a moment; raises QueryError where there are none."""
    if not shifts:
        raise QueryError(_NO_SHIFTS)
    day = moment.astimezone(zone).date()
    begun = list(_boundaries(day - _DAY, day + _DAY, shifts, zone))
    return begun[bisect_right(begun, (moment, "~")) - 1][1]


def spans_of(key: str, window: Span, shifts: Sequence[time], zone: ZoneInfo) -> list[Span]:
    """When within the window a shift was on duty, in order."""
    begin, end = window
    first = begin.astimezone(zone).date() - _DAY
    last = end.astimezone(zone).date() + _DAY
    turns = list(_boundaries(first, last, shifts, zone))
    spans = (
        (max(start, begin), min(until, end))
        for (start, name), (until, _) in pairwise(turns)
        if name == key
    )
    return [span for span in spans if span[0] < span[1]]


class Turns:
    """When shifts begin, from before a window to after it, and which."""

    def __init__(self, window: Span, shifts: Sequence[time], zone: ZoneInfo) -> None:
        self.keys = list(dict.fromkeys(map(shift_key, shifts)))
        begin, end = (moment.astimezone(zone).date() for moment in window)
        turns = list(_boundaries(begin - _DAY, end + _DAY, shifts, zone))
        self.starts_ms = [to_ms(start) for start, _ in turns]
        number = {key: i for i, key in enumerate(self.keys)}
        self.shifts = [number[key] for _, key in turns]
        """Of each turn the number of its shift in ``keys``."""

    def telling(self, cut: Cut) -> Telling:
        """How incidents of the window are told apart by shift, or by shift and state."""
        return Telling(cut, told_by(self.keys), self.starts_ms, self.shifts)


def told_by(keys: Sequence[str]) -> str:
    """What sums by shift depend on, but for the time zone, with which all sums are made anew."""
    return " ".join(keys)


def checked(window: Span, shifts: Sequence[time], key: str | None) -> None:
    """Raise QueryError when a question by shift cannot be answered, with the way out."""
    if not shifts:
        raise QueryError(_NO_SHIFTS)
    known = [shift_key(start) for start in shifts]
    if key is not None and key not in known:
        raise QueryError(f"shift = {key!r}: must be one of: {', '.join(known)}")
    if window[1] - window[0] > LONGEST:
        raise QueryError(
            f"from … to spans {(window[1] - window[0]).days} days; "
            f"at most {LONGEST.days} by shift: give a later from"
        )


def _boundaries(
    first: date, last: date, shifts: Sequence[time], zone: ZoneInfo
) -> Iterator[tuple[datetime, str]]:
    """When shifts begin, and which, from one day to another."""
    chosen = tuple(shifts)
    days = range(first.toordinal(), last.toordinal() + 1)
    yield from sorted(chain.from_iterable(_begun_on(day, chosen, zone) for day in days))


@lru_cache(maxsize=8192)
def _begun_on(
    day: int, shifts: tuple[time, ...], zone: ZoneInfo
) -> tuple[tuple[datetime, str], ...]:
    """The same of one day, counted from the year 1: a year of them is asked for at a time."""
    local = date.fromordinal(day)
    return tuple(
        (datetime.combine(local, start, zone).astimezone(UTC), shift_key(start)) for start in shifts
    )


def span_at(moment: datetime, shifts: Sequence[time], zone: ZoneInfo) -> Span:
    """When the shift on duty at a moment begins and ends; the local day where there are none."""
    day = moment.astimezone(zone).date()
    turns = list(_boundaries(day - _DAY, day + 2 * _DAY, shifts or (time(),), zone))
    moments = sorted({start for start, _ in turns})
    index = bisect_right(moments, moment)
    return moments[index - 1], moments[index]
