"""What the figures must be: each clock judged from the truth, by its own few lines of code.

They follow the KPI contract and share nothing with ``pipelines.model.clock``, so that one can be
wrong without the other. What a source never told, or told wrong, is judged as told: a clerk's
missing stamp is a missing stamp.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.demo.model.case import Case, LeftOut, Message, Told, stamps_at
from pipelines.model.fact import Reason
from pipelines.model.milestone import Milestone

TARGETS_S = {Milestone.ACCEPTED: 60, Milestone.DISPATCHED: 180, Milestone.ARRIVED: 300}
SMOKE_ARRIVED_S = 180
EMERGENCIES = frozenset({"police", "smoke", None})
"""Kinds with 135 clocks; a code that is in no mapping counts as an emergency."""

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
