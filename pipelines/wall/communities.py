"""The board of the parts: a funnel around the whole's rate, and days since the last miss.

The parts of a street are its communities, those of a district its streets.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import not_, or_

from pipelines.figures.groups import BY_LEVEL, Query, in_scope
from pipelines.figures.totals import clock_tallies
from pipelines.figures.windows import first_record, midnight
from pipelines.geo.camera import camera_over, extent_over
from pipelines.geo.grids import Grids
from pipelines.installation import Installation
from pipelines.kpis.comparison import TAIL_95, TAIL_998, TOO_FEW, judged, limits, tail
from pipelines.model.area import AreaLevel, AreaTree
from pipelines.model.clock import Reading, Verdict, judge
from pipelines.model.milestone import Milestone
from pipelines.snapshot import CommunityBoard, CommunityState, FunnelLimit, Names, Standing
from pipelines.store import schema
from pipelines.store.rows import incident_from, to_ms
from pipelines.store.store import Reader
from pipelines.wall.open_list import complaint_kinds

COUNTED_EVERY = timedelta(seconds=60)
_LIMIT_POINTS = 24
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What seldom changes about a part: its name, its grids, and where the map looks."""

    code: str
    names: Names
    grids: tuple[str, ...]
    lat: float
    lon: float
    zoom: float
    extent: tuple[float, float]


def places(grids: Grids, areas: AreaTree, *, bearing: float) -> tuple[Place, ...]:
    """Every part of the whole that has grids, by code."""
    drawn = {grid.code for grid in grids}
    level = areas.below(areas.top.code)
    found = []
    for area in areas.children(areas.top.code):
        members = [grid for grid in areas.grids(area.code) if grid in drawn]
        if area.level is not level or not members:
            continue
        corners = grids.corners_of(frozenset(members))
        lat, lon, zoom = camera_over(corners, bearing=bearing)
        place = Place(
            code=area.code,
            names=area.names,
            grids=tuple(members),
            lat=lat,
            lon=lon,
            zoom=zoom,
            extent=extent_over(corners, bearing=bearing),
        )
        found.append(place)
    return tuple(found)


def read_communities(
    reader: Reader,
    installation: Installation,
    known: tuple[Place, ...],
    before: CommunityBoard | None,
    *,
    opened: Mapping[str, int],
    now: datetime,
) -> CommunityBoard | None:
    """The board, or None where the whole has no parts but grids.

    ``opened`` holds the open incidents by grid. The rates of the board ``before`` are kept until
    they are a minute old.
    """
    if not known:
        return None
    open_by_code = Counter[str]()
    for grid, n in opened.items():
        open_by_code[installation.desk.areas.part_of(grid)] += n
    if before is None or not timedelta(0) <= now - before.as_of < COUNTED_EVERY:
        before = _counted(reader, installation, known, now)
    states = (replace(state, open=open_by_code[state.code]) for state in before.communities)
    return replace(before, communities=tuple(states))


def _counted(
    reader: Reader, installation: Installation, known: tuple[Place, ...], now: datetime
) -> CommunityBoard:
    wall, desk = installation.settings.wall, installation.desk
    since = midnight(now, desk.zone, ago=wall.community_days - 1)
    level = desk.areas.below(desk.areas.top.code) or AreaLevel.COMMUNITY
    query = Query(as_of=now, start=since, by=BY_LEVEL[level])
    counts = clock_tallies(reader, query, desk, Milestone.ARRIVED, wall.reading)
    cases = {code: (tally.hit, tally.hit + tally.miss) for code, tally in counts.items()}
    hits, total = (sum(pair[i] for pair in cases.values()) for i in (0, 1))
    rate = hits / total if total else None
    misses = _last_misses(reader, installation, since, now)
    day, began = now.astimezone(desk.zone).date(), first_record(reader, now)
    states = tuple(
        _state(place, cases.get(place.code, (0, 0)), rate, misses, day) for place in known
    )
    return CommunityBoard(
        days=wall.community_days,
        known_days=min(wall.community_days, (day - began.astimezone(desk.zone).date()).days),
        as_of=now,
        level=level,
        whole=desk.areas.top.level,
        rate=rate,
        communities=states,
        limits=_limits(max((s.known for s in states), default=0), rate),
    )


def _state(
    place: Place,
    cases: tuple[int, int],
    rate: float | None,
    misses: Mapping[str, date],
    day: date,
) -> CommunityState:
    hit, known = cases
    missed = misses.get(place.code)
    return CommunityState(
        code=place.code,
        names=place.names,
        open=0,
        hit=hit,
        known=known,
        standing=Standing.TOO_FEW if rate is None else standing(hit, known, rate),
        quiet_days=None if missed is None else (day - missed).days,
        lat=place.lat,
        lon=place.lon,
        zoom=place.zoom,
        extent=place.extent,
        grids=place.grids,
    )


def _limits(most: int, rate: float | None) -> tuple[FunnelLimit, ...]:
    """The limits from the least that is compared to a little beyond the largest community."""
    if rate is None or most < TOO_FEW:
        return ()
    last = max(most + 2, round(most * 1.08))
    step = max(1, (last - TOO_FEW) // _LIMIT_POINTS)
    return tuple(funnel_limit(n, rate) for n in (*range(TOO_FEW, last, step), last))


def standing(hit: int, known: int, rate: float) -> Standing:
    """Where ``hit`` of ``known`` lies in the funnel around ``rate``."""
    if known < TOO_FEW:
        return Standing.TOO_FEW
    return _STANDINGS[judged(hit, known, rate)]


def funnel_limit(known: int, rate: float) -> FunnelLimit:
    """The rates between which chance puts communities with so many cases, as smooth lines.

    Between the last count outside and the first inside, a line may run anywhere and still part
    the same counts; it is interpolated (D. J. Spiegelhalter, Statistics in Medicine 24, 2005).
    """
    return FunnelLimit(
        known=known,
        low=_smooth(known, rate, TAIL_95),
        high=1 - _smooth(known, 1 - rate, TAIL_95),
        far_low=_smooth(known, rate, TAIL_998),
        far_high=1 - _smooth(known, 1 - rate, TAIL_998),
    )


def _smooth(known: int, rate: float, share: float) -> float:
    lowest, _ = limits(known, rate, share)
    count = round(lowest * known)
    outside, inside = tail(count - 1, known, rate), tail(count, known, rate)
    if not 0 < rate < 1 or inside <= outside:
        return lowest
    return max(0.0, (count - 1 + (share - outside) / (inside - outside)) / known)


_STANDINGS = {
    ("usual", None): Standing.USUAL,
    ("unusual", "low"): Standing.BELOW,
    ("exceptional", "low"): Standing.FAR_BELOW,
    ("unusual", "high"): Standing.ABOVE,
    ("exceptional", "high"): Standing.ABOVE,
}


def _last_misses(
    reader: Reader, installation: Installation, since: datetime, now: datetime
) -> dict[str, date]:
    """The local day of the last miss of the arrival, by part.

    Only what can be a miss is read: without an arrival, or with one later than the least target.
    """
    table, desk = schema.incident, installation.desk
    late = table.c.arrived_ms - table.c.t0_ms > _least_limit(installation) // _MS
    candidates = reader.incident_rows(
        in_scope(desk),
        table.c.t0_ms >= to_ms(since),
        table.c.t0_ms <= to_ms(now),
        or_(table.c.arrived_ms.is_(None), late),
        or_(
            table.c.kind_at_dispatch.is_(None),
            not_(table.c.kind_at_dispatch.in_(complaint_kinds(installation))),
        ),
    )
    silent = desk.silent(reader, now)
    found: dict[str, date] = {}
    for row in candidates:
        incident = incident_from(row)
        alive = incident.source not in silent
        reading: Reading = installation.settings.wall.reading
        outcome = judge(
            incident, Milestone.ARRIVED, reading, desk.rules, now=now, source_alive=alive
        )
        if outcome.verdict is Verdict.MISS:
            day = incident.t0.at.astimezone(desk.zone).date()
            code = desk.areas.part_of(incident.grid)
            found[code] = max(found.get(code, day), day)
    return found


def _least_limit(installation: Installation) -> timedelta:
    rules = installation.desk.rules
    every = [rules.within, *rules.within_by_kind.values(), *(s.within for s in rules.special)]
    given = [within[Milestone.ARRIVED] for within in every if Milestone.ARRIVED in within]
    return min((limit for limit in given if isinstance(limit, timedelta)), default=timedelta(0))
