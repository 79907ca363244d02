"""What one refresh of a screen needs, read once and shared by all its panels.

Everything here is plain data: a panel draws it and asks for nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from pipelines.kpis import Value
from pipelines.model.area import AreaLevel
from pipelines.model.clock import ClockState, Reading
from pipelines.model.device import Condition
from pipelines.model.milestone import Milestone
from pipelines.wall.endurance import Endurance

Names = Mapping[str, str]
"""A name by language code: ``{"zh": "火警", "en": "Fire"}``; both are always present."""


class SourceState(StrEnum):
    """How a source is doing; each must look different on the screen."""

    WAITING = "waiting"
    """It has not delivered anything yet."""
    LIVE = "live"
    """It delivered within its expected rhythm."""
    SILENT = "silent"
    """It answers, but has delivered nothing for longer than expected."""
    DOWN = "down"
    """It cannot be reached or read."""
    UNATTENDED = "unattended"
    """No process takes it in, so nothing is known about it."""
    ENDED = "ended"
    """A replay that has played to its end."""
    NOT_STARTED = "not_started"
    """A part of the demo street that cannot be played, for its broker is not installed."""


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
    behind: timedelta | None = None
    """How much later than usual its records come now."""


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
    """One row of the open list, in order of urgency; ``grid_names`` is empty when not on the map.

    ``clocks`` are the three of the 135 loop, empty for a kind they do not apply to.
    ``next_clock`` is the index of the first that still runs, None when all have stopped.
    ``warning_at`` is when that clock turns to warning. ``handling`` is the clock of a kind that
    has a target for its handling (办结), such as a complaint. A drill is in no figure.
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
    grid_names: Names
    t0: datetime
    clocks: tuple[OpenClock, ...]
    next_clock: int | None
    warning_at: datetime | None
    units: int
    lat: float | None
    lon: float | None
    community: str = ""
    handling: OpenClock | None = None
    is_drill: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceAlarm:
    """A device that is in alarm, or in trouble: which one, where it hangs, and since when."""

    source: str
    device: str
    names: Names
    place: str
    community: str
    since: datetime
    condition: Condition = Condition.ALARM


class Ailing(StrEnum):
    """How a device is told apart on the map."""

    ALARM = "alarm"
    """It is in alarm."""
    TROUBLE = "trouble"
    """It is to be repaired."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceBoard:
    """How the devices are doing. A device in two conditions is counted in both.

    ``registered`` have a row in the register, ``heard`` have reported at least once.
    ``holding`` counts devices by what is the matter with them; ``silent`` ones have said nothing
    for longer than their rhythm allows; ``unknown`` ones belong to a source that is down, so
    that their silence proves nothing. ``alarms`` and ``troubles``, what is to be repaired, come
    newest first, at most a few; ``holding`` counts them all. ``communities`` holds the number of
    devices by community. ``places`` is the version of the file that says where the devices of the
    register are, ``placed`` how many those are, and ``ailing`` which of them are in alarm or in
    trouble, by their place in that file.
    """

    registered: int
    heard: int
    holding: Mapping[Condition, int]
    silent: int
    unknown: int
    alarms: tuple[DeviceAlarm, ...]
    troubles: tuple[DeviceAlarm, ...] = ()
    communities: Mapping[str, int] = field(default_factory=dict)
    places: str = ""
    placed: int = 0
    ailing: Mapping[Ailing, tuple[int, ...]] = field(default_factory=dict)


class Due(StrEnum):
    """How an open complaint stands to its target for the handling."""

    OVERDUE = "overdue"
    """超期."""
    SOON = "soon"
    """将到期: most of the time allowed is used."""
    IN_TIME = "in_time"
    """时限内."""
    NO_TARGET = "no_target"
    """No target is set for its kind, or the calendar does not reach so far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComplaintBoard:
    """The open complaints by their working-time targets, and what came and went today.

    ``rows`` are those that are due first, overdue ones before all others. ``has_targets`` is
    False where no target for the handling is configured: then ``open`` is all that is said.
    """

    open: int
    by_due: Mapping[Due, int]
    came_today: int
    closed_today: int
    has_targets: bool
    rows: tuple[OpenIncident, ...]
    by_community: Mapping[str, Mapping[Due, int]] = field(default_factory=dict)


class Standing(StrEnum):
    """Where a community lies in the funnel around the rate of the street."""

    TOO_FEW = "too_few"
    """So few cases that nothing can be said."""
    USUAL = "usual"
    """Inside the limits: any difference to the others can be chance."""
    BELOW = "below"
    """Below the 95 % limit."""
    FAR_BELOW = "far_below"
    """Below the 99.8 % limit: not chance."""
    ABOVE = "above"
    """Above the 95 % limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommunityState:
    """One community: what is open, what arrived in time, and how long ago one did not.

    ``hit`` of ``known`` arrived in time over the board's window. ``quiet_days`` counts whole days
    since the last miss, None when there was none in the window.
    """

    code: str
    names: Names
    open: int
    hit: int
    known: int
    standing: Standing
    quiet_days: int | None
    lat: float | None = None
    lon: float | None = None
    zoom: float | None = None
    extent: tuple[float, float] | None = None
    grids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FunnelLimit:
    """The rates between which chance alone puts 95 % and 99.8 % of areas with ``known`` cases."""

    known: int
    low: float
    high: float
    far_low: float
    far_high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CommunityBoard:
    """The parts beside each other, fairly: never a league table of rates of a few cases.

    ``level`` is what the parts are, communities of a street or streets of a district; ``whole``
    what they are parts of. ``as_of`` is when the rates were counted, anew every minute.
    ``days`` is the window, ``known_days`` how much of it there are records of.
    """

    days: int
    known_days: int
    as_of: datetime
    rate: float | None
    communities: tuple[CommunityState, ...]
    limits: tuple[FunnelLimit, ...]
    level: AreaLevel = AreaLevel.COMMUNITY
    whole: AreaLevel = AreaLevel.STREET


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitSpot:
    """Where a unit is, WGS-84: as it said itself at ``seen_at``, or where it starts from (None).

    ``is_first`` says whether it is one of those who are named as near.
    """

    code: str
    names: Names
    type: str
    lat: float
    lon: float
    seen_at: datetime | None
    strength: int | None = None
    is_first: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NearUnit:
    """A unit near an incident, as the crow flies.

    ``is_located`` says whether it told itself where it is; else it is where it starts from.
    """

    code: str
    names: Names
    type: str
    distance_m: int
    strength: int | None
    is_located: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Critical:
    """A new incident that takes over the wall until ``until``, with the units nearest to it."""

    incident: OpenIncident
    until: datetime
    nearest: tuple[NearUnit, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What the walls show of the snapshot: decided by the clock of the server, so all agree.

    ``scene`` is one of ``scenes``; ``community`` is the code of the one in turn, empty in every
    other scene. ``until`` is when the next scene begins, None when none does. ``rotates`` is
    False on a screen that was asked for one scene. ``theme`` is ``dark``, ``light``, or ``auto``,
    which is dark while ``is_night``. ``brightness`` is 1 by day; ``hold_s`` is how long a touch
    stops the rotation; ``least_share`` is how high the smallest text must be, in widths of the
    screen.
    """

    scene: str = "overview"
    community: str = ""
    scenes: tuple[str, ...] = ("overview",)
    until: datetime | None = None
    rotates: bool = False
    theme: str = "dark"
    is_night: bool = False
    brightness: float = 1.0
    hold_s: float = 60.0
    least_share: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """Who is on duty now (班次)."""

    names: Names
    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class GridState:
    """One grid or part of the map: how many incidents are open in it now."""

    code: str
    names: Names
    open: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """每5分钟接入量: how many incidents were reported in each 5-minute window.

    ``counts[i]`` belongs to the window that starts ``i * 5`` minutes after ``start``; the last
    window contains ``now`` and is not over. ``usual[i]`` is the range usual for that window,
    empty while too little history is known to say.
    """

    start: datetime
    counts: tuple[int, ...]
    usual: tuple[tuple[float, float], ...] = ()


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


class LabelRole(StrEnum):
    """What a name on the map belongs to."""

    COMMUNITY = "community"
    WATER = "water"
    LANDMARK = "landmark"
    ROAD = "road"
    GRID = "grid"
    GRID_CODE = "grid-code"
    """The short code of a grid, for a map close enough that it fits in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """Where a name may stand, WGS-84. ``turn`` is how its line runs, degrees from north."""

    lat: float
    lon: float
    turn: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MapLabel:
    """A name on the map and where it may stand, best first.

    ``room`` is how wide its area is, in degrees of latitude; 0 for a point.
    """

    names: Names
    role: LabelRole
    spots: tuple[Spot, ...]
    room: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MapView:
    """The camera and the static layers of the map. Urls are of this server.

    ``bearing`` is the direction that is up, degrees clockwise from north. ``extent`` is how wide
    and high what must be seen is, as shares of the world: a screen looks as close as its own box
    allows. Without it, ``zoom`` is meant for the box of a wall of 1920 by 1080. ``labels`` come in
    the order in which they get room. ``layers`` names the backdrop's files. ``level`` is what the
    map colours, None for grids, and ``step`` how many open incidents more make it darker.
    """

    lat: float
    lon: float
    zoom: float
    grids_version: str
    has_grids: bool
    bearing: float = 0.0
    extent: tuple[float, float] | None = None
    backdrop_version: str = ""
    layers: tuple[str, ...] = ()
    labels: tuple[MapLabel, ...] = ()
    level: AreaLevel | None = None
    step: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The state of the street at ``now``.

    ``open`` holds the most urgent incidents (at most the configured number), ``open_total``
    counts them all; ``markers`` are the open incidents that have a position, capped likewise.
    ``clock_rate`` is how fast a demo street's clock runs; 1 is life.
    ``next_change_at`` is when the next verdict changes by time alone. A board is None where
    nothing it could show is configured. ``critical`` are the incidents that take over the wall.
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
    clock_rate: float = 1.0
    next_change_at: datetime | None
    devices: DeviceBoard | None = None
    complaints: ComplaintBoard | None = None
    communities: CommunityBoard | None = None
    critical: tuple[Critical, ...] = ()
    units: tuple[UnitSpot, ...] = ()
    shift: Shift | None = None
    stage: Stage = Stage()
    endurance: Endurance = field(default_factory=Endurance)

    @property
    def grids_version(self) -> str:
        """Which boundary file the map shows."""
        return self.map.grids_version
