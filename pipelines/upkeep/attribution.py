"""Attribution (归属): by which boundaries the incidents in a store were put into their grids.

The store remembers which version was valid when. A further version changes nothing about what
began before it; anything that would move an incident that is there already is refused at the
start, and done by ``reattribute`` alone, which says how many moved.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_, select

from pipelines.door.books import Books
from pipelines.errors import QueryError
from pipelines.figures.groups import Desk
from pipelines.geo.history import GridHistory
from pipelines.geo.placing import placed
from pipelines.model.incident import fold
from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader, Store, Writer

_KEY = "grids"
_LOG = "reattributions"
CHUNK = 1000

Progress = Callable[[int, int], None]


class Valid(NamedTuple):
    """From when on, in milliseconds, which boundaries were valid; None is from the beginning."""

    from_ms: int | None
    boundaries: str


class Stretch(NamedTuple):
    """A span of time [begin, end) in milliseconds; None has no end on that side."""

    begin_ms: int | None
    end_ms: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """What putting incidents into grids anew came to: how many were looked at, and how many moved.

    ``since`` is when the first of those that were looked at began; None where there was none.
    """

    incidents: int
    moved: int
    since: datetime | None


def versions_of(grids: GridHistory) -> tuple[Valid, ...]:
    """What the configured boundaries say, the first of them from the beginning."""
    said = [
        Valid(v.from_ms if i else None, v.grids.boundaries) for i, v in enumerate(grids.versions)
    ]
    return tuple(v for i, v in enumerate(said) if not i or v.boundaries != said[i - 1].boundaries)


def remembered(reader: Reader) -> tuple[Valid, ...] | None:
    """What the store's incidents were put into grids by; None where it was never written down."""
    text = reader.meta(_KEY)
    return None if text is None else tuple(Valid(*valid) for valid in json.loads(text))


def remember(writer: Writer, grids: GridHistory) -> None:
    """Write down that all incidents lie in their grids by these boundaries."""
    writer.put_meta(_KEY, json.dumps(versions_of(grids)))


def stretches(known: Sequence[Valid], wanted: Sequence[Valid]) -> list[Stretch]:
    """When other boundaries are valid than were, in order and apart."""
    cuts = sorted({valid.from_ms for valid in (*known, *wanted) if valid.from_ms is not None})
    found: list[Stretch] = []
    for begin, end in zip((None, *cuts), (*cuts, None), strict=True):
        if _valid(known, begin) == _valid(wanted, begin):
            continue
        if found and found[-1].end_ms == begin:
            found[-1] = Stretch(found[-1].begin_ms, end)
        else:
            found.append(Stretch(begin, end))
    return found


def _valid(versions: Sequence[Valid], ms: int | None) -> str:
    """The boundaries that are valid from a moment on."""
    told = [v for v in versions if v.from_ms is None or (ms is not None and v.from_ms <= ms)]
    return told[-1].boundaries


def misplaced(reader: Reader, grids: GridHistory) -> tuple[int, datetime | None]:
    """How many incidents began while other boundaries are valid now than then, and the first."""
    known = remembered(reader)
    if known is None:
        return 0, None
    within = _within(stretches(known, versions_of(grids)))
    n = reader.count_incidents(within)
    if not n:
        return 0, None
    (first,) = reader.incident_rows(within, limit=1)
    return n, from_ms(first.t0_ms)


def refusal(reader: Reader, grids: GridHistory) -> str | None:
    """Why a store cannot be used with these boundaries, and the way out; None where it can."""
    n, first = misplaced(reader, grids)
    if first is None:
        return None
    return (
        f"other boundaries are valid now for {n} incidents, which began from "
        f"{first.isoformat()} on, than those they were put into grids by; give new boundaries as a "
        "further [[grids.versions]] with the day they come into force, or move those incidents "
        f"with: app.py db reattribute --from {first.isoformat()}"
    )


def reattribute(
    store: Store,
    desk: Desk,
    since: datetime | None,
    progress: Progress,
    *,
    now: datetime,
    books_stand: bool,
) -> Moved:
    """Put incidents into the grids of the boundaries that are valid now for when they began.

    Only those that began at ``since`` or later; raises QueryError where earlier ones would have to
    move too. ``books_stand`` says that the rollups were made with the present rules; where not,
    it is only counted here, and the caller makes all of it anew. One transaction: broken off,
    everything is as it was. Frozen months stay as they are.
    """
    with store.writing() as writer:
        writer.take_time()
        known = remembered(writer)
        changed = stretches(known, versions_of(desk.grids)) if known else [Stretch(None, None)]
        within = _within(changed)
        before = schema.incident.c.t0_ms < (0 if since is None else to_ms(since))
        if since is not None and (left := writer.incident_rows(within, before, limit=1)):
            first = from_ms(left[0].t0_ms).isoformat()
            raise QueryError(
                f"from = {since.isoformat()!r}: the boundaries differ for incidents that began "
                f"earlier, the first at {first}; give --from {first}, or leave it away"
            )
        found = writer.rows(
            select(schema.incident.c.id, schema.incident.c.t0_ms)
            .where(within)
            .order_by(schema.incident.c.t0_ms)
        )
        moved = _move(writer, desk, [row.id for row in found], progress, books_stand=books_stand)
        remember(writer, desk.grids)
        first_at = from_ms(found[0].t0_ms) if found else None
        done = Moved(incidents=len(found), moved=moved, since=first_at)
        _note(writer, done, versions_of(desk.grids), now)
    return done


def log_of(reader: Reader) -> list[dict[str, Any]]:
    """Every reattribution of this store, the oldest first."""
    noted: list[dict[str, Any]] = json.loads(reader.meta(_LOG) or "[]")
    return noted


def _note(writer: Writer, done: Moved, versions: Sequence[Valid], now: datetime) -> None:
    entry = {
        "at": now.isoformat(),
        "since": None if done.since is None else done.since.isoformat(),
        "incidents": done.incidents,
        "moved": done.moved,
        "boundaries": [valid.boundaries for valid in versions],
    }
    writer.put_meta(_LOG, json.dumps([*log_of(writer), entry]))


def _move(
    writer: Writer, desk: Desk, ids: Sequence[str], progress: Progress, *, books_stand: bool
) -> int:
    moved = 0
    for i in range(0, len(ids), CHUNK):
        chunk = ids[i : i + CHUNK]
        rows, said = writer.incidents(chunk), writer.statements(chunk)
        books = Books(desk.rules, desk.zone)
        changed = []
        for incident in placed([fold(said[one]) for one in chunk], desk.grids):
            row = rows[incident.id]
            if (row.grid, row.excluded) == (incident.grid, incident.excluded):
                continue
            moved += row.grid != incident.grid
            if books_stand:
                books.strike(row)
                changed.append(books.enter(incident))
        writer.put(schema.incident, changed)
        books.write(writer)
        progress(min(i + CHUNK, len(ids)), len(ids))
    return moved


def _within(spans: Sequence[Stretch]) -> ColumnElement[bool]:
    """Whether an incident began in one of some stretches."""
    column = schema.incident.c.t0_ms
    parts = []
    for begin, end in spans:
        bounds = [column >= begin] if begin is not None else []
        bounds += [column < end] if end is not None else []
        parts.append(and_(True, *bounds))
    return or_(false(), *parts)
