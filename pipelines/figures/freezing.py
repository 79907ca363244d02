"""Freezing: the figures of a closed month, kept as they were published, and what changed since.

A month can be frozen from seven days after its end on, once. What is kept says how it was counted
(definition and grid version, query, ``known_at``), every figure of street, communities and grids,
and what each incident came to, under a hash. Corrections that arrive later do not change it: they
show as revisions, by counting anew and comparing. KPI contract, section 9.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import func, select

from pipelines.errors import QueryError
from pipelines.figures.groups import BY_LEVEL, By, Desk, Query, group_key
from pipelines.figures.query import population
from pipelines.figures.totals import tallies
from pipelines.installation import Installation
from pipelines.kpis import KPIS, figures
from pipelines.kpis.ledger import REASONS, VERDICTS
from pipelines.model.clock import CLOCKS, Verdict, outcomes
from pipelines.store import schema
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader, Store, Writer

CLOSED_AFTER = timedelta(days=7)
"""How long corrections are waited for before a month can be frozen."""
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_LETTERS = {verdict: str(verdict)[0] for verdict in Verdict}
_VERDICTS = {letter: verdict for verdict, letter in _LETTERS.items()}
_COUNTS = ("eligible", "hit", "miss", "unknown", "pending", "quarantined")

Content = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen:
    """A frozen month as it lies in the store; ``is_whole`` when its hash is right."""

    month: str
    frozen_at: datetime
    hash: str
    is_whole: bool
    content: Content


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """What counting a frozen month anew gives that differs from what was frozen.

    ``figures`` are counts that changed, ``incidents`` those whose verdict, grid or belonging to
    the month did. ``definition`` and ``grids`` say whether those are others now.
    """

    month: str
    definition: bool
    grids: bool
    incidents: tuple[Mapping[str, Any], ...]
    figures: tuple[Mapping[str, Any], ...]


def freeze(
    installation: Installation,
    month: str,
    *,
    now: datetime,
    guard: Callable[[Writer], None] = lambda _: None,
) -> Frozen:
    """Freeze a month; raises QueryError where it is not closed, or frozen already.

    It is counted before anything is written, so that nobody who takes records in has to wait.
    ``guard`` may refuse the transaction that writes.
    """
    begin, end = bounds(installation, month)
    if now < end + CLOSED_AFTER:
        due_at = (end + CLOSED_AFTER).astimezone(installation.desk.zone)
        raise QueryError(
            f"month = {month!r}: can be frozen from {due_at.isoformat()} on, "
            f"{CLOSED_AFTER.days} days after its end"
        )
    query = Query(as_of=now, known_at=now, start=begin, end=end)
    with installation.store.reading() as reader:
        _refuse_twice(reader, month)
        counted = _counted(reader, installation, query)
    asked = {"from": begin, "to": end, "as_of": now, "known_at": now}
    content = {
        "month": month,
        "definition": definition_version(installation),
        "grids": installation.grids.edition(begin, end),
        "query": {name: moment.isoformat() for name, moment in asked.items()},
        **counted,
    }
    text = _canonical(content)
    row = (month, to_ms(now), _hash(text), zlib.compress(text.encode()))
    with installation.store.writing() as writer:
        guard(writer)
        _refuse_twice(writer, month)
        writer.add(schema.frozen, [row])
    return _frozen(SimpleNamespace(month=row[0], frozen_ms=row[1], hash=row[2], content=row[3]))


def _refuse_twice(reader: Reader, month: str) -> None:
    known = read_frozen(reader, month)
    if known is not None:
        raise QueryError(
            f"month = {month!r}: was frozen at {known.frozen_at.isoformat()}; "
            "what changed since is shown as a revision"
        )


def read_frozen(reader: Reader, month: str) -> Frozen | None:
    """One frozen month, or None."""
    rows = reader.rows(select(schema.frozen).where(schema.frozen.c.month == month))
    return _frozen(rows[0]) if rows else None


def all_frozen(reader: Reader) -> list[Frozen]:
    """Every frozen month, the latest first."""
    rows = reader.rows(select(schema.frozen).order_by(schema.frozen.c.month.desc()))
    return [_frozen(row) for row in rows]


def months_for(reader: Reader, installation: Installation) -> list[Frozen]:
    """The frozen months that may be shown: they are of the whole, and nobody's with a scope."""
    return all_frozen(reader) if installation.desk.within is None else []


def revision(
    reader: Reader, installation: Installation, frozen: Frozen, *, now: datetime
) -> Revision:
    """Count a frozen month anew, with what is known and how it is defined now, and compare."""
    begin, end = bounds(installation, frozen.month)
    counted = _counted(reader, installation, Query(as_of=now, start=begin, end=end))
    return Revision(
        month=frozen.month,
        definition=frozen.content.get("definition") != definition_version(installation),
        grids=frozen.content.get("grids") != installation.grids.edition(begin, end),
        incidents=tuple(_other_cases(frozen.content.get("cases", {}), counted["cases"])),
        figures=tuple(_other_figures(frozen.content.get("figures", {}), counted["figures"])),
    )


def due(reader: Reader, installation: Installation, *, now: datetime) -> list[str]:
    """The closed months that wait to be frozen.

    All since the last one that was, or the last closed one alone where none ever was. None that
    had ended before the first report was received: history may still be read in, and is frozen
    when somebody says that all of it is there.
    """
    last = _month_before(installation, now - CLOSED_AFTER)
    done = [row.month for row in reader.rows(select(schema.frozen.c.month))]
    first_ms = reader.rows(select(func.min(schema.report.c.recorded_ms)))[0][0]
    if first_ms is None:
        return []
    months, month = [], _next(max(done)) if done else last
    while month <= last:
        if bounds(installation, month)[1] > from_ms(first_ms):
            months.append(month)
        month = _next(month)
    return months


def definition_version(installation: Installation) -> str:
    """A short hash of every figure's definition and of the rules: targets, kinds, silence, zone."""
    settings, calendar = installation.settings, installation.desk.rules.calendar
    told = {
        "figures": [(kpi.id, kpi.definition) for kpi in KPIS],
        "reasons": {str(reason): text for reason, text in REASONS.items()},
        "verdicts": {str(verdict): text for verdict, text in VERDICTS.items()},
        "clocks": [(str(milestone), str(reading)) for milestone, reading in CLOCKS],
        "targets": settings.targets.model_dump(mode="json"),
        "calendar": calendar.version if calendar else None,
        "kinds": {code: str(kind.kind_class) for code, kind in settings.kinds.items()},
        "silence": {source.id: str(source.silence) for source in installation.sources},
        "zone": str(settings.area.time_zone),
    }
    return _hash(_canonical(told))[:16]


def bounds(installation: Installation, month: str) -> tuple[datetime, datetime]:
    """When a local month begins and ends, in UTC; raises QueryError for what is no month."""
    found = _MONTH.fullmatch(month)
    if found is None or not (1970 <= int(found[1]) < 2200 and 1 <= int(found[2]) <= 12):
        raise QueryError(f"month = {month!r}: must be a month such as '2026-10'")
    zone = installation.desk.zone
    following = _MONTH.fullmatch(_next(month))
    assert following is not None
    begin, end = (datetime(int(m[1]), int(m[2]), 1, tzinfo=zone) for m in (found, following))
    return begin.astimezone(UTC), end.astimezone(UTC)


def as_object(frozen: Frozen, changed: Revision | None = None) -> dict[str, Any]:
    """A frozen month as a plain object: the whole of it with its revision, or its head alone."""
    content = frozen.content
    head = {
        "month": frozen.month,
        "frozen_at": frozen.frozen_at.isoformat(),
        "hash": frozen.hash,
        "whole": frozen.is_whole,
        "definition": content.get("definition"),
        "grids": content.get("grids"),
        "incidents": len(content.get("cases", {})),
    }
    if changed is None:
        return head
    told = {name: getattr(changed, name) for name in ("definition", "grids")}
    told |= {"incidents": list(changed.incidents), "figures": list(changed.figures)}
    return head | {
        "query": content.get("query"),
        "figures": content.get("figures"),
        "revision": told,
    }


def touched_months(store: Store) -> list[str]:
    """The frozen months that somebody changed: their hash is wrong."""
    with store.reading() as reader:
        return [frozen.month for frozen in all_frozen(reader) if not frozen.is_whole]


def frozen_lines(
    reader: Reader, installation: Installation, month: str | None, *, now: datetime
) -> list[dict[str, Any]]:
    """The head of every frozen month; or one month, whole and with what changed since.

    Raises QueryError for a month that is none, or is not frozen.
    """
    months = months_for(reader, installation)
    if not month:
        return [as_object(frozen) for frozen in months]
    bounds(installation, month)
    found = next((frozen for frozen in months if frozen.month == month), None)
    if found is None:
        known = ", ".join(frozen.month for frozen in months) or "none"
        raise QueryError(f"month = {month!r}: is not frozen; frozen are: {known}")
    return [as_object(found, revision(reader, installation, found, now=now))]


def _frozen(row: Any) -> Frozen:
    try:
        text = zlib.decompress(bytes(row.content)).decode()
        content = json.loads(text)
    except (zlib.error, ValueError):
        text, content = "", {}
    is_whole = _hash(text) == row.hash and content.get("month") == row.month
    return Frozen(
        month=row.month,
        frozen_at=from_ms(row.frozen_ms),
        hash=row.hash,
        is_whole=is_whole,
        content=content,
    )


def _counted(reader: Reader, installation: Installation, query: Query) -> dict[str, Any]:
    """Every figure by level and group, and what each incident came to by each clock."""
    desk = installation.desk
    found: dict[str, Any] = {}
    for by in _levels(desk):
        groups = tallies(reader, replace(query, by=by), desk)
        found[by] = {
            key: {
                f"{milestone}/{reading}": figures(tally.clock(milestone, reading))
                for milestone, reading in CLOCKS
            }
            for key, tally in sorted(groups.items())
        }
    silent = desk.silent(reader, query.as_of)
    cases = {}
    for incident, _, _ in population(reader, query, desk):
        alive = incident.source not in silent
        judged = outcomes(incident, desk.rules, now=query.as_of, source_alive=alive)
        place = group_key(By.GRID, desk, incident.grid, "", "")
        cases[incident.id] = [place, "".join(_LETTERS[o.verdict] for o in judged)]
    # through JSON, so that what is compared has the form of what was kept
    told: dict[str, Any] = json.loads(_canonical({"figures": found, "cases": cases}))
    return told


def _levels(desk: Desk) -> tuple[By, ...]:
    """What a month is kept by: every level of area from the whole down, and the grids."""
    depth = desk.areas.top.level.depth
    return (*(by for level, by in BY_LEVEL.items() if level.depth >= depth), By.GRID)


def _other_cases(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key in sorted(was.keys() | now.keys()):
        before, after = was.get(key), now.get(key)
        if before != after:
            yield {"id": key, "was": _case(before), "now": _case(after)}


def _case(case: list[str] | None) -> dict[str, str] | None:
    """What an incident came to, by clock; None where it was not of the month."""
    if case is None:
        return None
    place, letters = case
    verdicts = {
        f"{milestone}/{reading}": str(_VERDICTS[letter])
        for (milestone, reading), letter in zip(CLOCKS, letters, strict=False)
    }
    return {"grid": place, **verdicts}


def _other_figures(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for level in now:
        before, after = was.get(level, {}), now[level]
        for key in sorted(before.keys() | after.keys()):
            for milestone, reading in CLOCKS:
                clock = f"{milestone}/{reading}"
                one, other = (side.get(key, {}).get(clock) for side in (before, after))
                if one != other:
                    yield {"by": str(level), "key": key, "clock": clock,
                           "was": _counts(one), "now": _counts(other)}  # fmt: skip


def _counts(shown: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if shown is None else {name: shown[name] for name in _COUNTS}


def _canonical(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _next(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04d}-{number % 12 + 1:02d}"


def _month_before(installation: Installation, moment: datetime) -> str:
    """The last month that had ended at a moment."""
    first = moment.astimezone(installation.desk.zone).replace(day=1)
    return (first.date() - timedelta(days=1)).strftime("%Y-%m")
