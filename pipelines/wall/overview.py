"""Reading the state of the street as one snapshot."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from pipelines.feeds.health import Health
from pipelines.figures.intake import WINDOW
from pipelines.figures.query import UNLOCATED, Query, tallies
from pipelines.figures.totals import incidents
from pipelines.figures.windows import bounds
from pipelines.geo.camera import camera_over, extent_over
from pipelines.geo.charts import Chart
from pipelines.installation import Installation
from pipelines.kpis import figures
from pipelines.model.clock import Reading
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.tally import EMPTY, Tally
from pipelines.registers.whereabouts import read_units
from pipelines.snapshot import (
    CommunityBoard,
    ComplaintBoard,
    Critical,
    DataQuality,
    DeviceBoard,
    GridState,
    MapView,
    ReplayState,
    Shift,
    Snapshot,
    SourceHealth,
    SourceState,
    Stage,
    Tile,
    UnitSpot,
)
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader
from pipelines.wall.communities import Place, places, read_communities
from pipelines.wall.complaints import Deadlines, read_complaints
from pipelines.wall.critical import read_critical
from pipelines.wall.devices import read_devices
from pipelines.wall.intake import UsualHours, read_intake
from pipelines.wall.open_list import (
    OpenLine,
    Ranked,
    Remembered,
    changes,
    open_counts,
    open_incidents,
    open_lines,
)
from pipelines.wall.stage import scenes_with_something, shift_at, stage_at
from pipelines.wall.watchkeeping import watch

_DEAF = frozenset({SourceState.DOWN, SourceState.UNATTENDED})
"""What keeps a source's devices from being heard, so that their silence proves nothing."""
_WORLD = ((-180.0, -60.0), (180.0, 75.0))


class Memory:
    """What is kept from one snapshot to the next: places that never change, sums that cost."""

    def __init__(self, installation: Installation, *, rate: float = 1.0) -> None:
        """``rate`` is how fast the clock runs: a scene lasts as long for those who watch."""
        bearing = installation.settings.wall.map.bearing
        self.rate = rate
        self.bearing = bearing
        self.chart: Chart | None = None
        self.places: tuple[Place, ...] = ()
        self.deadlines: Deadlines = {}
        self.opened = Remembered()
        self.usual: UsualHours | None = None
        self.communities: CommunityBoard | None = None

    def look_at(self, installation: Installation, now: datetime) -> None:
        """Find the places anew when other boundaries have come into force."""
        chart = installation.chart_at(now)
        if self.chart is not chart:
            self.chart = chart
            self.places = places(chart.grids, installation.desk.areas, bearing=self.bearing)
            self.communities = None


def read_snapshot(
    reader: Reader,
    installation: Installation,
    health: Health,
    memory: Memory,
    *,
    now: datetime,
) -> Snapshot:
    """Everything a screen shows at ``now``, from one consistent view of the store."""
    settings = installation.settings
    memory.look_at(installation, now)
    since, _ = bounds(settings.wall.window, now, settings.area.time_zone)
    asked = Query(as_of=now, start=since)
    whole = tallies(reader, asked, installation.desk).get("all", EMPTY)
    unlocated = incidents(reader, replace(asked, grid=UNLOCATED), installation.desk).get("all", 0)
    health.look(reader)
    delivered = reader.sources()
    zone = settings.area.time_zone
    rhythms = health.rhythms(reader, installation.sources, zone, now=now)
    sources = health.report(installation.sources, delivered, now=now, rhythms=rhythms)
    lines = open_lines(reader, installation, now)
    counts, emergencies = open_counts(lines, installation)
    opened = open_incidents(reader, installation, memory.opened, lines, now)
    boards = _boards(reader, installation, memory, sources, lines, counts, now)
    shift = shift_at(now, settings.wall.shifts, zone=zone)
    intake, memory.usual = read_intake(
        reader, installation.desk, memory.usual, hours=settings.wall.intake_hours, now=now
    )
    return Snapshot(
        now=now,
        area_names=installation.desk.areas.top.names,
        time_zone=str(settings.area.time_zone),
        synthetic=settings.area.synthetic,
        schematic_grids=settings.grids is not None and settings.grids.schematic,
        sources=(*sources, *_not_started(settings.not_started)),
        tiles=_tiles(installation, whole, since),
        open=tuple(item.view for item in opened[: settings.wall.open_rows]),
        open_total=sum(counts.values()),
        open_emergencies=emergencies,
        open_unlocated=counts.get("", 0),
        grids=_grid_states(installation.chart_at(now), counts),
        map=camera_of(installation, now),
        intake=intake,
        quality=_quality(
            whole,
            unlocated,
            # nobody knows where what cannot be read has happened
            delivered.values() if installation.desk.within is None else (),
        ),
        replay=_replay(installation, now),
        clock_rate=1.0 if settings.demo is None else settings.demo.speed,
        next_change_at=_next_change(opened, boards, shift, now),
        devices=boards.devices,
        complaints=boards.complaints,
        communities=boards.communities,
        critical=boards.critical,
        units=boards.units,
        shift=shift,
        stage=boards.stage,
        endurance=watch(
            (item.view for item in opened),
            settings.wall.endurance,
            settings.wall.sound,
            now=now,
            zone=zone,
        ),
    )


def _not_started(blocks: Mapping[str, Mapping[str, Any]]) -> Iterator[SourceHealth]:
    """The parts of the demo street that are not played, so that nobody looks for them in vain."""
    for name, block in blocks.items():
        called = block.get("name", name)
        yield SourceHealth(
            id=name,
            names=called if isinstance(called, dict) else {"en": called},
            state=SourceState.NOT_STARTED,
            last_record_at=None,
            state_since=None,
            quarantined=0,
            problem=None,
        )


class _Boards(NamedTuple):
    """What stands beside the figures."""

    devices: DeviceBoard | None
    complaints: ComplaintBoard | None
    communities: CommunityBoard | None
    critical: tuple[Critical, ...]
    stage: Stage
    units: tuple[UnitSpot, ...]


def _boards(
    reader: Reader,
    installation: Installation,
    memory: Memory,
    sources: Sequence[SourceHealth],
    lines: Sequence[OpenLine],
    counts: Mapping[str, int],
    now: datetime,
) -> _Boards:
    settings = installation.settings
    devices = read_devices(
        reader,
        installation.register,
        installation.desk,
        now=now,
        silent_after=settings.devices.silent_after,
        carried=settings.units.located_by,
        down=frozenset(s.id for s in sources if s.state in _DEAF),
    )
    complaints = read_complaints(reader, installation, memory.deadlines, lines, now=now)
    communities = read_communities(
        reader, installation, memory.places, memory.communities, opened=counts, now=now
    )
    memory.communities = communities
    stage = stage_at(
        now,
        settings.wall,
        zone=settings.area.time_zone,
        rate=memory.rate,
        communities=[place.code for place in memory.places],
        possible=scenes_with_something(
            devices=devices is not None,
            complaints=complaints is not None,
            communities=communities is not None,
        ),
    )
    keeps = settings.wall.scenes.critical_for * memory.rate
    within = installation.desk.within
    units = read_units(reader, installation.units, settings.units, within, now=now)
    critical = read_critical(reader, installation, units, keeps, now=now)
    return _Boards(devices, complaints, communities, critical, stage, units)


def _tiles(installation: Installation, tally: Tally, since: datetime | None) -> tuple[Tile, ...]:
    wall = installation.settings.wall
    return tuple(
        Tile(
            milestone=milestone,
            reading=wall.reading,
            target_s=int(installation.settings.targets.limit(milestone).total_seconds()),
            window=wall.window,
            since=since,
            figures=figures(tally.clock(milestone, wall.reading)),
            goal=wall.goal.get(milestone.value),  # type: ignore[call-overload]
        )
        for milestone in TARGETED
    )


def _grid_states(chart: Chart, counts: Mapping[str, int]) -> tuple[GridState, ...]:
    known = [
        GridState(
            code=cell.code,
            names=cell.names,
            open=sum(counts.get(grid, 0) for grid in chart.members[cell.code]),
        )
        for cell in chart.cells
    ]
    if known:
        return tuple(known)
    found = sorted((code, n) for code, n in counts.items() if code)
    return tuple(GridState(code=c, names={"zh": c, "en": c}, open=n) for c, n in found)


def _quality(tally: Tally, unlocated: int, delivered: Iterable[Any]) -> DataQuality:
    arrived = tally.clock(Milestone.ARRIVED, Reading.CUMULATIVE)
    rows = list(delivered)
    return DataQuality(
        incidents=tally.incidents,
        unlocated=unlocated,
        unknown=arrived.unknown,
        indeterminate=arrived.indeterminate,
        quarantined=arrived.quarantined,
        quarantined_records=sum(row.quarantined for row in rows),
        flagged=sum(row.flagged for row in rows),
        excluded=arrived.excluded,
    )


def _replay(installation: Installation, now: datetime) -> ReplayState | None:
    playing = [source.replay for source in installation.sources if source.replay is not None]
    if not playing:
        return None
    first = playing[0]
    return ReplayState(
        real_time=first.real_time(now),
        time_zone=str(installation.settings.area.time_zone),
        speed=first.options.speed,
        skips_quiet=first.options.skips_quiet,
        ended=all(replay.has_ended for replay in playing),
    )


def camera_of(installation: Installation, now: datetime) -> MapView:
    """Where a map of the whole area looks, and its static layers."""
    wanted, chart = installation.settings.wall.map, installation.chart_at(now)
    grids, backdrop = chart.grids, chart.backdrop
    corners = grids.corners or _WORLD
    lat, lon, zoom = camera_over(corners, bearing=wanted.bearing)
    fits = wanted.lat is None and wanted.lon is None and wanted.zoom is None
    return MapView(
        lat=wanted.lat if wanted.lat is not None else lat,
        lon=wanted.lon if wanted.lon is not None else lon,
        zoom=wanted.zoom if wanted.zoom is not None else zoom,
        bearing=wanted.bearing,
        extent=extent_over(corners, bearing=wanted.bearing) if fits else None,
        grids_version=chart.cells.version,
        level=chart.level,
        step=chart.step,
        has_grids=bool(len(grids)),
        backdrop_version=backdrop.version,
        layers=tuple(backdrop.layers),
        labels=backdrop.labels,
    )


def _next_change(
    opened: Sequence[Ranked], boards: _Boards, shift: Shift | None, now: datetime
) -> datetime:
    """When something changes by time alone: a clock, the intake's window, a scene, a shift."""
    width = int(WINDOW.total_seconds() * 1000)
    moments = [from_ms((to_ms(now) // width + 1) * width), *changes(opened)]
    moments.extend(critical.until for critical in boards.critical)
    if boards.stage.until is not None:
        moments.append(boards.stage.until)
    if shift is not None:
        moments.append(shift.until)
    return min(moment for moment in moments if moment > now)


def is_degraded(states: Iterable[SourceState]) -> bool:
    """True when a source is down, or nobody takes it in."""
    return any(state in _DEAF for state in states)
