"""The board of the complaints: how each open one stands to its target for the handling (办结)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from pipelines.figures.groups import in_scope
from pipelines.installation import Installation
from pipelines.model.milestone import Milestone
from pipelines.model.rules import Limit, Rules
from pipelines.snapshot import ComplaintBoard, Due, OpenIncident
from pipelines.store import schema
from pipelines.store.buckets import Level, bucket_start
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader
from pipelines.wall.open_list import OpenLine, complaint_kinds, is_no_drill, ranked

_MOST_REMEMBERED = 50_000

Deadlines = dict[tuple[int, Limit], int | None]
"""When a limit that began at a moment runs out, in ms: the calendar is walked once a complaint."""


class _Case(NamedTuple):
    """An open complaint, as much of it as is needed to count it; times are ms since 1970."""

    id: str
    t0_ms: int
    grid: str
    deadline_ms: int | None


def read_complaints(
    reader: Reader,
    installation: Installation,
    deadlines: Deadlines,
    lines: Iterable[OpenLine],
    *,
    now: datetime,
) -> ComplaintBoard | None:
    """The board, given all that is open, or None where no kind is a complaint."""
    kinds = complaint_kinds(installation)
    if not kinds:
        return None
    rules = installation.desk.rules
    mine = in_scope(installation.desk)
    cases = _cases(lines, rules, kinds, deadlines)
    now_ms = to_ms(now)
    counted = Counter((case.grid, _due(case, now_ms, rules.warning_share)) for case in cases)
    by_community: dict[str, Counter[Due]] = defaultdict(Counter)
    for (grid, due), n in counted.items():
        by_community[installation.desk.areas.part_of(grid)][due] += n
    most = installation.settings.wall.open_rows
    dated = (case for case in cases if case.deadline_ms is not None)
    first = nsmallest(most, dated, key=lambda case: (case.deadline_ms, case.id))
    came, closed = _flow(
        reader, kinds, now, bucket_start(Level.DAY, now, installation.desk.zone), mine
    )
    return ComplaintBoard(
        open=len(cases),
        by_due=dict(sum(by_community.values(), Counter())),
        came_today=came,
        closed_today=closed,
        has_targets=_has_targets(rules, kinds),
        rows=_rows(reader, installation, [case.id for case in first], now),
        by_community={code: dict(counts) for code, counts in by_community.items()},
    )


def _cases(
    lines: Iterable[OpenLine], rules: Rules, kinds: tuple[str, ...], deadlines: Deadlines
) -> list[_Case]:
    if len(deadlines) > _MOST_REMEMBERED:
        deadlines.clear()
    limits: dict[tuple[str | None, int | None, str], Limit | None] = {}
    complaints, found = frozenset(kinds), []
    for line in lines:
        if line.kind not in complaints or line.is_drill:
            continue
        what = (line.kind, line.severity, line.grid)
        if what not in limits:
            limits[what] = rules.limits(*what).get(Milestone.RESOLVED)
        deadline = _deadline(line.t0_ms, limits[what], rules, deadlines)
        found.append(_Case(line.id, line.t0_ms, line.grid, deadline))
    return found


def _deadline(t0_ms: int, limit: Limit | None, rules: Rules, deadlines: Deadlines) -> int | None:
    if limit is None:
        return None
    if isinstance(limit, timedelta):
        return t0_ms + limit // timedelta(milliseconds=1)
    if rules.calendar is None:
        return None
    key = (t0_ms, limit)
    if key not in deadlines:
        end = rules.calendar.deadline(from_ms(t0_ms), limit)
        deadlines[key] = None if end is None else to_ms(end)
    return deadlines[key]


def _due(case: _Case, now_ms: int, warning_share: float) -> Due:
    if case.deadline_ms is None:
        return Due.NO_TARGET
    if now_ms > case.deadline_ms:
        return Due.OVERDUE
    used = (now_ms - case.t0_ms) / (case.deadline_ms - case.t0_ms)
    return Due.SOON if used >= warning_share else Due.IN_TIME


def _has_targets(rules: Rules, kinds: tuple[str, ...]) -> bool:
    if any(rules.limit(kind, Milestone.RESOLVED) is not None for kind in kinds):
        return True
    special = (s for s in rules.special if Milestone.RESOLVED in s.within)
    return any(not s.kinds or s.kinds.intersection(kinds) for s in special)


def _flow(
    reader: Reader,
    kinds: tuple[str, ...],
    now: datetime,
    midnight: datetime,
    mine: ColumnElement[bool],
) -> tuple[int, int]:
    """How many came and how many were closed since midnight, local time."""
    table = schema.incident
    complaint = (table.c.kind_at_dispatch.in_(kinds), is_no_drill(), mine)

    def since_midnight(column: Any) -> int:
        span = (column >= to_ms(midnight), column <= to_ms(now))
        ((n,),) = reader.rows(select(func.count()).where(*span, *complaint))
        return int(n)

    return since_midnight(table.c.t0_ms), since_midnight(table.c.closed_ms)


def _rows(
    reader: Reader, installation: Installation, ids: list[str], now: datetime
) -> tuple[OpenIncident, ...]:
    """The complaints themselves, in the order of ``ids``."""
    rows = reader.incidents(ids)
    return tuple(ranked(rows[key], installation, now).view for key in ids)
