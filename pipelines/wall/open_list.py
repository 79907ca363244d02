"""The open incidents: which are open, how urgent each is, and when its clocks run out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select

from pipelines.figures.groups import in_scope
from pipelines.installation import Installation
from pipelines.model.clock import Reading, judge, state_of
from pipelines.model.fact import Reason
from pipelines.model.incident import Incident
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.rules import KindClass
from pipelines.settings import KindSettings
from pipelines.snapshot import OpenClock, OpenIncident
from pipelines.store import schema
from pipelines.store.rows import incident_from, to_ms
from pipelines.store.store import Reader

_LONG_OVERDUE = timedelta(minutes=30)
_OPEN_READ = 500
_MOMENT = timedelta(milliseconds=1)
_DRILL = Reason.DRILL.value
_UNMAPPED = KindSettings.model_validate(
    {"name": {"zh": "未归类", "en": "Unmapped kind"}, "class": "emergency", "shape": "square"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """An open incident with what is needed to sort it."""

    view: OpenIncident
    rank: tuple[int, float]


def is_open(now: datetime) -> ColumnElement[bool]:
    """The incidents that have begun and not ended at ``now``."""
    table = schema.incident
    closed_later = or_(table.c.closed_ms.is_(None), table.c.closed_ms > to_ms(now))
    # "+ 0" keeps the planner off the index by start, where the whole history lies before now
    return and_(table.c.t0_ms + 0 <= to_ms(now), closed_later)


def is_no_drill() -> ColumnElement[bool]:
    """Drills are shown and never counted."""
    excluded = schema.incident.c.excluded
    return or_(excluded.is_(None), excluded != _DRILL)


class OpenLine(NamedTuple):
    """An open incident, as much of it as is needed to count it."""

    id: str
    t0_ms: int
    grid: str
    kind: str | None
    """Its kind when it was dispatched."""
    severity: int | None
    excluded: str | None

    @property
    def is_drill(self) -> bool:
        """Drills are shown and never counted."""
        return self.excluded == _DRILL


def open_lines(reader: Reader, installation: Installation, now: datetime) -> list[OpenLine]:
    """All open incidents, looked up once for everything that a wall counts of them."""
    table = schema.incident.c
    said = (table.id, table.t0_ms, table.grid, table.kind_at_dispatch, table.severity)
    query = select(*said, table.excluded).where(is_open(now), in_scope(installation.desk))
    return [OpenLine._make(row) for row in reader.rows(query)]


class OpenCounts(NamedTuple):
    """How many incidents are open, by grid code, and how many of all are emergencies."""

    by_grid: dict[str, int]
    emergencies: int


def open_counts(lines: Iterable[OpenLine], installation: Installation) -> OpenCounts:
    """Count the open incidents; drills are not counted."""
    rules = installation.desk.rules
    counted = Counter((line.grid, line.kind) for line in lines if not line.is_drill)
    by_grid = Counter[str]()
    emergencies = 0
    for (grid, kind), n in counted.items():
        by_grid[grid] += n
        emergencies += n if rules.is_emergency(kind) else 0
    return OpenCounts(by_grid, emergencies)


def complaint_kinds(installation: Installation) -> tuple[str, ...]:
    """The kinds that are complaints."""
    classes = installation.desk.rules.classes
    return tuple(sorted(kind for kind, c in classes.items() if c is KindClass.COMPLAINT))


class Remembered:
    """Open incidents as they were last shown, for as long as neither they nor a clock changes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Any, Ranked, datetime, datetime]] = {}

    def ranked(
        self, rows: Iterable[Any], installation: Installation, now: datetime
    ) -> list[Ranked]:
        """Each row as the screens show it; forgets whatever is not among them."""
        before, self._known = self._known, {}
        for row in rows:
            known = before.get(row.id)
            if known is None or known[0] != row or not known[2] <= now < known[3]:
                item = ranked(row, installation, now)
                known = (row, item, now, _unchanged_until(item, row, installation, now))
            self._known[row.id] = known
        return [item for _, item, _, _ in self._known.values()]


def _unchanged_until(item: Ranked, row: Any, installation: Installation, now: datetime) -> datetime:
    """Until when an open incident looks the same, and ranks the same, if nothing is said of it."""
    view, share = item.view, installation.desk.rules.warning_share
    clocks = (*view.clocks, *((view.handling,) if view.handling is not None else ()))
    moments = [stamp.at for stamp in incident_from(row).stamps.values()]
    for clock in clocks:
        warning = warning_at(view.t0, clock, share)
        if clock.deadline is not None and warning is not None:
            moments += (warning, clock.deadline, clock.deadline + _LONG_OVERDUE)
    # until a little before each; from there to a little after it nothing is remembered
    ahead = (moment - _MOMENT for moment in moments if now <= moment + _MOMENT)
    return min(ahead, default=now + _LONG_OVERDUE)


def open_incidents(
    reader: Reader,
    installation: Installation,
    remembered: Remembered,
    lines: Iterable[OpenLine],
    now: datetime,
) -> list[Ranked]:
    """The most urgent first. Of very many, all newer emergencies, then the newest of the rest."""
    later = frozenset(complaint_kinds(installation))
    first = nsmallest(_OPEN_READ, lines, key=lambda line: (line.kind in later, -line.t0_ms))
    rows = reader.incidents(line.id for line in first)
    found = remembered.ranked((rows[line.id] for line in first), installation, now)
    return sorted(found, key=lambda item: (item.rank, item.view.id))


def ranked(row: Any, installation: Installation, now: datetime) -> Ranked:
    """One row of the store as the screens show it."""
    return ranked_incident(incident_from(row), row.units, installation, now)


def ranked_incident(
    incident: Incident, units: int, installation: Installation, now: datetime
) -> Ranked:
    """An incident, which had so many units, as the screens show it at a moment."""
    rules = installation.desk.rules
    applies = rules.exclusion(incident) is None
    clocks = _clocks(incident, installation, now) if applies else ()
    following = _next_clock(incident) if applies else None
    handling = _handling(incident, installation, now)
    running = clocks[following] if following is not None else None if clocks else handling
    kind = installation.settings.kinds.get(incident.kind or "", _UNMAPPED)
    grid = installation.grids.get(incident.grid)
    view = OpenIncident(
        id=incident.id,
        source=incident.source,
        key=incident.key,
        kind=incident.kind or "",
        kind_names=kind.name.as_dict(),
        shape=kind.shape,
        severity=incident.severity,
        title=incident.title,
        address=incident.place.address,
        grid=incident.grid,
        grid_names=grid.names if incident.grid else {},
        t0=incident.t0.at,
        clocks=clocks,
        next_clock=following,
        warning_at=warning_at(incident.t0.at, running, rules.warning_share),
        units=units,
        lat=incident.place.lat,
        lon=incident.place.lon,
        community=installation.desk.areas.part_of(incident.grid),
        handling=handling,
        is_drill=incident.excluded is Reason.DRILL,
    )
    return Ranked(view=view, rank=_rank(view, now))


def _clocks(incident: Incident, installation: Installation, now: datetime) -> tuple[OpenClock, ...]:
    return tuple(_clock(incident, milestone, installation, now) for milestone in TARGETED)


def _handling(incident: Incident, installation: Installation, now: datetime) -> OpenClock | None:
    if installation.desk.rules.exclusion(incident, Milestone.RESOLVED) is not None:
        return None
    return _clock(incident, Milestone.RESOLVED, installation, now)


def _clock(
    incident: Incident, milestone: Milestone, installation: Installation, now: datetime
) -> OpenClock:
    rules = installation.desk.rules
    outcome = judge(incident, milestone, Reading.CUMULATIVE, rules, now=now)
    stamp = incident.stamps.get(milestone)
    return OpenClock(
        milestone=milestone,
        state=state_of(outcome, now=now, warning_share=rules.warning_share),
        deadline=outcome.deadline,
        stopped_at=stamp.at if stamp is not None and stamp.at <= now else None,
    )


def _next_clock(incident: Incident) -> int | None:
    """The clock after the last milestone that was reached: a later stamp implies the earlier."""
    reached = [i for i, milestone in enumerate(TARGETED) if milestone in incident.stamps]
    following = max(reached, default=-1) + 1
    return following if following < len(TARGETED) else None


def warning_at(start: datetime, clock: OpenClock | None, share: float) -> datetime | None:
    """When a clock turns to warning."""
    if clock is None or clock.deadline is None:
        return None
    return start + (clock.deadline - start) * share


def _rank(view: OpenIncident, now: datetime) -> tuple[int, float]:
    """What will be missed next comes first; then who is on scene; then what is long overdue.

    After those the complaints, by when they are due, and last what no clock runs for.
    """
    newest_first = -view.t0.timestamp()
    if not view.clocks:
        due = view.handling.deadline if view.handling is not None else None
        return (4, newest_first) if due is None else (3, due.timestamp())
    if view.next_clock is None:
        return (1, newest_first)
    deadline = view.clocks[view.next_clock].deadline
    if deadline is None or now - deadline > _LONG_OVERDUE:
        return (2, newest_first)
    return (0, deadline.timestamp())


def changes(opened: Sequence[Ranked]) -> list[datetime]:
    """When a clock of these turns."""
    moments: list[datetime] = []
    for item in opened:
        handling = (item.view.handling,) if item.view.handling is not None else ()
        clocks = (*item.view.clocks, *handling)
        moments.extend(clock.deadline for clock in clocks if clock.deadline is not None)
        if item.view.warning_at is not None:
            moments.append(item.view.warning_at)
    return moments
