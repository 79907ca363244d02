"""What one refresh of a screen needs, read once and shared by all its panels.

Everything here is plain data: a panel draws it and asks for nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pipelines.kpis import Value
from pipelines.model.clock import ClockState, Reading
from pipelines.model.milestone import Milestone

Names = Mapping[str, str]
"""A name by language code: ``{"zh": "火警", "en": "Fire"}``; both are always present."""


class SourceState(StrEnum):
    """How a source is doing; the four must look different on the screen."""

    WAITING = "waiting"
    """It has not delivered anything yet."""
    LIVE = "live"
    """It delivered within its expected rhythm."""
    SILENT = "silent"
    """It answers, but has delivered nothing for longer than expected."""
    DOWN = "down"
    """It cannot be reached or read."""
    ENDED = "ended"
    """A replay that has played to its end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceHealth:
    """One source: when it last delivered, and what went wrong if anything did."""

    id: str
    names: Names
    state: SourceState
    last_record_at: datetime | None
    state_since: datetime | None
    quarantined: int
    problem: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """One figure of the 135 strip. ``figures`` is what ``app.py kpi`` prints for the same query.

    ``window`` is ``today``, ``all``, or a number of days such as ``30d``; ``since`` is the
    window's start in UTC (None for ``all``). ``goal`` is the share aimed at, if one is set.
    """

    milestone: Milestone
    reading: Reading
    target_s: int
    window: str
    since: datetime | None
    figures: Mapping[str, Value]
    goal: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenClock:
    """One of the three clocks of an open incident (cumulative reading).

    ``deadline`` is when it runs out; ``stopped_at`` when the milestone happened, if it has.
    """

    milestone: Milestone
    state: ClockState
    deadline: datetime | None
    stopped_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenIncident:
    """One row of the open list, in order of urgency.

    ``clocks`` are the three of the 135 loop, empty for a kind they do not apply to.
    ``next_clock`` is the index of the first that still runs, None when all have stopped.
    ``warning_at`` is when that clock turns to warning.
    """

    id: str
    source: str
    key: str
    kind: str
    kind_names: Names
    shape: str
    severity: int | None
    title: str | None
    address: str | None
    grid: str
    grid_name: str
    t0: datetime
    clocks: tuple[OpenClock, ...]
    next_clock: int | None
    warning_at: datetime | None
    units: int
    lat: float | None
    lon: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GridState:
    """One grid of the map: how many incidents are open in it now."""

    code: str
    name: str
    open: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """每5分钟接入量: how many incidents were reported in each 5-minute window.

    ``counts[i]`` belongs to the window that starts ``i * 5`` minutes after ``start``; the last
    window contains ``now`` and is not over.
    """

    start: datetime
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataQuality:
    """What is missing from the figures, over the window of the arrival tile.

    ``unlocated`` incidents are not on the map; ``quarantined_records`` could not be read (all
    time); ``excluded`` is the ledger of the arrival target.
    """

    incidents: int
    unlocated: int
    unknown: int
    indeterminate: int
    quarantined: int
    quarantined_records: int
    flagged: int
    excluded: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayState:
    """A replay in progress: the real moment that is being played, and how fast.

    ``skips_quiet`` is True when quiet stretches between incidents are cut short.
    """

    real_time: datetime
    time_zone: str
    speed: float
    skips_quiet: bool
    ended: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class MapView:
    """The camera and the static layers of the map. Urls are of this server."""

    lat: float
    lon: float
    zoom: float
    grids_version: str
    has_grids: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The state of the street at ``now``.

    ``open`` holds the most urgent incidents (at most the configured number), ``open_total``
    counts them all; ``markers`` are the open incidents that have a position, capped likewise.
    ``next_change_at`` is when the next verdict changes by time alone.
    """

    now: datetime
    area_names: Names
    time_zone: str
    synthetic: bool
    schematic_grids: bool
    sources: tuple[SourceHealth, ...]
    tiles: tuple[Tile, ...]
    open: tuple[OpenIncident, ...]
    open_total: int
    open_emergencies: int
    open_unlocated: int
    grids: tuple[GridState, ...]
    map: MapView
    intake: Intake
    quality: DataQuality
    replay: ReplayState | None
    next_change_at: datetime | None
