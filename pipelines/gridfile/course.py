"""The run chart of a grid: every emergency of half a year, and how soon somebody was there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.figures.groups import Desk
from pipelines.gridfile.cases import GridCase, after
from pipelines.model.clock import Verdict
from pipelines.model.milestone import Milestone

COURSE_DAYS = 180


@dataclass(frozen=True, kw_only=True, slots=True)
class CourseDot:
    """One emergency: when it began, in how many seconds somebody was there, and the verdict."""

    id: str
    t0: datetime
    seconds: int | None
    target_s: int
    verdict: Verdict


def judged(cases: Sequence[GridCase]) -> list[GridCase]:
    """The emergencies whose arrival is decided and known."""
    return [case for case in cases if case.arrival.verdict in (Verdict.HIT, Verdict.MISS)]


def course_of(cases: Sequence[GridCase], desk: Desk, start: datetime) -> tuple[CourseDot, ...]:
    """A dot a case that was known to hit or miss, by start."""
    dots = []
    for case in judged(cases):
        incident = case.incident
        limit = desk.rules.limit(
            incident.kind_at_dispatch,
            Milestone.ARRIVED,
            severity=incident.severity,
            grid=incident.grid,
        )
        if after(start)(case) and isinstance(limit, timedelta):
            dots.append(
                CourseDot(
                    id=incident.id,
                    t0=incident.t0.at,
                    seconds=case.arrival.seconds,
                    target_s=int(limit.total_seconds()),
                    verdict=case.arrival.verdict,
                )
            )
    return tuple(dots)
