"""Integrity monitors: patterns in the stamps that somebody should check, never an accusation.

Each monitor looks at the stamps of one source, one grid or one unit, and says what it found of how
many, and what would be expected. What chance could explain is not reported: of all the groups that
are looked at in one answer, a clean one is named with a chance of at most ``LEVEL`` altogether
(Bonferroni's bound: the level is shared among the tests that were made).

The break of a distribution at a threshold is that of J. McCrary, "Manipulation of the running
variable in the regression discontinuity design", Journal of Econometrics 142, 2008, here with the
exact binomial test and the slope taken from the neighbourhood.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import exp, floor, lgamma, log
from typing import NamedTuple

from pipelines.kpis.comparison import tail
from pipelines.kpis.rates import wilson
from pipelines.kpis.valves import VERY_SHORT_S
from pipelines.model.clock import Verdict
from pipelines.model.milestone import Milestone
from pipelines.model.stamp import Method

LEVEL = 0.01
"""The chance that clean data raise any alarm at all."""
NEAR_S = 15
"""Just under and just over the target."""
NEAR_CANCELLED_S = 30
SAME_LEAST = 4
"""So many incidents of one source in one second are entered together."""
LATE_AFTER = timedelta(minutes=30)
"""A stamp that reaches us later than this was not sent when it happened."""
SHARE = 0.05
"""Above this share backfilled, filed-late or very short stamps are worth a look."""
FAR_M = 200
"""An arrival that is entered farther from the scene was not entered there, nor at its gate."""
PERFECT_LEAST = 100
_LEAST = 20
_IDS = 20


class Monitor(StrEnum):
    """What is looked for."""

    JUST_UNDER = "just_under"
    """More arrivals just under the target than just over it."""
    IDENTICAL_STAMPS = "identical_stamps"
    """Several incidents with a stamp in the very same second."""
    FILED_TOGETHER = "filed_together"
    """Several incidents whose stamps reached us in one go, long after they happened."""
    BACKFILLED = "backfilled"
    """A large share of stamps that were entered afterwards."""
    FULL_MINUTES = "full_minutes"
    """More stamps on a full minute than one in sixty."""
    CANCELLED_NEAR = "cancelled_near"
    """More cancellations just before the target had passed than just after it."""
    PERFECT = "perfect"
    """Every one of a hundred or more in time, where elsewhere some are late."""
    VERY_SHORT = "very_short"
    """A large share of responses shorter than ten seconds."""
    REPEATED = "repeated"
    """One duration much more often than those around it."""
    FAR_TAP = "far_tap"
    """A large share of arrivals that were entered far from the scene."""


class Group(StrEnum):
    """Whose stamps are looked at together."""

    SOURCE = "source"
    GRID = "grid"
    UNIT = "unit"


class Seen(NamedTuple):
    """One stamp of one incident, and what its clock came to.

    ``unit`` is empty for the incident's own stamp. ``seconds`` is how long it took from t0 in whole
    seconds, None where that is unknown; ``limit_s`` the target, None without one on the plain
    clock. ``recorded_at`` is when it reached us. Of a cancellation,
    ``verdict`` says what its arrival came to. ``apart_m`` is how far from the scene an arrival was
    entered, in metres, None where one of the two positions is unknown.
    """

    incident: str
    source: str
    grid: str
    unit: str
    milestone: Milestone
    at: datetime
    seconds: int | None
    limit_s: int | None
    precision_s: int
    method: Method
    recorded_at: datetime
    verdict: Verdict | None
    apart_m: float | None = None


class Chance(NamedTuple):
    """What one monitor found in one group: how many of how many, what was to be expected.

    ``p`` is the chance of as much in clean data; ``ids`` are incidents to look at.
    """

    found: int
    n: int
    expected: float
    p: float
    ids: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What is to be checked, and where."""

    monitor: Monitor
    group: Group
    key: str
    found: int
    n: int
    expected: float
    p: float
    ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """All that was found, the least likely first; ``looked_at`` counts the groups by monitor."""

    stamps: int
    looked_at: Mapping[Monitor, int]
    found: tuple[Finding, ...]


def examined(stamps: Iterable[Seen]) -> Findings:
    """Look at all stamps by every monitor, group by group."""
    everything = list(stamps)
    tests: list[tuple[Monitor, Group, str, Chance]] = []
    rate = _rate(everything)
    for (group, key), own in _grouped(everything).items():
        for monitor, look in _MONITORS.items():
            if group not in _LOOKED_AT.get(monitor, _WHOLE):
                continue
            chance = perfect(own, rate) if monitor is Monitor.PERFECT else look(own)
            if chance is not None:
                tests.append((monitor, group, key, chance))
    level = LEVEL / max(1, len(tests))
    found = [
        Finding(
            monitor=monitor,
            group=group,
            key=key,
            found=chance.found,
            n=chance.n,
            expected=chance.expected,
            p=chance.p,
            ids=tuple(dict.fromkeys(chance.ids))[:_IDS],
        )
        for monitor, group, key, chance in tests
        if chance.p < level
    ]
    order = list(Group)
    found.sort(key=lambda f: (order.index(f.group), f.p, f.monitor, f.key))
    return Findings(
        stamps=len(everything),
        looked_at=Counter(monitor for monitor, *_ in tests),
        found=tuple(found),
    )


def just_under(stamps: Sequence[Seen]) -> Chance | None:
    """Arrivals within 15 s below the target against those within 15 s above it.

    Where arrivals thin out with time, a few more below are natural: how many, is taken from the
    half minute beyond on both sides, at its upper limit.
    """
    measured = [
        (seen.seconds - seen.limit_s, seen)
        for seen in stamps
        if seen.milestone is Milestone.ARRIVED
        and seen.precision_s == 1
        and seen.seconds is not None
        and seen.limit_s is not None
    ]
    under = [seen for off, seen in measured if -NEAR_S < off <= 0]
    over = sum(0 < off <= NEAR_S for off, _ in measured)
    n = len(under) + over
    if n < _LEAST:
        return None
    below = sum(-3 * NEAR_S < off <= -NEAR_S for off, _ in measured)
    above = sum(NEAR_S < off <= 3 * NEAR_S for off, _ in measured)
    p0 = max(0.5, _slope_share(below, above))
    ids = [seen.incident for seen in under]
    return Chance(len(under), n, n * p0, _at_least(len(under), n, p0), ids)


def _slope_share(below: int, above: int) -> float:
    """The share just under the target that the slope around it explains, at its upper limit.

    The two neighbourhoods lie four times as far apart as the two sides do, so that their ratio is
    the fourth power of that of the sides.
    """
    _, high = wilson(below, below + above, 3.0) or (0.0, 0.5)
    if high >= 1:
        return 0.75
    ratio = (high / (1 - high)) ** 0.25
    return float(ratio / (1 + ratio))


def cancelled_near(stamps: Sequence[Seen]) -> Chance | None:
    """Cancellations within half a minute before the target had passed against those after it."""
    measured = [
        (seen.seconds - seen.limit_s, seen)
        for seen in stamps
        if seen.milestone is Milestone.CANCELLED
        and seen.seconds is not None
        and seen.limit_s is not None
    ]
    before = [seen for off, seen in measured if -NEAR_CANCELLED_S < off <= 0]
    n = len(before) + sum(0 < off <= NEAR_CANCELLED_S for off, _ in measured)
    if n < _LEAST // 2:
        return None
    ids = [seen.incident for seen in before]
    return Chance(len(before), n, n / 2, _at_least(len(before), n, 0.5), ids)


def full_minutes(stamps: Sequence[Seen]) -> Chance | None:
    """Stamps that claim to be to the second, and lie on a full minute."""
    precise = [seen for seen in stamps if seen.precision_s == 1]
    if len(precise) < _LEAST:
        return None
    full = [seen for seen in precise if seen.at.second == 0]
    p = _at_least(len(full), len(precise), 1 / 60)
    return Chance(len(full), len(precise), len(precise) / 60, p, [s.incident for s in full])


def identical_stamps(stamps: Sequence[Seen]) -> Chance | None:
    """Incidents that share a second with at least three others, milestone by milestone.

    How likely the largest of such groups is follows Poisson's law, for incidents that fall on the
    time between the first and the last, in bursts of a hundred times their usual rate.
    """
    by_second: dict[tuple[Milestone, datetime], set[str]] = defaultdict(set)
    for seen in stamps:
        if seen.milestone in _TAPPED and seen.precision_s == 1:
            by_second[seen.milestone, seen.at.replace(microsecond=0)].add(seen.incident)
    n = sum(len(ids) for ids in by_second.values())
    if n < _LEAST:
        return None
    together = [ids for ids in by_second.values() if len(ids) >= SAME_LEAST]
    moments = [at for _, at in by_second]
    # at the busiest, a hundred times the usual rate: incidents come in bursts
    seconds = max(1.0, (max(moments) - min(moments)).total_seconds())
    usual = 100 * n / seconds
    largest = max(map(len, together), default=0)
    by_chance = log(seconds) + largest * log(usual) - lgamma(largest + 1)
    p = exp(by_chance) if together and usual < 1 and by_chance < 0 else 1.0
    found = sum(len(ids) for ids in together)
    return Chance(found, n, 0.0, p, [one for ids in together for one in sorted(ids)])


def filed_together(stamps: Sequence[Seen]) -> Chance | None:
    """Stamps that reached us in one go with others, long after they happened.

    Only where stamps usually come soon: of an import, all come late, and that says nothing.
    """
    known = [seen for seen in stamps if seen.milestone in _TAPPED]
    late = [seen for seen in known if seen.recorded_at - seen.at > LATE_AFTER]
    if len(known) < _LEAST or 2 * len(late) > len(known):
        return None
    by_moment: dict[datetime, set[str]] = defaultdict(set)
    for seen in late:
        by_moment[seen.recorded_at].add(seen.incident)
    together = [ids for ids in by_moment.values() if len(ids) >= SAME_LEAST]
    ids = [one for several in together for one in sorted(several)]
    # one late delivery is an outage; it is a habit when it is more than a share of the whole
    found = sum(len(by_moment[s.recorded_at]) >= SAME_LEAST for s in late)
    p = _at_least(found, len(known), SHARE) if found else 1.0
    return Chance(found, len(known), SHARE * len(known), p, ids)


def backfilled(stamps: Sequence[Seen]) -> Chance | None:
    """Stamps whose source says that they were entered afterwards."""
    known = [seen for seen in stamps if seen.milestone in _TAPPED]
    if len(known) < _LEAST:
        return None
    entered = [seen for seen in known if seen.method is Method.BACKFILLED]
    p = _at_least(len(entered), len(known), SHARE)
    return Chance(len(entered), len(known), SHARE * len(known), p, [s.incident for s in entered])


def perfect(stamps: Sequence[Seen], rate: float) -> Chance | None:
    """A hundred or more arrivals, every one in time; ``rate`` is that of all groups together."""
    verdicts = [(seen.verdict, seen) for seen in stamps if seen.milestone is Milestone.ARRIVED]
    known = [(v, seen) for v, seen in verdicts if v in (Verdict.HIT, Verdict.MISS)]
    n, hits = len(known), sum(v is Verdict.HIT for v, _ in known)
    if n < PERFECT_LEAST:
        return None
    p = rate**n if hits == n else 1.0
    return Chance(hits, n, n * rate, p, [seen.incident for _, seen in known])


def very_short(stamps: Sequence[Seen]) -> Chance | None:
    """Responses shorter than ten seconds."""
    measured = [s for s in stamps if s.milestone is Milestone.ARRIVED and s.seconds is not None]
    if len(measured) < _LEAST:
        return None
    short = [s for s in measured if s.seconds is not None and 0 <= s.seconds < VERY_SHORT_S]
    p = _at_least(len(short), len(measured), SHARE)
    return Chance(len(short), len(measured), SHARE * len(measured), p, [s.incident for s in short])


def repeated(stamps: Sequence[Seen]) -> Chance | None:
    """The duration that occurs most, against the five seconds on each side of it."""
    measured = [
        s for s in stamps
        if s.milestone is Milestone.ARRIVED and s.seconds is not None and s.precision_s == 1
        and s.seconds >= VERY_SHORT_S
    ]  # fmt: skip
    counts = Counter(s.seconds for s in measured if s.seconds is not None)
    if len(measured) < _LEAST:
        return None

    def unlikely(second: int) -> tuple[float, int, int]:
        around = sum(counts[second + i] for i in range(-5, 6))
        return _at_least(counts[second], around, 1 / 11), counts[second], around

    second = min(counts, key=unlikely)
    p, found, around = unlikely(second)
    ids = [s.incident for s in measured if s.seconds == second]
    return Chance(found, around, around / 11, min(1.0, p * len(counts)), ids)


def far_taps(stamps: Sequence[Seen]) -> Chance | None:
    """Arrivals that were entered farther from the scene than ``FAR_M``."""
    placed = [
        (seen.apart_m, seen)
        for seen in stamps
        if seen.milestone is Milestone.ARRIVED and seen.apart_m is not None
    ]
    if len(placed) < _LEAST:
        return None
    far = [seen for apart_m, seen in placed if apart_m > FAR_M]
    p = _at_least(len(far), len(placed), SHARE)
    return Chance(len(far), len(placed), SHARE * len(placed), p, [seen.incident for seen in far])


_TAPPED = (Milestone.ACCEPTED, Milestone.DISPATCHED, Milestone.ARRIVED)
_MONITORS: dict[Monitor, Callable[[Sequence[Seen]], Chance | None]] = {
    Monitor.JUST_UNDER: just_under,
    Monitor.IDENTICAL_STAMPS: identical_stamps,
    Monitor.FILED_TOGETHER: filed_together,
    Monitor.BACKFILLED: backfilled,
    Monitor.FULL_MINUTES: full_minutes,
    Monitor.CANCELLED_NEAR: cancelled_near,
    Monitor.PERFECT: lambda _: None,
    Monitor.VERY_SHORT: very_short,
    Monitor.REPEATED: repeated,
    Monitor.FAR_TAP: far_taps,
}
_WHOLE = frozenset(Group)
_LOOKED_AT = {
    # one event may need several units at one second, and a grid has several sources
    Monitor.IDENTICAL_STAMPS: frozenset({Group.SOURCE}),
    Monitor.FILED_TOGETHER: frozenset({Group.SOURCE, Group.UNIT}),
    Monitor.PERFECT: frozenset({Group.GRID, Group.UNIT}),
}


def _grouped(stamps: Sequence[Seen]) -> dict[tuple[Group, str], list[Seen]]:
    """The stamps of each source and grid, and those that units gave themselves."""
    found: dict[tuple[Group, str], list[Seen]] = defaultdict(list)
    for seen in stamps:
        for group, key in _keys(seen):
            found[group, key].append(seen)
    return found


def _keys(seen: Seen) -> Iterator[tuple[Group, str]]:
    if seen.unit:
        yield Group.UNIT, seen.unit
        return
    yield Group.SOURCE, seen.source
    if seen.grid:
        yield Group.GRID, seen.grid


def _rate(stamps: Iterable[Seen]) -> float:
    """The arrival rate of all together; one case short of perfect, for nobody is."""
    of_all = Counter(s.verdict for s in stamps if s.milestone is Milestone.ARRIVED and not s.unit)
    hit, known = of_all[Verdict.HIT], of_all[Verdict.HIT] + of_all[Verdict.MISS]
    return hit / known if known else 1.0


def _at_least(k: int, n: int, p: float) -> float:
    """The chance of at least ``k`` of ``n``, each with the chance ``p``."""
    return 1.0 if k <= floor(n * p) else tail(n - k, n, 1 - p)
