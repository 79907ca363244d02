"""Reading the state of the street as one snapshot."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, log2, radians
from typing import Any

from sqlalchemy import and_, func, or_, select

from pipelines.geo.grids import Grids
from pipelines.health import Health
from pipelines.installation import Installation
from pipelines.intake import WINDOW, series
from pipelines.kpis import figures
from pipelines.model.clock import KindClass, Reading, judge, state_of
from pipelines.model.incident import Incident
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.tally import EMPTY, Tally, total
from pipelines.options import parse_duration
from pipelines.query import UNLOCATED, By, Query, tallies
from pipelines.settings import KindSettings
from pipelines.snapshot import (
    DataQuality,
    GridState,
    Intake,
    MapView,
    OpenClock,
    OpenIncident,
    ReplayState,
    Snapshot,
    SourceState,
    Tile,
)
from pipelines.store import schema
from pipelines.store.buckets import Level, bucket_start
from pipelines.store.rows import from_ms, incident_from, to_ms
from pipelines.store.store import Reader

_LONG_OVERDUE = timedelta(minutes=30)
_OPEN_READ = 500
_UNMAPPED = KindSettings.model_validate(
    {"name": {"zh": "未归类", "en": "Unmapped kind"}, "class": "emergency", "shape": "square"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Open:
    """An open incident with what is needed to sort it."""

    view: OpenIncident
    rank: tuple[int, float]


def read_snapshot(
    reader: Reader, installation: Installation, health: Health, *, now: datetime
) -> Snapshot:
    """Everything a screen shows at ``now``, from one consistent view of the store."""
    settings = installation.settings
    since = _window_start(settings.wall.window, now, settings.area.time_zone)
    by_grid = tallies(reader, Query(as_of=now, start=since, by=By.GRID), installation.desk)
    whole = total(by_grid.values())
    delivered = reader.sources()
    sources = health.report(installation.sources, delivered, now=now)
    counts = _open_counts(reader, now)
    opened = _open_incidents(reader, installation, now)
    start, counted = series(reader, now, settings.wall.intake_hours, installation.desk)
    return Snapshot(
        now=now,
        area_names=settings.area.name.as_dict(),
        time_zone=str(settings.area.time_zone),
        synthetic=settings.area.synthetic,
        schematic_grids=settings.grids is not None and settings.grids.schematic,
        sources=sources,
        tiles=_tiles(installation, whole, since),
        open=tuple(item.view for item in opened[: settings.wall.open_rows]),
        open_total=sum(counts.values()),
        open_emergencies=_emergencies(reader, installation, now),
        open_unlocated=counts.get("", 0),
        grids=_grid_states(installation.grids, counts),
        map=_camera(installation),
        intake=Intake(start=start, counts=tuple(counted)),
        quality=_quality(whole, by_grid.get(UNLOCATED, EMPTY), delivered.values()),
        replay=_replay(installation, now),
        next_change_at=_next_change(opened, now),
    )


def window_days(window: str) -> int | None:
    """The length of a ``30d`` window; None for ``today`` and ``all``."""
    return None if window in ("today", "all") else parse_duration(window).days


def _window_start(window: str, now: datetime, zone: Any) -> datetime | None:
    if window == "all":
        return None
    days = window_days(window)
    return bucket_start(Level.DAY, now, zone) if days is None else now - timedelta(days=days)


def _tiles(installation: Installation, tally: Tally, since: datetime | None) -> tuple[Tile, ...]:
    wall = installation.settings.wall
    return tuple(
        Tile(
            milestone=milestone,
            reading=wall.reading,
            target_s=int(installation.desk.rules.within[milestone].total_seconds()),
            window=wall.window,
            since=since,
            figures=figures(tally.clock(milestone, wall.reading)),
            goal=wall.goal.get(milestone.value),  # type: ignore[call-overload]
        )
        for milestone in TARGETED
    )


def _is_open(now: datetime) -> Any:
    table = schema.incident
    closed_later = or_(table.c.closed_ms.is_(None), table.c.closed_ms > to_ms(now))
    return and_(table.c.t0_ms <= to_ms(now), closed_later)


def _open_counts(reader: Reader, now: datetime) -> dict[str, int]:
    """How many incidents are open, by grid code."""
    column = schema.incident.c.grid
    query = select(column, func.count()).where(_is_open(now)).group_by(column)
    return {str(grid): int(n) for grid, n in reader.rows(query)}


def _emergencies(reader: Reader, installation: Installation, now: datetime) -> int:
    rules = installation.desk.rules
    column = schema.incident.c.kind_at_dispatch
    query = select(column, func.count()).where(_is_open(now)).group_by(column)
    emergency = KindClass.EMERGENCY
    return sum(
        n for kind, n in reader.rows(query) if rules.classes.get(kind, emergency) is emergency
    )


def _open_incidents(reader: Reader, installation: Installation, now: datetime) -> list[_Open]:
    newest = schema.incident.c.t0_ms.desc()
    query = select(schema.incident).where(_is_open(now)).order_by(newest).limit(_OPEN_READ)
    found = [_open(row, installation, now) for row in reader.rows(query)]
    return sorted(found, key=lambda item: (item.rank, item.view.id))


def _open(row: Any, installation: Installation, now: datetime) -> _Open:
    incident = incident_from(row)
    rules = installation.desk.rules
    applies = rules.exclusion(incident) is None
    clocks = _clocks(incident, installation, now) if applies else ()
    following = _next_clock(incident) if applies else None
    kind = installation.settings.kinds.get(incident.kind or "", _UNMAPPED)
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
        grid_name=installation.grids.get(incident.grid).name,
        t0=incident.t0.at,
        clocks=clocks,
        next_clock=following,
        warning_at=_warning_at(incident, clocks, following, rules.warning_share),
        units=row.units,
        lat=incident.place.lat,
        lon=incident.place.lon,
    )
    return _Open(view=view, rank=_rank(view, now))


def _clocks(incident: Incident, installation: Installation, now: datetime) -> tuple[OpenClock, ...]:
    rules = installation.desk.rules
    clocks = []
    for milestone in TARGETED:
        outcome = judge(incident, milestone, Reading.CUMULATIVE, rules, now=now)
        stamp = incident.stamps.get(milestone)
        clocks.append(
            OpenClock(
                milestone=milestone,
                state=state_of(outcome, now=now, warning_share=rules.warning_share),
                deadline=outcome.deadline,
                stopped_at=stamp.at if stamp is not None and stamp.at <= now else None,
            )
        )
    return tuple(clocks)


def _next_clock(incident: Incident) -> int | None:
    """The clock after the last milestone that was reached: a later stamp implies the earlier."""
    reached = [i for i, milestone in enumerate(TARGETED) if milestone in incident.stamps]
    following = max(reached, default=-1) + 1
    return following if following < len(TARGETED) else None


def _warning_at(
    incident: Incident, clocks: Sequence[OpenClock], following: int | None, share: float
) -> datetime | None:
    if following is None or clocks[following].deadline is None:
        return None
    start = incident.t0.at
    return start + (clocks[following].deadline - start) * share  # type: ignore[operator]


def _rank(view: OpenIncident, now: datetime) -> tuple[int, float]:
    """What will be missed next comes first; then who is on scene; then what is long overdue."""
    newest_first = -view.t0.timestamp()
    if not view.clocks:
        return (3, newest_first)
    if view.next_clock is None:
        return (1, newest_first)
    deadline = view.clocks[view.next_clock].deadline
    if deadline is None or now - deadline > _LONG_OVERDUE:
        return (2, newest_first)
    return (0, deadline.timestamp())


def _grid_states(grids: Grids, counts: Mapping[str, int]) -> tuple[GridState, ...]:
    known = [GridState(code=g.code, name=g.name, open=counts.get(g.code, 0)) for g in grids]
    if known:
        return tuple(known)
    return tuple(GridState(code=c, name=c, open=n) for c, n in sorted(counts.items()) if c)


def _quality(tally: Tally, unlocated: Tally, delivered: Iterable[Any]) -> DataQuality:
    arrived = tally.clock(Milestone.ARRIVED, Reading.CUMULATIVE)
    rows = list(delivered)
    return DataQuality(
        incidents=tally.incidents,
        unlocated=unlocated.incidents,
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


def _camera(installation: Installation) -> MapView:
    wanted, bounds = installation.settings.wall.map, installation.grids.bounds
    west, south, east, north = bounds or (-180.0, -60.0, 180.0, 75.0)
    lat = wanted.lat if wanted.lat is not None else (south + north) / 2
    lon = wanted.lon if wanted.lon is not None else (west + east) / 2
    return MapView(
        lat=lat,
        lon=lon,
        zoom=wanted.zoom if wanted.zoom is not None else _zoom(west, south, east, north),
        grids_version=installation.grids.version,
        has_grids=bool(len(installation.grids)),
    )


def _zoom(west: float, south: float, east: float, north: float) -> float:
    """The web map zoom at which the box fits the map of a 1920 wall with a margin, 1240 by 480."""
    across = log2(360 * 1240 / 512 / max(east - west, 1e-6))
    squeezed = max(north - south, 1e-6) / cos(radians((south + north) / 2))
    up = log2(360 * 480 / 512 / squeezed)
    return round(min(across, up), 2)


def _next_change(opened: Sequence[_Open], now: datetime) -> datetime:
    """When something changes by time alone: a clock, or the window of the intake."""
    width = int(WINDOW.total_seconds() * 1000)
    moments = [from_ms((to_ms(now) // width + 1) * width)]
    for item in opened:
        moments.extend(clock.deadline for clock in item.view.clocks if clock.deadline is not None)
        if item.view.warning_at is not None:
            moments.append(item.view.warning_at)
    return min(moment for moment in moments if moment > now)


def is_degraded(states: Iterable[SourceState]) -> bool:
    """True when a source is down."""
    return any(state is SourceState.DOWN for state in states)
