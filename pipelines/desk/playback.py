"""Playback: the street at a moment of the past, as it was known then.

The figures are those of ``app.py kpi --known-at T --as-of T``; the open incidents are folded from
the reports that had been received. With ``know=now`` the same moment is told by what is known
today: ``--as-of T`` alone.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from pipelines.errors import QueryError
from pipelines.figures.groups import Query, in_scope, sees
from pipelines.figures.totals import tallies
from pipelines.figures.windows import bounds, midnight
from pipelines.geo.placing import placed
from pipelines.installation import Installation
from pipelines.kpis import Value, figures
from pipelines.model.incident import Incident, fold
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.tally import EMPTY
from pipelines.privacy.clearance import LEAST, Clearance
from pipelines.privacy.masking import words
from pipelines.snapshot import GridState, MapView, Names, OpenIncident
from pipelines.store import schema
from pipelines.store.rows import from_ms, incident_from, to_ms
from pipelines.store.store import Reader
from pipelines.wall.open_list import Ranked, is_open, ranked_incident
from pipelines.wall.overview import camera_of

FILTERS = ("at", "know", "span")
KNOWS = ("then", "now")
SPANS = ("day", "hour")
STEP = timedelta(minutes=5)
"""The moment shown when none is asked for is rounded down to a full step."""
ROWS_MOST = 100
_KEPT = 128
_YEARS = (1970, 2200)

_Open = list[tuple[Incident, int]]
"""Open incidents, each with how many units it had."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayedTile:
    """The figures of one target at the moment shown."""

    milestone: Milestone
    target_s: int
    figures: Mapping[str, Value]


@dataclass(frozen=True, kw_only=True, slots=True)
class Playback:
    """What the page is drawn from; ``at`` is the moment shown, ``now`` when it was asked for.

    ``knows_then`` says that only what had been received by ``at`` counts. ``first_known`` is when
    the first report of all was received: before it nothing was known.
    """

    now: datetime
    next_change_at: datetime | None
    grids_version: str
    time_zone: str
    area_names: Names
    labels: tuple[str, ...]
    at: datetime
    knows_then: bool
    span: str
    begins: datetime
    ends: datetime
    first_known: datetime | None
    window: str
    tiles: tuple[PlayedTile, ...]
    open: tuple[OpenIncident, ...]
    open_total: int
    unlocated: int
    map: MapView
    grids: tuple[GridState, ...]
    theme: str = "dark"


def check(filters: Mapping[str, str]) -> None:
    """Raise QueryError naming parameter, value and rule."""
    _moment(filters.get("at"))
    for name, allowed in (("know", KNOWS), ("span", SPANS)):
        if filters.get(name, allowed[0]) not in allowed:
            raise QueryError(f"{name}={filters[name]!r} must be one of: {', '.join(allowed)}")


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError(f"at={text!r} must be a time, as 2026-11-28T08:15:00Z") from error
    if moment.tzinfo is None or not _YEARS[0] <= moment.year < _YEARS[1]:
        raise QueryError(f"at={text!r} must be a time with its zone, as 2026-11-28T08:15:00Z")
    return moment.astimezone(UTC)


class Player:
    """Answers for one moment after another, and keeps the last ones: the past does not change.

    A moment as it is known now does change, by what is received later; it is read each time.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._kept: dict[tuple[datetime, str, Clearance], Playback] = {}
        self._lock = threading.Lock()

    def read(
        self,
        reader: Reader,
        filters: Mapping[str, str],
        *,
        now: datetime,
        clearance: Clearance = LEAST,
    ) -> Playback:
        """The moment that a URL names, never one that is still to come; raises QueryError."""
        check(filters)
        latest = from_ms(to_ms(now) // (STEP // _MS) * (STEP // _MS))
        at = min(_moment(filters.get("at")) or latest, now)
        span = filters.get("span", SPANS[0])
        key = (at, span, clearance)
        knows_then = filters.get("know", KNOWS[0]) == "then"
        known = self._kept.get(key) if knows_then else None
        if known is not None:
            return replace(known, now=now)
        page = _read(reader, self._installation, at, span, knows_then, clearance, now)
        if knows_then and at < now:
            with self._lock:
                self._kept[key] = page
                for oldest in list(self._kept)[:-_KEPT]:
                    self._kept.pop(oldest, None)
        return page


_MS = timedelta(milliseconds=1)


def _read(
    reader: Reader,
    installation: Installation,
    at: datetime,
    span: str,
    knows_then: bool,
    clearance: Clearance,
    now: datetime,
) -> Playback:
    settings, desk, chart = installation.settings, installation.desk, installation.chart_at(at)
    since, _ = bounds(settings.wall.window, at, desk.zone)
    query = Query(as_of=at, start=since, known_at=at if knows_then else None)
    whole = tallies(reader, query, desk).get("all", EMPTY)
    opened = (
        _known_open(reader, installation, at) if knows_then else _open_now(reader, installation, at)
    )
    found = [ranked_incident(incident, units, installation, at) for incident, units in opened]
    views = [item.view for item in sorted(found, key=_urgency)]
    counted = [view for view in views if not view.is_drill]
    by_grid = Counter(view.grid for view in counted)
    begins, ends = _span(at, span, installation)
    return Playback(
        now=now,
        next_change_at=None,
        grids_version=installation.chart_at(at).cells.version,
        time_zone=str(desk.zone),
        area_names=installation.desk.areas.top.names,
        labels=settings.labels,
        at=at,
        knows_then=knows_then,
        span=span,
        begins=begins,
        ends=min(ends, now),
        first_known=_first_known(reader),
        window=settings.wall.window,
        tiles=tuple(
            PlayedTile(
                milestone=milestone,
                target_s=int(settings.targets.limit(milestone).total_seconds()),
                figures=figures(whole.clock(milestone, settings.wall.reading)),
            )
            for milestone in TARGETED
        ),
        open=tuple(_as_seen(view, installation, clearance) for view in views[:ROWS_MOST]),
        open_total=len(counted),
        unlocated=by_grid.get("", 0),
        map=camera_of(installation, at),
        grids=tuple(
            GridState(
                code=cell.code,
                names=cell.names,
                open=sum(by_grid.get(code, 0) for code in chart.members[cell.code]),
            )
            for cell in chart.cells
        ),
    )


def _urgency(item: Ranked) -> tuple[tuple[int, float], str]:
    return item.rank, item.view.id


def _span(at: datetime, span: str, installation: Installation) -> tuple[datetime, datetime]:
    """The hour or the local day that is scrubbed through."""
    if span == "hour":
        begins = at.replace(minute=0, second=0, microsecond=0)
        return begins, begins + timedelta(hours=1)
    zone = installation.desk.zone
    return midnight(at, zone), midnight(at, zone, ago=-1)


def _first_known(reader: Reader) -> datetime | None:
    first = reader.rows(select(func.min(schema.report.c.recorded_ms)))[0][0]
    return None if first is None else from_ms(first)


def _open_now(reader: Reader, installation: Installation, at: datetime) -> _Open:
    """What was open at a moment, by what is known today."""
    mine = in_scope(installation.desk)
    rows = reader.rows(select(schema.incident).where(is_open(at), mine))
    return [(incident_from(row), row.units) for row in rows]


def _known_open(reader: Reader, installation: Installation, at: datetime) -> _Open:
    """What was open at a moment, by what had been received until then.

    Of those that no later report is about, today's row says the same as then.
    """
    new, known_before = reader.incidents_reported_after(to_ms(at))
    later = {*new, *known_before}
    mine = in_scope(installation.desk)
    rows = reader.rows(select(schema.incident).where(is_open(at), mine))
    found = [(incident_from(row), row.units) for row in rows if row.id not in later]
    said = reader.statements(known_before)
    then = ([s for s in statements if s.recorded_at <= at] for statements in said.values())
    folded = placed([fold(statements) for statements in then], installation.grids)
    found += [
        (i, len({unit.unit for unit in i.units}))
        for i in folded
        if _is_open(i, at) and sees(installation.desk, i.grid)
    ]
    return found


def _is_open(incident: Incident, at: datetime) -> bool:
    has_ended = incident.closed_at is not None and incident.closed_at <= at
    return incident.t0.at <= at and not has_ended


def _as_seen(view: OpenIncident, installation: Installation, clearance: Clearance) -> OpenIncident:
    is_sensitive = view.kind in installation.settings.sensitive_kinds
    title, address = words(view.title, view.address, is_sensitive, clearance)
    shown = replace(view, title=title, address=address)
    return replace(shown, lat=None, lon=None) if is_sensitive else shown
