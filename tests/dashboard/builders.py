"""Snapshots with sensible defaults, a street to put them in, and a backend that serves them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import cos, sin

from pipelines.errors import QueryError
from pipelines.kpis.rates import share, wilson
from pipelines.model.clock import ClockState, Reading
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.snapshot import (
    DataQuality,
    GridState,
    Intake,
    MapView,
    OpenClock,
    OpenIncident,
    Snapshot,
    SourceHealth,
    SourceState,
    Tile,
)

NOW = datetime(2026, 11, 22, 6, 43, 7, tzinfo=UTC)
LIMITS = {Milestone.ACCEPTED: 60, Milestone.DISPATCHED: 180, Milestone.ARRIVED: 300}
COLUMNS, ROWS = 9, 8
CENTRE_LAT, CENTRE_LON = 30.262, 120.215
_STEP_LAT, _STEP_LON = 0.0036, 0.0052


def grid_codes() -> list[str]:
    """The codes of the 72 grids of the made-up street."""
    return [f"{row + 1:03d}-{column + 1:02d}" for row in range(ROWS) for column in range(COLUMNS)]


def _corner(row: int, column: int) -> tuple[float, float]:
    """A lattice pulled out of square, the same every time."""
    wobble = sin(row * 12.9 + column * 78.2) * 0.28
    sway = cos(row * 39.3 + column * 11.1) * 0.28
    lat = CENTRE_LAT + (ROWS / 2 - row + wobble) * _STEP_LAT
    lon = CENTRE_LON + (column - COLUMNS / 2 + sway) * _STEP_LON
    return round(lon, 6), round(lat, 6)


def _ring(row: int, column: int) -> list[tuple[float, float]]:
    corners = [(row, column), (row + 1, column), (row + 1, column + 1), (row, column + 1)]
    return [_corner(*corner) for corner in (*corners, corners[0])]


def street_geojson() -> bytes:
    """The outlines of the made-up street."""
    features = []
    for index, code in enumerate(grid_codes()):
        row, column = divmod(index, COLUMNS)
        features.append(
            {
                "type": "Feature",
                "id": code,
                "properties": {"code": code, "name": f"江锦{code}", "parent": "江锦社区"},
                "geometry": {"type": "Polygon", "coordinates": [_ring(row, column)]},
            }
        )
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def figures(
    hit: int = 184, miss: int = 2, unknown: int = 3, pending: int = 1, quarantined: int = 0
) -> dict[str, object]:
    """The figures of one clock, as the real ones would come."""
    decided = hit + miss + unknown + quarantined
    return {
        "eligible": decided + pending,
        "hit": hit,
        "miss": miss,
        "unknown": unknown,
        "pending": pending,
        "quarantined": quarantined,
        "indeterminate": 0,
        "known": share(hit, hit + miss),
        "low": share(hit, decided),
        "high": share(hit + unknown + quarantined, decided),
        "coverage": share(hit + miss, decided),
        "wilson": wilson(hit, hit + miss),
        "p50_s": 258,
        "p90_s": 378,
        "p95_s": 455,
        "excluded": {},
    }


def a_tile(milestone: Milestone = Milestone.ARRIVED, **changes: object) -> Tile:
    """A tile over the last thirty days, well measured."""
    tile = Tile(
        milestone=milestone,
        reading=Reading.CUMULATIVE,
        target_s=LIMITS[milestone],
        window="30d",
        since=NOW - timedelta(days=30),
        figures=figures(),  # type: ignore[arg-type]
        goal=0.9,
    )
    return replace(tile, **changes)  # type: ignore[arg-type]


def a_source(
    name: str = "110", state: SourceState = SourceState.LIVE, **changes: object
) -> SourceHealth:
    """A source that has just delivered."""
    source = SourceHealth(
        id=name,
        names={"zh": f"{name} 警情", "en": f"{name} calls"},
        state=state,
        last_record_at=None if state is SourceState.WAITING else NOW - timedelta(seconds=8),
        state_since=NOW - timedelta(minutes=22),
        quarantined=0,
        problem=None,
    )
    return replace(source, **changes)  # type: ignore[arg-type]


def clocks(
    t0: datetime, stopped: int = 0, state: ClockState = ClockState.RUNNING
) -> tuple[OpenClock, ...]:
    """The three clocks of an incident of which the first ``stopped`` have been met."""
    made = []
    for i, milestone in enumerate(TARGETED):
        met = i < stopped
        made.append(
            OpenClock(
                milestone=milestone,
                state=ClockState.MET if met else state if i == stopped else ClockState.RUNNING,
                deadline=t0 + timedelta(seconds=LIMITS[milestone]),
                stopped_at=t0 + timedelta(seconds=20 * (i + 1)) if met else None,
            )
        )
    return tuple(made)


def an_incident(
    index: int = 0,
    *,
    age_s: int = 100,
    stopped: int = 1,
    shape: str = "triangle",
    **changes: object,
) -> OpenIncident:
    """An open emergency in grid ``index``, ``age_s`` old, with ``stopped`` milestones reached."""
    t0 = NOW - timedelta(seconds=age_s)
    code = grid_codes()[index % (COLUMNS * ROWS)]
    row, column = divmod(index % (COLUMNS * ROWS), COLUMNS)
    lon, lat = _corner(row, column)
    next_clock = stopped if stopped < len(TARGETED) else None
    limit = LIMITS[TARGETED[min(stopped, 2)]]
    used = age_s / limit
    state = (
        ClockState.MISSED if used > 1 else ClockState.WARNING if used > 0.7 else ClockState.RUNNING
    )
    incident = OpenIncident(
        id=f"{index:032x}",
        source="110",
        key=f"J{index:05d}",
        kind="smoke",
        kind_names={"zh": "烟感火警", "en": "Smoke alarm"},
        shape=shape,
        severity=None,
        title=None,
        address="示例大厦 12F",
        grid=code,
        grid_name=f"江锦社区 {code}",
        t0=t0,
        clocks=clocks(t0, stopped, state),
        next_clock=next_clock,
        warning_at=None if next_clock is None else t0 + timedelta(seconds=0.7 * limit),
        units=0,
        lat=lat - _STEP_LAT / 2,
        lon=lon + _STEP_LON / 2,
    )
    return replace(incident, **changes)  # type: ignore[arg-type]


def a_complaint(index: int = 40, **changes: object) -> OpenIncident:
    """An open complaint: none of the three clocks applies to it."""
    complaint = an_incident(
        index,
        age_s=7800,
        shape="circle",
        kind="noise",
        kind_names={"zh": "12345 噪音", "en": "Noise complaint"},
        address=None,
        clocks=(),
        next_clock=None,
        warning_at=None,
    )
    return replace(complaint, **changes)  # type: ignore[arg-type]


def some_incidents() -> tuple[OpenIncident, ...]:
    """One of each look, most urgent first."""
    police = {"kind": "fight", "kind_names": {"zh": "110 打架", "en": "Fight"}, "shape": "square"}
    return (
        an_incident(30, age_s=362, stopped=2, address="示例小区 7 幢", **police),
        an_incident(4, age_s=271, stopped=2, **police),
        an_incident(32, age_s=134, stopped=1, units=2),
        an_incident(13, age_s=12, stopped=0),
        an_incident(60, age_s=380, stopped=3, **police),
        a_complaint(40),
        a_complaint(22, lat=None, lon=None, grid="", grid_name=""),
    )


def grid_states(incidents: tuple[OpenIncident, ...]) -> tuple[GridState, ...]:
    """Every grid with the number of its open incidents."""
    counts: dict[str, int] = {}
    for incident in incidents:
        counts[incident.grid] = counts.get(incident.grid, 0) + 1
    return tuple(GridState(code=c, name=f"江锦{c}", open=counts.get(c, 0)) for c in grid_codes())


def a_snapshot(**changes: object) -> Snapshot:
    """An ordinary moment of the made-up street."""
    incidents = some_incidents()
    snapshot = Snapshot(
        now=NOW,
        area_names={"zh": "四季青街道综合信息指挥室", "en": "Sijiqing Command Centre"},
        time_zone="Asia/Shanghai",
        synthetic=True,
        schematic_grids=True,
        sources=(
            a_source("110"),
            a_source("12345", last_record_at=NOW - timedelta(minutes=2)),
            a_source("96315", SourceState.SILENT, last_record_at=NOW - timedelta(hours=3)),
            a_source("CTWing", SourceState.DOWN, problem="connection refused"),
            a_source("GB26875", SourceState.WAITING),
            a_source("SFFD", SourceState.ENDED),
        ),
        tiles=(
            a_tile(Milestone.ACCEPTED, window="today", figures=figures(58, 3, 1), goal=0.95),
            a_tile(Milestone.DISPATCHED, window="today", figures=figures(57, 4, 1, 2), goal=0.99),
            a_tile(Milestone.ARRIVED),
        ),
        open=incidents,
        open_total=len(incidents),
        open_emergencies=5,
        open_unlocated=1,
        grids=grid_states(incidents),
        map=MapView(lat=CENTRE_LAT, lon=CENTRE_LON, zoom=13.35, grids_version="s1", has_grids=True),
        intake=Intake(
            start=NOW.replace(minute=40, second=0) - timedelta(minutes=355),
            counts=tuple(round(abs(sin(i * 1.7) * sin(i / 9)) * 5) for i in range(72)),
        ),
        quality=DataQuality(
            incidents=189,
            unlocated=2,
            unknown=3,
            indeterminate=4,
            quarantined=0,
            quarantined_records=7,
            flagged=1,
            excluded={"drill": 3, "patrol_found": 5, "cancelled_in_time": 1},
        ),
        replay=None,
        next_change_at=None,
    )
    return replace(snapshot, **changes)  # type: ignore[arg-type]


def an_empty_snapshot(**changes: object) -> Snapshot:
    """A first start: no record has come in yet, and nothing is configured beyond the street."""
    nothing = figures(0, 0, 0, 0)
    return a_snapshot(
        **{
            "synthetic": False,
            "schematic_grids": False,
            "sources": (),
            "tiles": tuple(a_tile(m, figures=nothing, goal=None) for m in TARGETED),
            "open": (),
            "open_total": 0,
            "open_emergencies": 0,
            "open_unlocated": 0,
            "grids": grid_states(()),
            "intake": Intake(
                start=NOW.replace(minute=45, second=0) - timedelta(hours=6), counts=(0,) * 72
            ),
            "quality": DataQuality(
                incidents=0,
                unlocated=0,
                unknown=0,
                indeterminate=0,
                quarantined=0,
                quarantined_records=0,
                flagged=0,
                excluded={},
            ),
            **changes,
        }
    )


class FakeBackend:
    """A backend that serves whatever snapshot it is given, its clock running from ``NOW``."""

    def __init__(self, snapshot: Snapshot | None = None, *, rate: float = 1.0) -> None:
        self.rate = rate
        self.reads = 0
        self.error: Exception | None = None
        self.outlines = street_geojson()
        self._snapshot = snapshot or a_snapshot()
        self._started = datetime.now(UTC)
        self._version = 1

    def show(self, snapshot: Snapshot) -> None:
        """Change what the store holds."""
        self._snapshot = snapshot
        self._version += 1

    def touch(self) -> None:
        """A change in the store that no panel shows."""
        self._version += 1

    def now(self) -> datetime:
        """The clock of the fake, which really runs."""
        return NOW + (datetime.now(UTC) - self._started) * self.rate

    def version(self) -> int:
        """Changes with every ``show``."""
        return self._version

    def snapshot(self) -> Snapshot:
        """The snapshot at the fake's own time, or the error it was told to raise."""
        self.reads += 1
        if self.error is not None:
            raise self.error
        return replace(self._snapshot, now=self.now())

    def kpi(self, params: Mapping[str, str]) -> list[dict[str, object]]:
        """One group, or the error of a wrong parameter."""
        if "bad" in params:
            raise QueryError("bad='1' is not a parameter")
        return [{"key": "all", **figures()}]

    def rows(self, params: Mapping[str, str]) -> list[dict[str, object]]:
        """No rows."""
        return []

    def intake(self, params: Mapping[str, str]) -> list[dict[str, object]]:
        """Nothing came in."""
        return [{"key": "all", "windows": []}]

    def health(self) -> dict[str, object]:
        """All is well."""
        return {"status": "ok"}

    def grids_geojson(self) -> bytes:
        """The outlines of the made-up street."""
        return self.outlines
