"""Everything the page of one grid shows, read at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipelines.figures.groups import By, Desk, Query, sees
from pipelines.figures.query import kpi
from pipelines.figures.totals import clock_tallies
from pipelines.figures.windows import first_record, midnight
from pipelines.gridfile.cases import (
    LOOKED_BACK,
    REPEATED,
    GridCase,
    Telling,
    after,
    handling_choices,
    is_open_at,
    misses,
    place_code,
    place_key,
    read_cases,
    read_telling,
)
from pipelines.gridfile.course import COURSE_DAYS, CourseDot, course_of, judged
from pipelines.gridfile.heat import Heat, heat_of
from pipelines.gridfile.picks import Choices, Picked, picked_by
from pipelines.gridfile.register import GridFact, GridRegister
from pipelines.installation import Installation
from pipelines.kpis import Value, comparison
from pipelines.kpis.handling import Handling, handling_figures
from pipelines.model.clock import Reading
from pipelines.model.device import Condition
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.privacy.clearance import LEAST, Clearance
from pipelines.privacy.masking import masked, words
from pipelines.snapshot import Names, OpenIncident
from pipelines.store import schema
from pipelines.store.store import Reader
from pipelines.wall.open_list import is_open, ranked

STRIP_DAYS, PAST_DAYS, DAYS = 30, 90, 90
"""The strip, the past it is compared with, and everything else that is counted."""
_REPEATS_MOST = 12
_EDGE = timedelta(days=1)
_SENSORS_MOST = 60
FILTERS = ("code", "pick")


@dataclass(frozen=True, kw_only=True, slots=True)
class StripLine:
    """One target: the grid's figures, its own past, the street's, and where it stands in it."""

    milestone: Milestone
    target_s: int
    figures: Mapping[str, Value]
    past: Mapping[str, Value]
    street: Mapping[str, Value]
    standing: comparison.Standing | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeat:
    """A place with three or more incidents in the window; ``pick`` opens them."""

    pick: str
    kind: str
    names: Names
    n: int
    last: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensor:
    """One device of the grid, as it is now; ``last_seen`` is None for one never heard."""

    names: Names
    type: str
    conditions: tuple[Condition, ...]
    last_seen: datetime | None
    is_silent: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class GridSheet:
    """What is known of one grid.

    ``quiet_days`` is None where nothing missed for as long as is known, ``known_days``: a year at
    most, and no longer than there are records.
    """

    code: str
    names: Names
    community: str
    community_names: Names
    facts: tuple[GridFact, ...]
    has_register: bool
    open: tuple[OpenIncident, ...]
    open_total: int
    strip: tuple[StripLine, ...]
    course: tuple[CourseDot, ...]
    course_start: datetime
    quiet_days: int | None
    known_days: int
    emergencies: int
    heat: Heat
    repeats: tuple[Repeat, ...]
    repeats_total: int
    sensors: tuple[Sensor, ...]
    sensors_total: int
    handling: Handling
    handling_figures: Mapping[str, Value]
    picked: Picked | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GridFile:
    """What the page is drawn from; ``grid`` is None when there is no such grid."""

    now: datetime
    next_change_at: datetime | None
    grids_version: str
    time_zone: str
    area_names: Names
    labels: tuple[str, ...]
    code: str
    grid: GridSheet | None
    theme: str = "dark"


class GridDesk:
    """Answers for one grid after another; keeps what is the same for all of them for an hour."""

    def __init__(self, installation: Installation, register: GridRegister) -> None:
        self._installation = installation
        self._register = register
        self._telling: tuple[datetime, Telling] | None = None

    def read(
        self,
        reader: Reader,
        filters: Mapping[str, str],
        *,
        now: datetime,
        clearance: Clearance = LEAST,
    ) -> GridFile:
        """The file of the grid that a URL's filters name, as ``clearance`` may see it."""
        installation = self._installation
        code = filters.get("code", "")
        known = any(g.code == code for g in installation.grids) and sees(installation.desk, code)
        sheet = self._sheet(reader, code, filters.get("pick"), now, clearance) if known else None
        coming = _deadlines(sheet, now) if sheet else []
        return GridFile(
            now=now,
            next_change_at=min(coming, default=None),
            grids_version=installation.chart_at(now).cells.version,
            time_zone=str(installation.desk.zone),
            area_names=installation.desk.areas.top.names,
            labels=installation.settings.labels,
            code=code,
            grid=sheet,
        )

    def telling(self, reader: Reader, *, now: datetime) -> Telling:
        """Which sources tell finds and state dispatches, as of the last hour."""
        if self._telling is None or not timedelta(0) <= now - self._telling[0] < timedelta(hours=1):
            self._telling = (now, read_telling(reader, self._installation, now=now))
        return self._telling[1]

    def _sheet(
        self, reader: Reader, code: str, pick: str | None, now: datetime, clearance: Clearance
    ) -> GridSheet:
        installation = self._installation
        desk = installation.desk
        grid = installation.grids.get(code)
        cases = read_cases(reader, installation, code, now=now)
        since = midnight(now, desk.zone, ago=DAYS - 1)
        recent = [case for case in cases if after(since)(case)]
        handling = handling_choices(self.telling(reader, now=now))
        counted = Handling(**{n: sum(map(chosen, recent)) for n, chosen in handling.items()})
        opened = _open(reader, installation, code, now)
        course_start = max(
            midnight(now, desk.zone, ago=COURSE_DAYS - 1), first_record(reader, now) - _EDGE
        )
        every = _repeats(recent, installation)
        sensors = _sensors(reader, installation, code, now)
        strip_start = midnight(now, desk.zone, ago=STRIP_DAYS - 1)
        choices = Choices(
            installation=installation,
            cases=cases,
            recent=recent,
            within=[case for case in cases if after(strip_start)(case)],
            silent=desk.silent(reader, now),
            handling=handling,
            now=now,
            clearance=clearance,
        )
        missed = [case.incident.t0.at for case in misses(cases)]
        return GridSheet(
            code=code,
            names=grid.names,
            community=grid.parent,
            community_names=grid.parent_names,
            facts=self._register.get(code, ()),
            has_register=bool(self._register),
            open=tuple(_as_seen(view, installation, clearance) for view in opened),
            open_total=sum(map(is_open_at(now), cases)),
            strip=_strip(reader, desk, code, now),
            course=course_of(cases, desk, course_start),
            course_start=course_start,
            quiet_days=_days_since(max(missed), desk, now) if missed else None,
            known_days=min(LOOKED_BACK.days, _days_since(first_record(reader, now), desk, now)),
            emergencies=len(judged(cases)),
            heat=heat_of(reader, desk, recent, since, now),
            repeats=every[:_REPEATS_MOST],
            repeats_total=len(every),
            sensors=sensors[:_SENSORS_MOST],
            sensors_total=len(sensors),
            handling=counted,
            handling_figures=handling_figures(counted),
            picked=picked_by(choices, pick, {one.pick: one.names for one in every}),
        )


def _deadlines(sheet: GridSheet, now: datetime) -> list[datetime]:
    clocks = [clock for row in sheet.open for clock in row.clocks]
    clocks += [row.handling for row in sheet.open if row.handling is not None]
    return [c.deadline for c in clocks if c.deadline is not None and c.deadline > now]


def _open(
    reader: Reader, installation: Installation, code: str, now: datetime
) -> list[OpenIncident]:
    rows = reader.incident_rows(is_open(now), schema.incident.c.grid == code)
    found = [ranked(row, installation, now) for row in rows]
    return [item.view for item in sorted(found, key=lambda item: (item.rank, item.view.id))]


def _as_seen(view: OpenIncident, installation: Installation, clearance: Clearance) -> OpenIncident:
    is_sensitive = view.kind in installation.settings.sensitive_kinds
    title, address = words(view.title, view.address, is_sensitive, clearance)
    return replace(view, title=title, address=address, lat=None, lon=None)


def _strip(reader: Reader, desk: Desk, code: str, now: datetime) -> tuple[StripLine, ...]:
    start = midnight(now, desk.zone, ago=STRIP_DAYS - 1)
    before = midnight(now, desk.zone, ago=STRIP_DAYS + PAST_DAYS - 1)
    lines = []
    for milestone in TARGETED:
        asked = Query(as_of=now, start=start, milestone=milestone)
        here = replace(asked, grid=code)
        by_grid = clock_tallies(
            reader, replace(asked, by=By.GRID), desk, milestone, Reading.CUMULATIVE
        )
        standings = comparison.compare({k: (t.hit, t.hit + t.miss) for k, t in by_grid.items()})
        limit = desk.rules.within[milestone]
        lines.append(
            StripLine(
                milestone=milestone,
                target_s=int(limit.total_seconds()) if isinstance(limit, timedelta) else 0,
                figures=kpi(reader, here, desk)[0],
                past=kpi(reader, replace(here, start=before, end=start), desk)[0],
                street=kpi(reader, asked, desk)[0],
                standing=standings.get(code),
            )
        )
    return tuple(lines)


def _days_since(moment: datetime, desk: Desk, now: datetime) -> int:
    """Whole local days between, by date: yesterday is one day ago."""
    return (now.astimezone(desk.zone).date() - moment.astimezone(desk.zone).date()).days


def _repeats(recent: Sequence[GridCase], installation: Installation) -> tuple[Repeat, ...]:
    found: dict[tuple[str, str], list[GridCase]] = {}
    for case in recent:
        key = place_key(case.incident, installation) if case.is_demand else None
        if key is not None:
            found.setdefault(key, []).append(case)
    repeats = [
        Repeat(
            pick=f"place.{place_code(key)}",
            kind=key[0],
            names=_place_names(key, installation),
            n=len(cases),
            last=cases[-1].incident.t0.at,
        )
        for key, cases in found.items()
        if len(cases) >= REPEATED
    ]
    return tuple(sorted(repeats, key=lambda repeat: (-repeat.n, -repeat.last.timestamp())))


def _place_names(key: tuple[str, str], installation: Installation) -> Names:
    kind, text = key
    if kind == "device":
        entry = installation.register.find(*text.split("/", 1))
        if entry is not None:
            return entry.names
    return {"zh": masked(text), "en": masked(text)}


def _sensors(
    reader: Reader, installation: Installation, code: str, now: datetime
) -> tuple[Sensor, ...]:
    """The registered devices of the grid, those with something the matter first."""
    entries = [entry for entry in installation.register if entry.grid == code]
    states = reader.device_states((entry.source, entry.device) for entry in entries)
    least = installation.settings.devices.silent_after
    found = []
    for entry in entries:
        state = states.get((entry.source, entry.device))
        found.append(
            Sensor(
                names=entry.names,
                type=entry.type,
                conditions=tuple(sorted(state.holding)) if state else (),
                last_seen=state.last_seen if state else None,
                is_silent=state is not None and state.is_silent(now, at_least=least),
            )
        )
    return tuple(sorted(found, key=_calm))


def _calm(sensor: Sensor) -> tuple[bool, bool, bool]:
    alarm = Condition.ALARM in sensor.conditions
    return (not alarm, not sensor.conditions, not sensor.is_silent)
