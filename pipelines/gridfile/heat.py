"""When a grid's incidents are reported: by weekday and hour, with what was observed at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.figures.groups import Desk
from pipelines.figures.windows import first_record
from pipelines.gridfile.cases import GridCase
from pipelines.store.store import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class Heat:
    """What was reported by weekday (Monday 0) and hour; None where no such hour was observed.

    ``hours`` counts the hours of the most observed cell: of so many Mondays at nine, say.
    """

    cells: tuple[tuple[int | None, ...], ...]
    total: int
    most: int
    hours: int
    start: datetime


def heat_of(
    reader: Reader, desk: Desk, recent: Sequence[GridCase], since: datetime, now: datetime
) -> Heat:
    """The demands of a window, by the local hour in which each began."""
    observed = _observed(reader, desk, since, now)
    counts = [[0] * 24 for _ in range(7)]
    demands = [case for case in recent if case.is_demand]
    for case in demands:
        weekday, hour = slot_of(case.incident.t0.at, desk)
        counts[weekday][hour] += 1
    cells = tuple(
        tuple(n if observed[day][hour] or n else None for hour, n in enumerate(row))
        for day, row in enumerate(counts)
    )
    return Heat(
        cells=cells,
        total=len(demands),
        most=max(n for row in counts for n in row),
        hours=max(n for row in observed for n in row),
        start=since,
    )


def _observed(reader: Reader, desk: Desk, since: datetime, now: datetime) -> list[list[int]]:
    """How many hours of each weekday and hour have passed since there were records at all."""
    hours = [[0] * 24 for _ in range(7)]
    at = (
        max(since, first_record(reader, now))
        .astimezone(UTC)
        .replace(minute=0, second=0, microsecond=0)
    )
    while at < now:
        weekday, hour = slot_of(at, desk)
        hours[weekday][hour] += 1
        at += timedelta(hours=1)
    return hours


def slot_of(moment: datetime, desk: Desk) -> tuple[int, int]:
    """Weekday and hour of a moment on the street's clock."""
    local = moment.astimezone(desk.zone)
    return local.weekday(), local.hour
