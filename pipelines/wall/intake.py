"""The intake of the last hours with the range that is usual for them, read anew every hour."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipelines.figures.groups import Desk, Query
from pipelines.figures.intake import WINDOW, series, usual
from pipelines.snapshot import Intake
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader

_HOUR = timedelta(hours=1)
_HOUR_MS = _HOUR // timedelta(milliseconds=1)
_WINDOW_MS = WINDOW // timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class UsualHours:
    """The usual ranges of some hours of windows, by the windows' number since 1970."""

    begin: datetime
    ranges: dict[int, tuple[float, float]]


def read_intake(
    reader: Reader, desk: Desk, before: UsualHours | None, *, hours: int, now: datetime
) -> tuple[Intake, UsualHours]:
    """The windows up to ``now``, and what to keep for the next snapshot.

    The range is left out unless it is known for every window shown.
    """
    start, counted = series(reader, now, hours, desk)
    begin = from_ms(to_ms(start) // _HOUR_MS * _HOUR_MS)
    if before is None or before.begin != begin:
        before = _read(reader, desk, begin, hours)
    first = to_ms(start) // _WINDOW_MS
    ranges = [before.ranges.get(first + i) for i in range(len(counted))]
    known = tuple(found for found in ranges if found is not None)
    intake = Intake(start=start, counts=tuple(counted))
    if len(known) == len(counted):
        intake = replace(intake, usual=known)
    return intake, before


def _read(reader: Reader, desk: Desk, begin: datetime, hours: int) -> UsualHours:
    """Ranges until an hour after the last window that is shown now: they serve for that hour."""
    query = Query(as_of=begin + (hours + 2) * _HOUR, start=begin)
    found = usual(reader, query, desk)
    return UsualHours(
        begin=begin,
        ranges={number: (float(r.low), float(r.high)) for number, r in found.items()},
    )
