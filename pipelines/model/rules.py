"""The rules: which targets are in force, for whom, and which kinds they apply to.

Targets are data. The most general come first (``within``), then those of a kind, then the
special ones by severity and area; of several that fit, the last counts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from pipelines.model.fact import Reason
from pipelines.model.incident import Incident
from pipelines.model.milestone import Milestone
from pipelines.model.working import Calendar, WorkingTime

Limit = timedelta | WorkingTime
"""How long something may take: by the clock, or in working time."""


class KindClass(StrEnum):
    """Whether the 135 clocks apply to a kind of incident."""

    EMERGENCY = "emergency"
    COMPLAINT = "complaint"


@dataclass(frozen=True, kw_only=True, slots=True)
class Special:
    """Targets for some incidents only; an empty condition fits all.

    ``areas`` holds communities or wider areas, and beginnings of grid codes.
    """

    within: Mapping[Milestone, Limit]
    kinds: frozenset[str] = frozenset()
    severities: frozenset[int] = frozenset()
    areas: tuple[str, ...] = ()

    def fits(self, kind: str, severity: int | None, grid: str, line: Collection[str]) -> bool:
        """Whether these targets are for an incident like this."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.severities or severity in self.severities)
            and (
                not self.areas
                or grid.startswith(self.areas)
                or any(area in line for area in self.areas)
            )
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """The targets in force and which kinds they apply to.

    ``within`` maps each targeted milestone to its limit; ``within_by_kind`` holds the
    exceptions (smoke alarms are to be reached in 180 s). A kind that is not listed in
    ``classes`` counts as an emergency: a code nobody has mapped must not hide a fire.
    ``skew`` says by how much the clocks of a source may disagree; ``areas`` in which areas each
    grid lies, from the whole down to its community.
    """

    within: Mapping[Milestone, Limit]
    within_by_kind: Mapping[str, Mapping[Milestone, Limit]]
    classes: Mapping[str, KindClass]
    special: tuple[Special, ...] = ()
    warning_share: float = 0.7
    skew: Mapping[str, timedelta] = field(default_factory=dict)
    calendar: Calendar | None = None
    areas: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _limits: dict[tuple[str | None, int | None, str], Mapping[Milestone, Limit]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def limits(
        self, kind: str | None, severity: int | None, grid: str
    ) -> Mapping[Milestone, Limit]:
        """The time allowed for each milestone that has a target, for incidents like this."""
        key = (kind, severity, grid)
        found = self._limits.get(key)
        if found is None:
            found = dict(self.within) | dict(self.within_by_kind.get(kind or "", {}))
            line = self.areas.get(grid, ())
            for special in self.special:
                if special.fits(kind or "", severity, grid, line):
                    found.update(special.within)
            self._limits[key] = found
        return found

    def limit(
        self, kind: str | None, milestone: Milestone, *, severity: int | None = None, grid: str = ""
    ) -> Limit | None:
        """The time allowed for ``milestone``, for incidents like this; None without a target."""
        return self.limits(kind, severity, grid).get(milestone)

    def deadline(
        self, start: datetime, incident: Incident, milestone: Milestone
    ) -> datetime | None:
        """When the clock that began at ``start`` runs out.

        None where there is no target, and where its working days are in a year whose holidays
        nobody has announced yet.
        """
        limit = self.limits(incident.kind_at_dispatch, incident.severity, incident.grid).get(
            milestone
        )
        if isinstance(limit, timedelta):
            return start + limit
        if limit is None or self.calendar is None:
            return None
        return self.calendar.deadline(start, limit)

    def years_missing(self, year: int) -> tuple[int, ...]:
        """Of this year and the next, those that targets in working days need and nobody announced.

        The days of the next are announced in November; until then only what is due then waits.
        """
        limits = [self.within, *self.within_by_kind.values(), *(s.within for s in self.special)]
        counted = [limit for several in limits for limit in several.values()]
        by_days = [x for x in counted if isinstance(x, WorkingTime) and x.unit.needs_calendar]
        known = self.calendar.years if self.calendar else frozenset()
        return tuple(y for y in (year, year + 1) if y not in known) if by_days else ()

    def exclusion(
        self, incident: Incident, milestone: Milestone = Milestone.ARRIVED
    ) -> Reason | None:
        """Why the incident is outside a target's cohort whatever happens to it, if it is.

        Of the handling (办结), whoever has such a target is asked; of the 135 loop, emergencies.
        """
        if milestone is Milestone.RESOLVED:
            kind = incident.kind_at_dispatch
            if milestone not in self.limits(kind, incident.severity, incident.grid):
                return Reason.NO_TARGET
        elif not self.is_emergency(incident.kind_at_dispatch):
            return Reason.NOT_EMERGENCY
        return incident.excluded

    def is_emergency(self, kind: str | None) -> bool:
        """Whether the 135 clocks apply to a kind."""
        return self.classes.get(kind or "", KindClass.EMERGENCY) is KindClass.EMERGENCY

    def is_downgraded(self, incident: Incident) -> bool:
        """Whether it was an emergency when the first unit was sent, and is none now."""
        return self.is_emergency(incident.kind_at_dispatch) and not self.is_emergency(incident.kind)
