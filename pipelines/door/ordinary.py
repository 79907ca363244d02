"""Ordinary cases: one report that tells all of it, to the second, from the call to the end.

Nearly all of a history is like that. Such a report needs no fold and no judge: it is put straight
into the incident's row and into what that counts for, in whole milliseconds. Everything else, and
all that is doubtful in any way, goes the general way; the result is the same (a property test).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from pipelines.geo.placing import Spot
from pipelines.model.fact import Reason, Statement
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.place import Place
from pipelines.model.rules import Rules
from pipelines.model.stamp import Method
from pipelines.model.tally import entry_of_reason, entry_of_time
from pipelines.store.rows import to_ms

_INDEX = {milestone: i for i, milestone in enumerate(Milestone)}
_PLACELESS = Place()
_MS = timedelta(milliseconds=1)
_NO_TARGET = entry_of_reason(Reason.NO_TARGET)


_Times = tuple[int, int | None, int | None, int | None]
"""Where the clock starts, acceptance, dispatch, arrival."""


class Entered(NamedTuple):
    """An incident's row, its columns in order, and what it counts for, a number a clock."""

    row: tuple[Any, ...]
    entries: tuple[int, ...]


class _Standard(NamedTuple):
    """What is asked of incidents of a sort: the three limits, or why they are left out."""

    limits_ms: tuple[int, int, int]
    excluded: Reason | None


def began_ms(statement: Statement, moments: Sequence[int | None]) -> int:
    """When the incident of one statement began, if it is ordinary: reported, else received."""
    said = {fact.milestone: ms for fact, ms in zip(statement.facts, moments, strict=True)}
    for milestone in (Milestone.REPORTED, Milestone.RECEIVED):
        if (ms := said.get(milestone)) is not None:
            return ms
    return to_ms(statement.recorded_at)


class Ordinary:
    """Takes in ordinary cases under some rules."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._standards: dict[tuple[str | None, int | None, str], _Standard | None] = {}

    def enter(
        self,
        statement: Statement,
        moments: Sequence[int | None],
        *,
        incident: str,
        spot: Spot,
    ) -> Entered | None:
        """The incident that one statement makes all by itself; None if it is not ordinary.

        ``moments`` are the times of its facts in milliseconds, ``incident`` is its id, ``spot``
        where its place lies.
        """
        times: list[int | None] = [None] * len(_INDEX)
        for fact, ms in zip(statement.facts, moments, strict=True):
            milestone, _, precision_s, method, _ = fact
            i = _INDEX[milestone]
            is_plain = precision_s == 1 and method is Method.IMPORTED
            if ms is None or not is_plain or times[i] is not None:
                return None
            times[i] = ms
        reported, received, accepted, dispatched, _, arrived, resolved, cancelled, returned = times
        if cancelled is not None or returned is not None or not statement.qualifies:
            return None
        if received is None:
            times[_RECEIVED] = received = to_ms(statement.recorded_at)
        t0_ms = received if reported is None else reported
        source = statement.about or statement.source
        judged = self._judge(statement, source, spot, (t0_ms, accepted, dispatched, arrived))
        if judged is None:
            return None
        excluded, entries = judged
        settles_ms = t0_ms
        for ms in (accepted, dispatched, arrived, resolved):
            if ms is not None and ms > settles_ms:
                settles_ms = ms
        kind, place = statement.kind, statement.place or _PLACELESS
        row = (
            incident,
            source,
            statement.incident_key,
            kind,
            kind,
            statement.severity,
            excluded,
            spot.grid,
            t0_ms,
            *times[:-1],
            resolved,
            settles_ms,
            (settles_ms - t0_ms).bit_length(),
            None,
            place.lat,
            place.lon,
            place.address,
            statement.title,
            0 if statement.unit is None else 1,
            len(statement.flags),
            None,
        )
        return Entered(row, entries)

    def _judge(
        self, statement: Statement, source: str, spot: Spot, times: _Times
    ) -> tuple[Reason | None, tuple[int, ...]] | None:
        """Why it is left out, if it is, and what it counts for; None if that is hard to say."""
        what = (statement.kind, statement.severity, spot.grid)
        if what not in self._standards:
            self._standards[what] = self._standard(*what)
        standard = self._standards[what]
        if standard is None or source in self._rules.skew:
            return None
        own = spot.excluded(statement.excluded)
        reason = standard.excluded or own
        if reason is not None:
            return own, (entry_of_reason(reason),) * (2 * len(TARGETED)) + (_NO_TARGET,)
        start, accepted, dispatched, arrived = times
        if accepted is None or dispatched is None or arrived is None:
            return None
        if not start <= accepted <= dispatched <= arrived:
            return None
        first, second, third = standard.limits_ms
        return own, (
            entry_of_time(accepted - start, first),
            entry_of_time(accepted - start, first),
            entry_of_time(dispatched - start, second),
            entry_of_time(dispatched - accepted, second),
            entry_of_time(arrived - start, third),
            entry_of_time(arrived - dispatched, third),
            _NO_TARGET,
        )

    def _standard(self, kind: str | None, severity: int | None, grid: str) -> _Standard | None:
        limits = self._rules.limits(kind, severity, grid)
        wanted = [limits.get(milestone) for milestone in TARGETED]
        plain = [limit // _MS for limit in wanted if isinstance(limit, timedelta)]
        if Milestone.RESOLVED in limits or len(plain) < len(wanted):
            return None
        excluded = None if self._rules.is_emergency(kind) else Reason.NOT_EMERGENCY
        return _Standard((plain[0], plain[1], plain[2]), excluded)


_RECEIVED = _INDEX[Milestone.RECEIVED]
