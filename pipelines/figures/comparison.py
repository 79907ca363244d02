"""Comparing grids, kinds or sources, as small as they are: shrunk, within limits, never ranked.

KPI contract, section 6.
"""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pipelines.errors import QueryError
from pipelines.figures.groups import Desk, Query, group_at, matches, on_shift, passes
from pipelines.figures.totals import clock_tallies
from pipelines.kpis import comparison
from pipelines.kpis.rates import share
from pipelines.model.clock import CLOCKS, Verdict, judge
from pipelines.model.tally import verdict_of
from pipelines.store.hours import sheets_of
from pipelines.store.rollups import slots_of
from pipelines.store.rows import from_ms, incident_from, to_ms
from pipelines.store.sheets import CLOSED_BIT, OFFSET_MASK, read, severity_of
from pipelines.store.store import Reader

_STEP = timedelta(days=30)
_LOOKED_BACK = timedelta(days=366)


def compare(reader: Reader, query: Query, desk: Desk) -> list[dict[str, Any]]:
    """One object per group: its counts, its shrunk rate, the limits, and days since its last miss.

    Raises QueryError when the query has no ``by``. ``days_since_miss`` is None where there was
    none in the year before ``as_of``; what is asked about later receipt does not reach it.
    """
    if query.by is None:
        raise QueryError("by is missing: say what to compare, such as by = 'grid'")
    found = clock_tallies(reader, query, desk, query.milestone, query.reading)
    standings = comparison.compare({k: (t.hit, t.hit + t.miss) for k, t in found.items()})
    last = last_misses(reader, query, desk, frozenset(found))
    answer = []
    for key, tally in sorted(found.items()):
        standing = standings.get(key)
        missed = last.get(key)
        answer.append(
            {"key": key, "hit": tally.hit, "known": tally.hit + tally.miss}
            | {"rate": share(tally.hit, tally.hit + tally.miss)}
            | (asdict(standing) if standing else {})
            | {"days_since_miss": None if missed is None else (query.as_of - missed).days}
        )
    return answer


def last_misses(
    reader: Reader, query: Query, desk: Desk, groups: frozenset[str]
) -> dict[str, datetime]:
    """When the last miss of each of these groups began, in the year before ``as_of``.

    Read backwards until each has one: where there is much, one is found soon.
    """
    found: dict[str, datetime] = {}
    end = query.as_of + timedelta(milliseconds=1)
    earliest = query.as_of - _LOOKED_BACK
    while end > earliest and len(found) < len(groups):
        begin = max(end - _STEP, earliest)
        for moment, key in _misses(reader, query, desk, begin, end):
            if key in groups:
                found[key] = max(found.get(key, moment), moment)
        end = begin
    return found


def _misses(
    reader: Reader, query: Query, desk: Desk, begin: datetime, end: datetime
) -> Iterator[tuple[datetime, str]]:
    """Every miss of a span: when it began, and its group."""
    clock = CLOCKS.index((query.milestone, query.reading))
    unsettled = {
        row.id: incident_from(row)
        for row in reader.unsettled(to_ms(query.as_of), begin_ms=to_ms(begin), end_ms=to_ms(end))
    }
    known = desk.slots
    changing = {(i.t0.at, i.grid, i.kind or "", i.source) for i in unsettled.values()}
    for hour_ms, content in sheets_of(reader, to_ms(begin), to_ms(end)):
        lines = read(content, (clock,))
        missed = [i for i, n in enumerate(lines.entries[0]) if verdict_of(n) is Verdict.MISS]
        slots_of(reader, (lines.slots[i] for i in missed), known)
        for i in missed:
            slot = known[lines.slots[i]]
            start = lines.starts[i]
            moment = from_ms(hour_ms + (start & OFFSET_MASK))
            asked = (
                matches(query, desk, *slot)
                and on_shift(query, desk, moment)
                and query.takes(severity_of(start), closed=bool(start & CLOSED_BIT))
            )
            if asked and (moment, *slot) not in changing:
                yield moment, group_at(query.by, desk, moment, *slot)
    for incident in unsettled.values():
        place = (incident.grid, incident.kind or "", incident.source)
        outcome = judge(incident, query.milestone, query.reading, desk.rules, now=query.as_of)
        moment = incident.t0.at
        asked = passes(incident, query, desk)
        if asked and outcome.verdict is Verdict.MISS:
            yield moment, group_at(query.by, desk, moment, *place)
