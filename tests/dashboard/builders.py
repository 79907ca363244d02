"""Snapshots with sensible defaults, and a backend that serves them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import sin

from pipelines.desk.paging import Page
from pipelines.desk.roster import QuarantineList, Roster
from pipelines.errors import QueryError
from pipelines.geo.backdrop import Backdrop
from pipelines.kpis.rates import share, wilson
from pipelines.model.area import AreaLevel
from pipelines.model.clock import Reading
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.privacy.clearance import Clearance
from pipelines.privacy.scope import Scope
from pipelines.snapshot import (
    DataQuality,
    GridState,
    Intake,
    MapView,
    OpenIncident,
    Shift,
    Snapshot,
    SourceHealth,
    SourceState,
    Stage,
    Tile,
)
from tests.dashboard.boards import (
    a_community_board,
    a_complaint_board,
    a_device_board,
    device_places,
    some_units,
)
from tests.dashboard.boards import a_critical as a_critical
from tests.dashboard.rosters import a_quarantine_list, a_roster
from tests.dashboard.street import (
    CENTRE_LAT,
    CENTRE_LON,
    LIMITS,
    NOW,
    a_complaint,
    an_incident,
    grid_codes,
    grid_labels,
    street_geojson,
)
from tests.dashboard.street import COLUMNS as COLUMNS
from tests.dashboard.street import COMMUNITIES as COMMUNITIES
from tests.dashboard.street import ROWS as ROWS
from tests.dashboard.street import a_dated_complaint as a_dated_complaint
from tests.dashboard.street import clocks as clocks


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
        a_complaint(22, lat=None, lon=None, grid="", grid_names={}),
    )


def grid_states(incidents: tuple[OpenIncident, ...]) -> tuple[GridState, ...]:
    """Every grid with the number of its open incidents."""
    counts: dict[str, int] = {}
    for incident in incidents:
        counts[incident.grid] = counts.get(incident.grid, 0) + 1
    return tuple(
        GridState(code=c, names={"zh": f"江锦{c}", "en": f"Jiangjin {c}"}, open=counts.get(c, 0))
        for c in grid_codes()
    )


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
        map=MapView(
            lat=CENTRE_LAT,
            lon=CENTRE_LON,
            zoom=13.35,
            grids_version="s1",
            has_grids=True,
            labels=grid_labels(),
        ),
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
        devices=a_device_board(),
        units=some_units(),
        complaints=a_complaint_board(),
        communities=a_community_board(),
        shift=Shift(names={"zh": "白班", "en": "day shift"}, until=NOW + timedelta(hours=3)),
        stage=Stage(
            scenes=("overview", "fire", "complaints", "figures", "community"),
            until=NOW + timedelta(hours=1),
            rotates=True,
            least_share=0.0,
        ),
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
            "devices": None,
            "complaints": None,
            "communities": None,
            "shift": None,
            "stage": Stage(),
            **changes,
        }
    )


class FakeBackend:
    """A backend that serves whatever snapshot it is given, its clock running from ``NOW``."""

    def __init__(self, snapshot: Snapshot | None = None, *, rate: float = 1.0) -> None:
        self.rate = rate
        self.reads = 0
        self.roster_reads = 0
        self.canaries: list[str] = []
        self.remarks: list[tuple[str, str, dict[str, str]]] = []
        self.seen: list[Clearance] = []
        self.error: Exception | None = None
        self.mark = ""
        self.unstored: datetime | None = None
        self.outlines = street_geojson()
        self.ground = Backdrop(layers={}, labels=(), tiles=None, version="b1")
        self._snapshot = snapshot or a_snapshot()
        self._started = datetime.now(UTC)
        self._version = 1

    def seen_by(self, clearance: Clearance, /) -> "FakeBackend":
        """Everybody sees the same; who looked is remembered."""
        self.seen.append(clearance)
        return self

    def show(self, snapshot: Snapshot) -> None:
        """Change what the store holds."""
        self._snapshot = snapshot
        self._version += 1

    def step(self, by: timedelta) -> None:
        """Set the clock, as somebody sets a machine's."""
        self._started -= by / self.rate

    def touch(self) -> None:
        """A change in the store that no panel shows."""
        self._version += 1

    def now(self) -> datetime:
        """The clock of the fake, which really runs."""
        return NOW + (datetime.now(UTC) - self._started) * self.rate

    def scopes(self) -> tuple[Scope, ...]:
        """A street of one community with one grid."""
        return (
            Scope(code="S1", names={"zh": "一街", "en": "Street 1"}, level=AreaLevel.STREET,
                  path=("S1",)),
            Scope(code="C1", names={"zh": "一社", "en": "First"}, level=AreaLevel.COMMUNITY,
                  path=("S1", "C1")),
            Scope(code="G1", names={"zh": "一格", "en": "Grid 1"}, level=None,
                  path=("S1", "C1", "G1")),
        )  # fmt: skip

    def version(self) -> int:
        """Changes with every ``show``."""
        return self._version

    def unstored_since(self) -> datetime | None:
        """Whatever a test has set."""
        return self.unstored

    def reload_mark(self) -> str:
        """Whatever a test has set."""
        return self.mark

    def snapshot(self) -> Snapshot:
        """The snapshot at the fake's own time, or the error it was told to raise."""
        self.reads += 1
        if self.error is not None:
            raise self.error
        ground = replace(self._snapshot.map, backdrop_version=self.ground.version)
        return replace(self._snapshot, now=self.now(), map=ground)

    def kpi(self, params: Mapping[str, str]) -> list[dict[str, object]]:
        """One group, or the error of a wrong parameter."""
        if "bad" in params:
            raise QueryError("bad='1' is not a parameter")
        return [{"key": "all", **figures()}]

    def rows(self, params: Mapping[str, str]) -> Page:
        """No rows."""
        return Page([], 0)

    def intake(self, params: Mapping[str, str]) -> list[dict[str, object]]:
        """Nothing came in."""
        return [{"key": "all", "windows": []}]

    def rules(self, params: Mapping[str, str]) -> list[dict[str, object]]:
        """One rule, or the error of a wrong parameter."""
        if "bad" in params:
            raise QueryError("bad='1' is not a parameter")
        return [{"start": "reported", "hit": 184, "n": 186}]

    def monitors(self, params: Mapping[str, str]) -> list[dict[str, object]]:
        """One finding."""
        where = {"monitor": "full_minutes", "group": "unit", "key": "E1"}
        return [{**where, "found": 40, "n": 60, "expected": 1.0, "p": 0.0, "ids": []}]

    def frozen(self, params: Mapping[str, str]) -> list[dict[str, object]]:
        """One frozen month, or the error of a wrong one."""
        if params.get("month", "2026-10") != "2026-10":
            raise QueryError("month = '?': is not frozen; frozen are: 2026-10")
        return [{"month": "2026-10", "whole": True}]

    def health(self) -> dict[str, object]:
        """All is well."""
        return {"status": "ok"}

    def backdrop(self) -> Backdrop:
        """Nothing but the grids, unless a test sets it."""
        return self.ground

    def reveal(self, incident_id: str, what: str, number: int, /) -> str | None:
        """One phone number of one incident, for a supervisor."""
        asked = (incident_id, what, number)
        may = self.seen and self.seen[-1].may_reveal
        return "13812345678" if may and asked == ("i-1", "phone", 1) else None

    def has_grid(self, code: str) -> bool:
        """Whatever is asked for is there."""
        return True

    def remark(self, act: str, person: str, said: Mapping[str, str], /) -> None:
        """Remember what was said."""
        self.remarks.append((act, person, dict(said)))

    def has_case(self, incident_id: str) -> bool:
        """Whatever is asked for is there."""
        return True

    def roster(self) -> Roster:
        """How the made-up sources are doing."""
        self.roster_reads += 1
        return a_roster(now=self.now())

    def quarantine(self, source: str | None, /) -> QuarantineList:
        """What the made-up sources have in quarantine."""
        return a_quarantine_list(source=source)

    def canary(self, source: str, /) -> dict[str, object]:
        """A canary that comes back at once; there is one source."""
        if source != "110":
            raise QueryError(f"source = {source!r}: there is no such source")
        self.canaries.append(source)
        return {"source": source, "problem": None}

    def grids_geojson(self) -> bytes:
        """The outlines of the made-up street."""
        return self.outlines

    def device_places(self) -> bytes:
        """Where the devices of the made-up street hang."""
        return device_places()
