"""A made-up street: its grids, its communities, and the incidents that are open in it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import cos, sin

from pipelines.model.clock import ClockState
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.snapshot import LabelRole, MapLabel, OpenClock, OpenIncident, Spot

NOW = datetime(2026, 11, 22, 6, 43, 7, tzinfo=UTC)
LIMITS = {Milestone.ACCEPTED: 60, Milestone.DISPATCHED: 180, Milestone.ARRIVED: 300}
COLUMNS, ROWS = 9, 8
CENTRE_LAT, CENTRE_LON = 30.262, 120.215
STEP_LAT, STEP_LON = 0.0036, 0.0052


def grid_codes() -> list[str]:
    """The codes of the 72 grids of the made-up street."""
    return [f"{row + 1:03d}-{column + 1:02d}" for row in range(ROWS) for column in range(COLUMNS)]


def corner_at(row: int, column: int) -> tuple[float, float]:
    """A lattice pulled out of square, the same every time."""
    wobble = sin(row * 12.9 + column * 78.2) * 0.28
    sway = cos(row * 39.3 + column * 11.1) * 0.28
    lat = CENTRE_LAT + (ROWS / 2 - row + wobble) * STEP_LAT
    lon = CENTRE_LON + (column - COLUMNS / 2 + sway) * STEP_LON
    return round(lon, 6), round(lat, 6)


def ring_of(row: int, column: int) -> list[tuple[float, float]]:
    corners = [(row, column), (row + 1, column), (row + 1, column + 1), (row, column + 1)]
    return [corner_at(*corner) for corner in (*corners, corners[0])]


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
                "geometry": {"type": "Polygon", "coordinates": [ring_of(row, column)]},
            }
        )
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def grid_labels() -> tuple[MapLabel, ...]:
    """The name of every grid, in its middle."""
    labels = []
    for index, code in enumerate(grid_codes()):
        corners = ring_of(*divmod(index, COLUMNS))[:4]
        lon, lat = (sum(corner[i] for corner in corners) / 4 for i in (0, 1))
        labels.append(
            MapLabel(
                names={"zh": f"江锦{code}", "en": f"江锦{code}"},
                role=LabelRole.GRID,
                spots=(Spot(lat=lat, lon=lon, turn=None),),
                room=STEP_LAT,
            )
        )
    return tuple(labels)


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
    lon, lat = corner_at(row, column)
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
        grid_names={"zh": f"江锦社区 {code}", "en": f"Jiangjin {code}"},
        t0=t0,
        clocks=clocks(t0, stopped, state),
        next_clock=next_clock,
        warning_at=None if next_clock is None else t0 + timedelta(seconds=0.7 * limit),
        units=0,
        lat=lat - STEP_LAT / 2,
        lon=lon + STEP_LON / 2,
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


COMMUNITIES = {
    "c01": ("三叉", "Sancha"),
    "c02": ("五福", "Wufu"),
    "c03": ("三堡", "Sanbao"),
    "c04": ("水湘", "Shuixiang"),
    "c05": ("城星", "Chengxing"),
    "c06": ("运新", "Yunxin"),
    "c07": ("江锦", "Jiangjin"),
    "c08": ("钱塘", "Qiantang"),
    "c09": ("钱景", "Qianjing"),
    "c10": ("钱运", "Qianyun"),
    "c11": ("钱江苑", "Qianjiangyuan"),
}


def a_dated_complaint(index: int = 41, *, left_h: float = 3.0, **changes: object) -> OpenIncident:
    """An open complaint that is to be handled within ``left_h`` hours from now."""
    deadline = NOW + timedelta(hours=left_h)
    state = (
        ClockState.MISSED
        if left_h < 0
        else ClockState.WARNING
        if left_h < 2
        else ClockState.RUNNING
    )
    complaint = a_complaint(
        index,
        handling=OpenClock(
            milestone=Milestone.RESOLVED, state=state, deadline=deadline, stopped_at=None
        ),
        warning_at=deadline - timedelta(hours=2),
        community=list(COMMUNITIES)[index % 11],
    )
    return replace(complaint, **changes)  # type: ignore[arg-type]
