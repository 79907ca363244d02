"""The incidents of one grid in the last year, and which of them a number is about."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import select

from pipelines.figures.groups import Desk
from pipelines.installation import Installation
from pipelines.model.clock import Outcome, Reading, Verdict, judge
from pipelines.model.fact import Reason
from pipelines.model.incident import Incident
from pipelines.model.milestone import Milestone
from pipelines.store import schema
from pipelines.store.rows import incident_from, to_ms
from pipelines.store.store import Reader

LOOKED_BACK = timedelta(days=366)
REPEATED = 3
"""From so many incidents on, a place is one that repeats."""
_NO_DEMAND = frozenset(
    {Reason.DRILL, Reason.SCHEDULED, Reason.OTHER_JURISDICTION, Reason.MERGED_CHILD}
)
"""What is no demand of its own, whoever may have entered it."""


class GridCase(NamedTuple):
    """An incident, how many units it had, and what became of its arrival."""

    incident: Incident
    units: int
    arrival: Outcome

    @property
    def is_demand(self) -> bool:
        """Whether it is one: no drill, nothing scheduled, merged into another, or elsewhere."""
        return self.incident.excluded not in _NO_DEMAND


Chosen = Callable[[GridCase], bool]


def read_cases(
    reader: Reader, installation: Installation, code: str, *, now: datetime
) -> list[GridCase]:
    """The incidents of a grid that began in the year before ``now``, by start."""
    table, desk = schema.incident, installation.desk
    silent = desk.silent(reader, now)
    rows = reader.incident_rows(
        table.c.t0_ms >= to_ms(now - LOOKED_BACK),
        table.c.t0_ms <= to_ms(now),
        table.c.grid == code,
    )
    found = []
    for row in rows:
        incident = incident_from(row)
        arrival = outcome_of(incident, Milestone.ARRIVED, desk, silent, now)
        found.append(GridCase(incident, row.units, arrival))
    return found


def outcome_of(
    incident: Incident,
    milestone: Milestone,
    desk: Desk,
    silent: frozenset[str],
    now: datetime,
) -> Outcome:
    """What became of a target in the cumulative reading."""
    alive = incident.source not in silent
    return judge(incident, milestone, Reading.CUMULATIVE, desk.rules, now=now, source_alive=alive)


class Telling(NamedTuple):
    """The sources that tell a patrol's find from a report, those that state dispatches, the own."""

    finds: frozenset[str]
    dispatches: frozenset[str]
    own: frozenset[str]


def read_telling(reader: Reader, installation: Installation, *, now: datetime) -> Telling:
    """Which sources did so in the year before ``now``; the grids' own sources need not."""
    table = schema.incident
    begun = (table.c.t0_ms >= to_ms(now - LOOKED_BACK), table.c.t0_ms <= to_ms(now))
    found = select(table.c.source).where(*begun, table.c.excluded == Reason.PATROL_FOUND.value)
    sent = select(table.c.source).where(*begun, table.c.dispatched_ms.is_not(None))
    grids = installation.settings.grids
    own = () if grids is None else grids.own_sources
    return Telling(
        finds=frozenset(row.source for row in reader.rows(found.distinct())),
        dispatches=frozenset(row.source for row in reader.rows(sent.distinct())) | set(own),
        own=frozenset(own),
    )


def place_key(incident: Incident, installation: Installation) -> tuple[str, str] | None:
    """What a repeat is told by: the device, else the address, else the spot to some ten metres.

    None without a place, and for a kind whose place nobody is to see.
    """
    if (incident.kind or "") in installation.settings.sensitive_kinds:
        return None
    name, at, _ = incident.key.rpartition("@")
    if at and installation.register.find(incident.source, name) is not None:
        return ("device", f"{incident.source}/{name}")
    place = incident.place
    if place.address:
        return ("address", place.address.strip())
    if place.lat is not None and place.lon is not None:
        return ("spot", f"{place.lat:.4f}, {place.lon:.4f}")
    return None


def place_code(key: tuple[str, str]) -> str:
    """A short name of a place for the address bar: no address stands in an address."""
    return blake2b("/".join(key).encode(), digest_size=5).hexdigest()


def after(moment: datetime) -> Chosen:
    """The incidents that began no earlier."""
    return lambda case: case.incident.t0.at >= moment


def is_open_at(now: datetime) -> Chosen:
    """The incidents that have not ended; drills are shown and never counted."""

    def chosen(case: GridCase) -> bool:
        closed = case.incident.closed_at
        no_drill = case.incident.excluded is not Reason.DRILL
        return no_drill and (closed is None or closed > now)

    return chosen


def is_alone(case: GridCase) -> bool:
    """Resolved without a dispatch and without a unit."""
    stamps = case.incident.stamps
    sent = Milestone.DISPATCHED in stamps or Milestone.EN_ROUTE in stamps
    return Milestone.RESOLVED in stamps and not sent and not case.units


def handling_choices(telling: Telling) -> Mapping[str, Chosen]:
    """The incidents behind the counts of :class:`~pipelines.kpis.handling.Handling`."""

    def found(case: GridCase) -> bool:
        is_found = case.incident.excluded is Reason.PATROL_FOUND
        return is_found and case.incident.source in telling.finds

    def reported(case: GridCase) -> bool:
        return case.incident.excluded is None and case.incident.source in telling.finds

    def resolved(case: GridCase) -> bool:
        is_resolved = case.is_demand and Milestone.RESOLVED in case.incident.stamps
        return is_resolved and case.incident.source in telling.dispatches

    def unsaid(case: GridCase) -> bool:
        is_resolved = case.is_demand and Milestone.RESOLVED in case.incident.stamps
        return is_resolved and case.incident.source not in telling.dispatches

    return {
        "found": found,
        "reported": reported,
        "untold": lambda case: case.is_demand and case.incident.source not in telling.finds,
        "alone": lambda case: (
            resolved(case)
            and is_alone(case)
            and (case.incident.source in telling.own or found(case))
        ),
        "resolved": resolved,
        "unsaid": unsaid,
    }


def misses(cases: Sequence[GridCase]) -> list[GridCase]:
    """Those whose arrival was late."""
    return [case for case in cases if case.arrival.verdict is Verdict.MISS]
