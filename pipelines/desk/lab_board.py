"""The page of the definition lab: the range of the rules, what to check, what was frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pipelines.desk.board import Choice, choices_of, crumbs_of
from pipelines.desk.board_filters import DEFAULT_WINDOW, WINDOWS, choice_of
from pipelines.errors import QueryError
from pipelines.figures.freezing import as_object, months_for, revision
from pipelines.figures.groups import Query, sees
from pipelines.figures.lab import Lab, lab
from pipelines.figures.monitoring import monitor
from pipelines.figures.monitors import Findings
from pipelines.figures.shifts import shift_key
from pipelines.figures.windows import bounds
from pipelines.installation import Installation
from pipelines.model.clock import Reading
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.snapshot import Names
from pipelines.store.store import Reader

FILTERS = ("area", "community", "grid", "kind", "source", "shift", "window", "milestone", "reading")
"""The parameters of the lab's URL."""
KEPT_FOR = timedelta(minutes=1)
"""How long one counting serves all who ask the same."""
_MOST_KEPT = 16
_FROZEN_SHOWN = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class LabBoard:
    """What the page is drawn from; counted ``as_of`` some moment of the last minute.

    ``problem`` says in words why the incidents could not be looked at one by one; then ``lab``
    and ``findings`` are None. ``frozen`` are the latest frozen months, the first of them with what
    changed since.
    """

    now: datetime
    next_change_at: datetime | None
    grids_version: str
    time_zone: str
    area_names: Names
    synthetic: bool
    schematic: bool
    as_of: datetime
    filters: Mapping[str, str]
    milestone: Milestone
    reading: Reading
    window: str
    target_s: int | None
    crumbs: tuple[tuple[Mapping[str, str], Names], ...]
    kinds: tuple[Choice, ...]
    sources: tuple[Choice, ...]
    shifts: tuple[Choice, ...]
    grid_names: Mapping[str, Names]
    lab: Lab | None
    findings: Findings | None
    problem: str | None
    frozen: tuple[Mapping[str, Any], ...]


def check(filters: Mapping[str, str]) -> None:
    """Raise QueryError naming parameter, value and what is allowed, when a filter has none."""
    choice_of(filters, "window", WINDOWS, DEFAULT_WINDOW)
    choice_of(filters, "milestone", TARGETED, Milestone.ARRIVED)
    choice_of(filters, "reading", Reading, Reading.CUMULATIVE)


class LabDesk:
    """Counts for the page, and keeps what was counted for a minute of the clock on the wall."""

    def __init__(self, installation: Installation, *, rate: float) -> None:
        self._installation = installation
        self._kept_for = KEPT_FOR * rate
        self._kept: dict[tuple[tuple[str, str], ...], LabBoard] = {}

    def read(self, reader: Reader, filters: Mapping[str, str], *, now: datetime) -> LabBoard:
        """The board that a URL's filters ask for; raises QueryError for a wrong one."""
        key = tuple(sorted(filters.items()))
        known = self._kept.get(key)
        if known is not None and timedelta(0) <= now - known.as_of < self._kept_for:
            return replace(known, now=now)
        board = read_lab(reader, self._installation, filters, now=now)
        self._kept.pop(key, None)
        self._kept[key] = board
        for oldest in list(self._kept)[:-_MOST_KEPT]:
            self._kept.pop(oldest, None)
        return board


def read_lab(
    reader: Reader, installation: Installation, filters: Mapping[str, str], *, now: datetime
) -> LabBoard:
    """Count everything that the page shows; raises QueryError for a wrong filter."""
    settings, desk = installation.settings, installation.desk
    window = choice_of(filters, "window", WINDOWS, DEFAULT_WINDOW)
    start, end = bounds(window, now, desk.zone)
    query = Query(
        as_of=now,
        start=start,
        end=end,
        milestone=Milestone(choice_of(filters, "milestone", TARGETED, Milestone.ARRIVED)),
        reading=Reading(choice_of(filters, "reading", Reading, Reading.CUMULATIVE)),
        area=filters.get("area") or None,
        community=filters.get("community") or None,
        grid=filters.get("grid") or None,
        kind=filters.get("kind") or None,
        source=filters.get("source") or None,
        shift=filters.get("shift") or None,
    )
    found: Lab | None = None
    findings: Findings | None = None
    problem = None
    try:
        found, findings = lab(reader, query, desk), monitor(reader, query, desk)
    except QueryError as error:
        problem = str(error)
    limit = desk.rules.limit(query.kind, query.milestone)
    shifts = {shift_key(shift.start): shift.name.as_dict() for shift in settings.wall.shifts}
    return LabBoard(
        now=now,
        next_change_at=None,
        grids_version=installation.chart_at(now).cells.version,
        time_zone=str(desk.zone),
        area_names=installation.desk.areas.top.names,
        synthetic=settings.area.synthetic,
        schematic=settings.grids is not None and settings.grids.schematic,
        as_of=now,
        filters={name: filters[name] for name in FILTERS if filters.get(name)},
        milestone=query.milestone,
        reading=query.reading,
        window=window,
        target_s=int(limit.total_seconds()) if isinstance(limit, timedelta) else None,
        crumbs=crumbs_of(installation, query),
        kinds=choices_of({code: kind.name.as_dict() for code, kind in settings.kinds.items()}),
        sources=choices_of({source.id: source.names for source in installation.sources}),
        shifts=choices_of(shifts),
        grid_names={grid.code: grid.names for grid in installation.grids if sees(desk, grid.code)},
        lab=found,
        findings=findings,
        problem=problem,
        frozen=_frozen(reader, installation, now),
    )


def _frozen(
    reader: Reader, installation: Installation, now: datetime
) -> tuple[Mapping[str, Any], ...]:
    """The latest months; of the last one it is also said what changed, which counts it anew."""
    known = months_for(reader, installation)[:_FROZEN_SHOWN]
    shown = [as_object(frozen) for frozen in known]
    if known and known[0].is_whole:
        changed = revision(reader, installation, known[0], now=now)
        shown[0] |= {"changed": len(changed.incidents)}
    return tuple(shown)
