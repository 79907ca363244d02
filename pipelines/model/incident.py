"""An incident: the fold of what its reports say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha1
from operator import attrgetter
from typing import TypeVar
from uuid import NAMESPACE_URL, uuid5

from pipelines.model.fact import Fact, Flag, Reason, Statement
from pipelines.model.milestone import Milestone
from pipelines.model.place import NOT_ON_MAP, Place
from pipelines.model.stamp import Stamp

T = TypeVar("T")

_ROOT = uuid5(NAMESPACE_URL, "grid135:incident").bytes
_VARIANT = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}
# The record settles ties between two records that say the same at the same moment.
_ORDER = attrgetter("revision", "record_id", "source")
_EARLIEST_WINS = frozenset(Milestone) - {
    Milestone.ARRIVED,
    Milestone.RESOLVED,
    Milestone.CANCELLED,
    Milestone.RETURNED,
}


@lru_cache(maxsize=4096)
def incident_id(source: str, incident_key: str) -> str:
    """The same 32 hex digits on every worker (UUIDv5 of source and upstream id, RFC 4122)."""
    digest = sha1(_ROOT + f"{source}\x1f{incident_key}".encode(), usedforsecurity=False)
    text = digest.hexdigest()
    # by hand: uuid.uuid5 makes an object of it first, which takes three times as long
    return f"{text[:12]}5{text[13:16]}{_VARIANT[text[16]]}{text[17:32]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitTimes:
    """What one responding unit did, by milestone."""

    unit: str
    qualifies: bool
    stamps: Mapping[Milestone, Stamp]


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """What the reports of one incident add up to.

    ``stamps`` holds at most one stamp a milestone. ``closed_at`` is the moment from which the
    incident counts as closed; it is a known stamp, never an invented one: where the source
    says "closed" without a time it is the latest stamp the incident has.
    ``returned_at`` is the same for a case that was handed back (退单) at least once: no clock
    starts anew at it, so it is no stamp.
    ``kind`` is what it is called now, ``kind_at_dispatch`` decides whether it is an emergency.
    ``grid`` is the code of the grid it lies in, filled in by whoever knows the grids.
    """

    id: str
    source: str
    key: str
    stamps: Mapping[Milestone, Stamp]
    kind: str | None
    kind_at_dispatch: str | None
    severity: int | None
    closed_at: datetime | None
    place: Place
    title: str | None
    excluded: Reason | None
    units: tuple[UnitTimes, ...]
    flags: tuple[Flag, ...]
    grid: str = NOT_ON_MAP
    returned_at: datetime | None = None

    @property
    def t0(self) -> Stamp:
        """Where the citizen's clock starts: the report, else our receipt, never acceptance."""
        return self.stamps.get(Milestone.REPORTED) or self.stamps[Milestone.RECEIVED]

    def at_grid(self, grid: str) -> "Incident":
        """The same incident, lying in a grid."""
        return replace(self, grid=grid)

    @property
    def is_closed(self) -> bool:
        """True once the source has said resolved or cancelled."""
        return self.closed_at is not None


def fold(statements: Iterable[Statement]) -> Incident:
    """Add up the statements about one incident; order and repetition change nothing.

    Of the revisions of one record only the last counts, except that the *class at dispatch
    time* looks back (KPI contract, section 3), and so does a return: a case that was handed back
    and sent on has been handed back. Across records the first accepted, dispatched,
    en-route and qualifying arrival count; resolution and cancellation wait for the last unit.

    Raises ValueError when there is no statement.
    """
    history = list(statements)
    if len(history) > 1:
        history = sorted(set(history), key=_ORDER)
    if not history:
        raise ValueError("an incident needs at least one statement")
    current = _latest(history)
    stamps = _stamps(current, received=min(s.recorded_at for s in history))
    closed_at = _close(current, stamps)
    return Incident(
        id=incident_id(history[0].incident_source, history[0].incident_key),
        source=history[0].incident_source,
        key=history[0].incident_key,
        stamps=stamps,
        kind=_last([s.kind for s in current]),
        kind_at_dispatch=_kind_at_dispatch(history, stamps.get(Milestone.DISPATCHED)),
        severity=_last([s.severity for s in current]),
        closed_at=closed_at,
        place=_place(current),
        title=_last([s.title for s in current]),
        excluded=_last([s.excluded for s in current]),
        units=tuple(_unit_times(s) for s in current if s.unit is not None),
        flags=tuple(flag for s in current for flag in s.flags),
        returned_at=_returned_at(history, current),
    )


def latest_revisions(history: Iterable[Statement]) -> list[Statement]:
    """Of each record the statement that counts, in order."""
    return _latest(sorted(set(history), key=_ORDER))


def _latest(ordered: Sequence[Statement]) -> list[Statement]:
    if len(ordered) == 1:
        return list(ordered)
    latest = {(s.source, s.record_id): s for s in ordered}
    return sorted(latest.values(), key=_ORDER)


def _stamps(current: Sequence[Statement], *, received: datetime) -> dict[Milestone, Stamp]:
    stamps: dict[Milestone, Stamp] = {}
    for statement in current:
        for fact in statement.facts:
            if fact.at is None or not _may_count(fact, statement):
                continue
            known = stamps.get(fact.milestone)
            if known is None or _comes_first(fact, known):
                stamps[fact.milestone] = Stamp(fact.at, fact.precision_s, fact.method)
    if Milestone.RECEIVED not in stamps:
        stamps[Milestone.RECEIVED] = Stamp(received)
    return stamps


def _may_count(fact: Fact, statement: Statement) -> bool:
    if fact.milestone is Milestone.ARRIVED:
        return statement.qualifies
    return fact.milestone in _EARLIEST_WINS


def _comes_first(fact: Fact, known: Stamp) -> bool:
    # Precision and method settle ties, so that the order of arrival cannot.
    return (fact.at, fact.precision_s, fact.method) < (known.at, known.precision_s, known.method)


def _ending(current: Sequence[Statement]) -> tuple[Milestone | None, list[Fact]]:
    """Whether the incident was cancelled or resolved, and by which facts; the last unit decides."""
    cancelled = _said_by_all(current, (Milestone.CANCELLED,))
    if cancelled:
        return Milestone.CANCELLED, cancelled
    ended = _said_by_all(current, (Milestone.RESOLVED, Milestone.CANCELLED))
    resolved = [fact for fact in ended if fact.milestone is Milestone.RESOLVED]
    return (Milestone.RESOLVED, resolved) if resolved else (None, [])


def _said_by_all(current: Sequence[Statement], milestones: tuple[Milestone, ...]) -> list[Fact]:
    """What ends the whole incident: a statement about no unit, or one of every unit."""
    by_unit: dict[str, list[Fact]] = {}
    overall: list[Fact] = []
    for statement in current:
        # by milestone first: the order of a statement's facts means nothing
        said = [f for m in milestones for f in statement.facts if f.milestone is m][:1]
        if not said and statement.unit is not None and _returns(statement):
            continue  # who has handed the case back is not waited for
        # several records may speak of one unit: its dispatch, and then its feedback
        of_unit = by_unit.setdefault(statement.unit, []) if statement.unit is not None else overall
        of_unit.extend(said)
    if overall or not all(by_unit.values()):
        return overall
    return [fact for said in by_unit.values() for fact in said]


def _returns(statement: Statement) -> bool:
    return any(fact.milestone is Milestone.RETURNED for fact in statement.facts)


def _returned_at(history: Sequence[Statement], current: Sequence[Statement]) -> datetime | None:
    """When the case was first handed back; by the latest stamp of who says so without a time.

    A record that by now says nothing at all has taken back what it said before.
    """
    given = [statement for statement in history if _returns(statement)]
    if not given:
        return None
    valid = {(s.source, s.record_id) for s in current if s.facts}
    return min((_when_returned(s) for s in given if (s.source, s.record_id) in valid), default=None)


def _when_returned(statement: Statement) -> datetime:
    said = [f.at for f in statement.facts if f.milestone is Milestone.RETURNED and f.at is not None]
    known = [fact.at for fact in statement.facts if fact.at is not None]
    return min(said) if said else max(known, default=statement.recorded_at)


def _close(current: Sequence[Statement], stamps: dict[Milestone, Stamp]) -> datetime | None:
    """Add the stamp of the ending, if there is one, and say when the incident was closed."""
    ending, facts = _ending(current)
    if ending is None:
        return None
    dated = [fact.stamp for fact in facts if fact.stamp is not None]
    if dated:
        stamps[ending] = max(dated)
        return stamps[ending].at
    said = [stamp.at for milestone, stamp in stamps.items() if milestone is not Milestone.RECEIVED]
    return max(said, default=stamps[Milestone.RECEIVED].at)


def _kind_at_dispatch(history: Sequence[Statement], dispatched: Stamp | None) -> str | None:
    classified = [(s.recorded_at, s.kind) for s in history if s.kind is not None]
    if not classified:
        return None
    if dispatched is None:
        return classified[-1][1]
    # What was known first, when all was learnt after the dispatch.
    cut = max(classified[0][0], dispatched.at)
    return [kind for recorded_at, kind in classified if recorded_at <= cut][-1]


def _last(said: Sequence[T | None]) -> T | None:
    return next((value for value in reversed(said) if value is not None), None)


def _place(current: Sequence[Statement]) -> Place:
    places = [s.place for s in reversed(current) if s.place is not None]
    return next((p for p in places if p.has_position), places[0] if places else Place())


def _unit_times(statement: Statement) -> UnitTimes:
    stamps = {f.milestone: f.stamp for f in statement.facts if f.stamp is not None}
    return UnitTimes(unit=statement.unit or "", qualifies=statement.qualifies, stamps=stamps)
