"""Rosters and quarantine lists with sensible defaults: a test names only what matters to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipelines.desk.roster import QuarantineList, Roster, SourceDetail, Standing
from pipelines.door.quarantine import Group, Item
from pipelines.door.unmapped import Unmapped
from pipelines.feeds.arrivals import SEEN_HOURS, Hour
from pipelines.snapshot import SourceState
from pipelines.store.heard_rows import Rehearsal

NOON = datetime(2026, 11, 22, 6, 43, 7, tzinfo=UTC)
"""14:43:07 in Shanghai."""

_STATES = {
    Standing.ACTIVE: SourceState.LIVE,
    Standing.QUIET: SourceState.LIVE,
    Standing.SILENT: SourceState.SILENT,
    Standing.WAITING: SourceState.WAITING,
    Standing.DOWN: SourceState.DOWN,
    Standing.UNATTENDED: SourceState.UNATTENDED,
    Standing.ENDED: SourceState.ENDED,
}


def some_hours(n: int = 5, *, now: datetime = NOON) -> tuple[Hour, ...]:
    """The last day, ``n`` records in each hour, as usual."""
    start = now.replace(minute=0, second=0) - timedelta(hours=SEEN_HOURS - 1)
    return tuple(
        Hour(start + timedelta(hours=i), n, max(n - 3.0, 0.0), float(n), n + 3.0)
        for i in range(SEEN_HOURS)
    )


def a_detail(
    name: str = "110", standing: Standing = Standing.ACTIVE, **changes: object
) -> SourceDetail:
    """A source with four weeks of history that has just delivered."""
    waiting = standing is Standing.WAITING
    detail = SourceDetail(
        id=name,
        names={"zh": f"{name} 警情", "en": f"{name} calls"},
        state=_STATES[standing],
        standing=standing,
        last_record_at=None if waiting else NOON - timedelta(minutes=38),
        last_success_at=NOON - timedelta(seconds=2),
        since=NOON - timedelta(minutes=38),
        problem="connection refused" if standing is Standing.DOWN else None,
        last_problem=None,
        last_problem_at=None,
        lag=timedelta(seconds=4),
        clock_offset=timedelta(seconds=1),
        records=4000,
        this_hour=3,
        expected=4.25,
        usual_hour=12.0,
        chance=0.4,
        rule=None,
        hours=some_hours(),
        has_rhythm=True,
        quarantined=0,
        flagged=0,
        unmapped=0,
        canary=None,
    )
    return replace(detail, **changes)  # type: ignore[arg-type]


def a_roster(*lines: SourceDetail, **changes: object) -> Roster:
    """One source of each standing, unless others are given."""
    roster = Roster(
        now=NOON,
        area_names={"zh": "四季青街道综合信息指挥室", "en": "Sijiqing Command Centre"},
        time_zone="Asia/Shanghai",
        labels=("synthetic", "schematic"),
        lines=lines or tuple(a_detail(f"源{i}", c) for i, c in enumerate(Standing)),
        codes=(a_code(),),
        is_standby=False,
        holders=("vm/1/7/abc",),
        canary_every=None,
        may_rehearse=True,
        grids_version="s1",
        next_change_at=NOON + timedelta(minutes=1),
    )
    return replace(roster, **changes)  # type: ignore[arg-type]


def a_code(value: str = "0907", records: int = 34) -> Unmapped:
    """A category code that is in no mapping."""
    return Unmapped(source="源1", column="JQLB", value=value, records=records, last_at=NOON)


def a_canary(problem: str | None = None) -> Rehearsal:
    """A canary of two minutes ago."""
    return Rehearsal(at=NOON - timedelta(minutes=2), took_ms=12.4, problem=problem)


def an_item(raw: str = "A-1,25:99", **changes: object) -> Item:
    """A record in quarantine."""
    item = Item(
        source="110",
        part="calls.csv",
        line=7,
        column="reported",
        value="25:99",
        rule="is not a time written as 'iso'",
        received_at=NOON - timedelta(hours=2),
        raw=raw,
    )
    return replace(item, **changes)  # type: ignore[arg-type]


def a_quarantine_list(*items: Item, source: str | None = "110") -> QuarantineList:
    """What is in quarantine; one record unless others are given."""
    listed = items or (an_item(),)
    group = Group(
        source="110", column="reported", rule=listed[0].rule, records=len(listed), last_at=NOON
    )
    return QuarantineList(
        now=NOON,
        time_zone="Asia/Shanghai",
        source=source,
        names={"110": {"zh": "110 警情", "en": "110 calls"}},
        total=len(listed),
        groups=(group,),
        items=listed,
        grids_version="s1",
    )
