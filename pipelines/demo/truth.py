"""What the figures must be: each clock judged from the truth, by its own few lines of code.

They follow the KPI contract and share nothing with ``pipelines.model.clock``, so that one can be
wrong without the other. What a source never told, or told wrong, is judged as told: a clerk's
missing stamp is a missing stamp.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pipelines.demo.model.case import Case, LeftOut, Message, Told, stamps_at
from pipelines.model.fact import Reason
from pipelines.model.milestone import Milestone

TARGETS_S = {Milestone.ACCEPTED: 60, Milestone.DISPATCHED: 180, Milestone.ARRIVED: 300}
SMOKE_ARRIVED_S = 180
EMERGENCIES = frozenset({"police", "smoke", None})
"""Kinds with 135 clocks; a code that is in no mapping counts as an emergency."""

WORKING_DAYS = {"complaint": 1, "market": 3}
PLAIN_DAYS = {"labour": 7, "dispute": 2}
"""Within how many days a kind is to be handled: by the calendar of working days, or any."""

_COUNTED = frozenset({"hit", "miss", "unknown", "quarantined", "pending"})


class DaysOff(NamedTuple):
    """What the state announced: days off, and days of a weekend that are worked instead."""

    off: Collection[date]
    worked: Collection[date]


_BEFORE = {Milestone.DISPATCHED: Milestone.ACCEPTED, Milestone.ARRIVED: Milestone.DISPATCHED}


def verdict(case: Case, milestone: Milestone, *, staged: bool, now: datetime) -> str | None:
    """``hit``, ``miss``, ``unknown``, ``quarantined``, ``pending``, or why it is left out.

    None while nothing readable is known of the case.
    """
    if case.known_from is None or case.known_from > now:
        return None
    if case.kind not in EMERGENCIES:
        return Reason.NOT_EMERGENCY
    if case.left_out is not None and case.left_out.since <= now:
        return case.left_out.reason
    told = stamps_at(case.told, now)
    said = {m: stamp for m, stamp in told.items() if stamp is not None}
    cancelled = said.get(Milestone.CANCELLED)
    closed = cancelled is not None or Milestone.RESOLVED in said
    start = said.get(_BEFORE[milestone]) if staged and milestone in _BEFORE else case.t0
    stop = said.get(milestone)
    if start is None:
        if stop is not None:
            return "unknown"
        if cancelled is not None:
            return Reason.CANCELLED_IN_TIME
        return "unknown" if closed else "pending"
    deadline = start + timedelta(seconds=_limit_s(case, milestone))
    if stop is not None:
        return "quarantined" if stop < start else "hit" if stop <= deadline else "miss"
    if cancelled is not None:
        return Reason.CANCELLED_IN_TIME if cancelled <= deadline else "miss"
    if now <= deadline:
        return "pending"
    return "unknown" if closed else "miss"


def figures(
    cases: Iterable[Case], milestone: Milestone, *, staged: bool, now: datetime
) -> dict[str, int]:
    """How many of each verdict, and of each reason to leave a case out."""
    verdicts = (verdict(case, milestone, staged=staged, now=now) for case in cases)
    return dict(Counter(found for found in verdicts if found is not None))


def handled(case: Case, *, now: datetime, zone: ZoneInfo, calendar: DaysOff) -> str | None:
    """The same verdict of the handling (办结), for kinds that have a target for it."""
    if case.known_from is None or case.known_from > now:
        return None
    if case.kind not in WORKING_DAYS and case.kind not in PLAIN_DAYS:
        return Reason.NO_TARGET
    if case.left_out is not None and case.left_out.since <= now:
        return case.left_out.reason
    told = stamps_at(case.told, now)
    resolved, cancelled = told.get(Milestone.RESOLVED), told.get(Milestone.CANCELLED)
    deadline = _due(case, zone, calendar)
    if resolved is not None:
        return "quarantined" if resolved < case.t0 else "hit" if resolved <= deadline else "miss"
    if cancelled is not None:
        return Reason.CANCELLED_IN_TIME if cancelled <= deadline else "miss"
    if now <= deadline:
        return "pending"
    # some say that a complaint was withdrawn, and not when
    return "unknown" if Milestone.CANCELLED in told else "miss"


def _due(case: Case, zone: ZoneInfo, calendar: DaysOff) -> datetime:
    if case.kind in PLAIN_DAYS:
        return case.t0 + timedelta(days=PLAIN_DAYS[case.kind])
    day = case.t0.astimezone(zone).date()
    left = WORKING_DAYS[case.kind or ""]
    while left:
        day += timedelta(days=1)
        if day in calendar.worked or (day.isoweekday() <= 5 and day not in calendar.off):
            left -= 1
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


def returned(cases: Iterable[Case], *, now: datetime) -> int:
    """Of the cases whose arrival counts, how many had been handed back by then (退单)."""
    return sum(
        stamps_at(case.told, now).get(Milestone.RETURNED) is not None
        for case in cases
        if verdict(case, Milestone.ARRIVED, staged=False, now=now) in _COUNTED
    )


def _limit_s(case: Case, milestone: Milestone) -> int:
    if case.kind == "smoke" and milestone is Milestone.ARRIVED:
        return SMOKE_ARRIVED_S
    return TARGETS_S[milestone]


class TruthFile:
    """Keeps the truth of every case, one a line, apart from everything the product reads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")

    def add(self, cases: Iterable[Case]) -> None:
        """Write cases down."""
        lines = "".join(json.dumps(_written(case), ensure_ascii=False) + "\n" for case in cases)
        if lines:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(lines)


def read_truth(file: Path) -> list[Case]:
    """Every case of a truth file; of its messages, only when the last is let out."""
    with file.open(encoding="utf-8") as stream:
        return [_case(json.loads(line)) for line in stream]


def _written(case: Case) -> dict[str, Any]:
    left_out = case.left_out
    return {
        "source": case.source,
        "key": case.key,
        "kind": case.kind,
        "happened": {m: at.isoformat() for m, at in case.happened.items()},
        "told": [
            [t.since.isoformat(), t.milestone, t.stamp and t.stamp.isoformat()] for t in case.told
        ],
        "known_from": case.known_from and case.known_from.isoformat(),
        "left_out": left_out and [left_out.since.isoformat(), left_out.reason],
        "wrong": case.wrong,
        "told_until": case.messages[-1].at.isoformat(),
    }


def _case(line: Mapping[str, Any]) -> Case:
    at = datetime.fromisoformat
    left_out = line["left_out"]
    return Case(
        source=line["source"],
        key=line["key"],
        kind=line["kind"],
        happened={Milestone(m): at(text) for m, text in line["happened"].items()},
        told=tuple(
            Told(at(since), Milestone(m), at(stamp) if stamp else None)
            for since, m, stamp in line["told"]
        ),
        messages=(Message(at(line["told_until"]), line["source"], {}),),
        known_from=at(line["known_from"]) if line["known_from"] else None,
        left_out=LeftOut(at(left_out[0]), Reason(left_out[1])) if left_out else None,
        wrong=tuple(line["wrong"]),
    )
