"""Counts that add and subtract: what every figure is made of.

A tally is an element of a commutative group: ``a + b - b == a``, whatever the order. That is
what lets settled incidents live in rollup rows and a correction be "take out the old, put in
the new".
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from math import ceil

from pipelines.model.clock import CLOCKS, Mark, Outcome, Reading, Verdict, outcomes
from pipelines.model.fact import Reason
from pipelines.model.incident import Incident
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.rules import Rules
from pipelines.model.stamp import Method

_VERDICTS = tuple(v for v in Verdict if v is not Verdict.EXCLUDED)
_REASONS = tuple(Reason)
_VERDICT_OFFSET: dict[Verdict, int] = {verdict: i for i, verdict in enumerate(_VERDICTS)}
_FIRST_MARK = len(_VERDICTS)
_MARK_OFFSET = {mark: _FIRST_MARK + i for i, mark in enumerate(Mark)}
_FIRST_REASON = _FIRST_MARK + len(Mark)
_REASON_OFFSET = {str(reason): _FIRST_REASON + i for i, reason in enumerate(_REASONS)}
_STRIDE = 8192
_CLOCK_BASE = {clock: i * _STRIDE for i, clock in enumerate(CLOCKS)}
_INCIDENTS = len(CLOCKS) * _STRIDE

COUNTERS = _FIRST_REASON + len(_REASONS)
"""How many counters a clock has: verdicts, marks, ledger reasons. Behind them come its bins."""

# (from second, bin width in seconds): 1 s bins to 15 min, wider above (KPI contract, section 5);
# hours up to 90 days are for what is handled in working days
_SCALE = ((0, 1), (900, 10), (3600, 60), (86_400, 3600), (90 * 86_400, 0))


EXACT_BINS = 900
"""The first so many bins hold one second each."""


def _bin_starts() -> Iterator[tuple[int, int]]:
    for (start, width), (end, _) in pairwise(_SCALE):
        for second in range(start, end, width):
            yield second, width
    yield _SCALE[-1][0], 1


_BINS = tuple(_bin_starts())


def duration_bin(seconds: int) -> int:
    """The index of the histogram bin that holds a duration; 90 days and more share the last."""
    if seconds < 900:
        return seconds
    if seconds < 3600:
        return 900 + (seconds - 900) // 10
    if seconds < 86_400:
        return 1170 + (seconds - 3600) // 60
    return min(2550 + (seconds - 86_400) // 3600, len(_BINS) - 1)


def bin_seconds(index: int) -> int:
    """The duration a bin stands for: exact below 15 minutes, its middle above."""
    start, width = _BINS[index]
    return start + width // 2


# An entry is what one outcome counts for, in one number: below, the counter of its verdict or
# ledger reason (6 bits), then its marks (8 bits), then its bin, one up, or 0 without a duration.
_STATUS_BITS, BIN_SHIFT = 6, 14
STATUS_MASK = (1 << _STATUS_BITS) - 1
"""The bits of an entry that say its verdict, or why it is left out."""
COUNTERS_MASK = (1 << BIN_SHIFT) - 1
"""The bits of an entry that say everything but its duration, which stands from ``BIN_SHIFT`` on."""


def entry(outcome: Outcome) -> int:
    """What an outcome counts for, as one number below 2³²; see :func:`counted_by`."""
    if outcome.verdict is Verdict.EXCLUDED:
        return _REASON_OFFSET[outcome.reason] | outcome.marks << _STATUS_BITS
    number = _VERDICT_OFFSET[outcome.verdict] | outcome.marks << _STATUS_BITS
    if outcome.seconds is not None:
        number |= (duration_bin(outcome.seconds) + 1) << BIN_SHIFT
    return number


def entry_of_time(took_ms: int, limit_ms: int) -> int:
    """What a certain duration, not below zero, counts for; the same as its outcome's entry."""
    verdict = _HIT if took_ms <= limit_ms else _MISS
    return verdict | (duration_bin(took_ms // 1000) + 1) << BIN_SHIFT


def entry_of_reason(reason: Reason) -> int:
    """What an incident counts for that is left out for a reason."""
    return _REASON_OFFSET[reason]


def status_of(verdict: Verdict) -> int | None:
    """The status bits of a verdict; None for what is excluded, which has all above the others."""
    return _VERDICT_OFFSET.get(verdict)


def mark_bits(mark: Mark) -> int:
    """The bit of an entry that says a mark."""
    return mark << _STATUS_BITS


def verdict_of(number: int) -> Verdict:
    """The verdict of an entry."""
    status = number & STATUS_MASK
    return _VERDICTS[status] if status < len(_VERDICTS) else Verdict.EXCLUDED


@lru_cache(maxsize=65_536)
def counted_by(number: int) -> tuple[int, ...]:
    """The counters an entry adds one to; a bin comes behind all counters."""
    marks = number >> _STATUS_BITS & 0xFF
    found = [number & STATUS_MASK]
    found += [offset for mark, offset in _MARK_OFFSET.items() if marks & mark]
    if number >> BIN_SHIFT:
        found.append(COUNTERS + (number >> BIN_SHIFT) - 1)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by clock: verdicts, marks, ledger reasons, and a histogram of durations."""

    counts: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> "Tally":
        """The tally of one incident, from its outcomes in the order of ``CLOCKS``."""
        return cls.of_entries([entry(outcome) for outcome in outcomes])

    @classmethod
    def of_entries(cls, entries: Sequence[int]) -> "Tally":
        """The tally of one incident, from its entries in the order of ``CLOCKS``."""
        counts = {_INCIDENTS: 1}
        for base, number in zip(_CLOCK_BASE.values(), entries, strict=True):
            for offset in counted_by(number):
                counts[base + offset] = 1
        return cls(counts)

    @classmethod
    def of_clocks(cls, clocks: Iterable["ClockTally"], incidents: int) -> "Tally":
        """The tally with these clocks, in the order of ``CLOCKS``."""
        counts = {_INCIDENTS: incidents} if incidents else {}
        for base, clock in zip(_CLOCK_BASE.values(), clocks, strict=True):
            counts.update((base + offset, n) for offset, n in clock.items())
        return cls(counts)

    def __add__(self, other: "Tally") -> "Tally":
        return total((self, other))

    def __sub__(self, other: "Tally") -> "Tally":
        return total((self, -other))

    def __neg__(self) -> "Tally":
        return Tally({key: -n for key, n in self.counts.items()})

    def __bool__(self) -> bool:
        return bool(self.counts)

    @property
    def incidents(self) -> int:
        """All incidents that were counted, eligible or not."""
        return self.counts.get(_INCIDENTS, 0)

    def clock(self, milestone: Milestone, reading: Reading) -> "ClockTally":
        """The counts of one target in one reading."""
        base = _CLOCK_BASE[milestone, reading]
        return ClockTally(
            {k - base: n for k, n in self.counts.items() if base <= k < base + _STRIDE}
        )


class ClockTally:
    """The counts of one target in one reading, by name (KPI contract, section 4)."""

    __slots__ = (
        "_bins",
        "_counters",
        "_running",
        "eligible",
        "hit",
        "miss",
        "pending",
        "quarantined",
        "unknown",
    )

    hit: int
    """H: reached in time."""
    miss: int
    """M: reached late, or not reached while the source was alive."""
    unknown: int
    """X: the time has passed and the stamp was never recorded."""
    pending: int
    """P: still inside the target, in neither numerator nor denominator."""
    quarantined: int
    """Q: impossible order or negative duration."""
    eligible: int
    """E: everyone who counts, pending included."""

    def __init__(
        self,
        counts: Mapping[int, int],
        bins: Sequence[int] = (),
        running: Sequence[int] | None = None,
    ) -> None:
        """``counts`` by counter, bins behind them; or the bins apart, in order from the first.

        ``running`` is how many durations there are up to each bin, where that is known.
        """
        if not bins:
            found = {k - COUNTERS: n for k, n in counts.items() if k >= COUNTERS}
            bins = [0] * (max(found, default=-1) + 1)
            for index, n in found.items():
                bins[index] = n
        self._counters = {k: n for k, n in counts.items() if n and k < COUNTERS}
        self._bins = bins
        self._running = running
        # every figure asks for these, several times over
        self.hit = self.verdict(Verdict.HIT)
        self.miss = self.verdict(Verdict.MISS)
        self.unknown = self.verdict(Verdict.UNKNOWN)
        self.pending = self.verdict(Verdict.PENDING)
        self.quarantined = self.verdict(Verdict.QUARANTINED)
        self.eligible = self.hit + self.miss + self.unknown + self.pending + self.quarantined

    def items(self) -> Iterator[tuple[int, int]]:
        """Every count that is not zero, by counter, bins behind them."""
        yield from self._counters.items()
        yield from ((COUNTERS + i, n) for i, n in enumerate(self._bins) if n)

    def verdict(self, verdict: Verdict) -> int:
        """How many incidents have this verdict; excluded ones are in ``excluded``."""
        return self._counters.get(_VERDICT_OFFSET[verdict], 0)

    def marked(self, mark: Mark) -> int:
        """How many outcomes have this mark."""
        return self._counters.get(_MARK_OFFSET[mark], 0)

    @property
    def indeterminate(self) -> int:
        """Hits and misses that the precision of stamps or unlike clocks make uncertain."""
        return self.marked(Mark.INDETERMINATE)

    @property
    def excluded(self) -> dict[str, int]:
        """The ledger: how many were left out, by reason."""
        return {r: n for r, i in _REASON_OFFSET.items() if (n := self._counters.get(i, 0))}

    def left_out(self, reason: Reason) -> int:
        """How many were left out for one reason."""
        return self._counters.get(_REASON_OFFSET[reason], 0)

    @property
    def measured(self) -> int:
        """How many durations were measured."""
        running = self._cumulated()
        return running[-1] if running else 0

    def durations(self) -> list[tuple[int, int]]:
        """The histogram as (seconds, number of incidents), ascending."""
        return [(bin_seconds(index), n) for index, n in enumerate(self._bins) if n]

    def nearest_rank(self, share: float) -> int | None:
        """The smallest duration in seconds that at least ``share`` of the cases do not exceed."""
        running = self._cumulated()
        if not running or not running[-1]:
            return None
        rank = max(1, ceil(share * running[-1]))
        return bin_seconds(bisect_left(running, rank))

    def shorter_than(self, seconds: int) -> int:
        """How many measured durations are shorter; ``seconds`` at most 900."""
        return sum(self._bins[:seconds])

    def _cumulated(self) -> Sequence[int]:
        if self._running is None:
            self._running = list(accumulate(self._bins))
        return self._running


EMPTY = Tally()


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum; entries that cancel to zero vanish, so equal sums are equal values."""
    counts: dict[int, int] = {}
    for tally in tallies:
        for key, n in tally.counts.items():
            counts[key] = counts.get(key, 0) + n
    return Tally({key: n for key, n in counts.items() if n})


def silenced(counts: Mapping[int, int]) -> dict[int, int]:
    """The counters of one clock of settled incidents, had their source fallen silent.

    What stands open past its target, or waits for a stage to begin, is unknown then.
    """
    changed = dict(counts)
    for mark, verdict in (
        (Mark.OPEN_MISS, Verdict.MISS),
        (Mark.OPEN_PENDING, Verdict.PENDING),
    ):
        n = changed.pop(_MARK_OFFSET[mark], 0)
        if n:
            unknown = _VERDICT_OFFSET[Verdict.UNKNOWN]
            changed[_VERDICT_OFFSET[verdict]] -= n
            changed[unknown] = changed.get(unknown, 0) + n
    return {counter: n for counter, n in changed.items() if n}


def entries_of(
    incident: Incident, rules: Rules, *, now: datetime, source_alive: bool = True
) -> tuple[int, ...]:
    """What one incident counts for at ``now``, a number a clock, in the order of ``CLOCKS``."""
    found = _plain_entries(incident, rules, now)
    if found is None:
        judged = outcomes(incident, rules, now=now, source_alive=source_alive)
        found = tuple(entry(outcome) for outcome in judged)
    return found


_HIT, _MISS = _VERDICT_OFFSET[Verdict.HIT], _VERDICT_OFFSET[Verdict.MISS]
_NO_TARGET = (_REASON_OFFSET[Reason.NO_TARGET],)
_ZERO = timedelta(0)


def _plain_entries(incident: Incident, rules: Rules, now: datetime) -> tuple[int, ...] | None:
    """The entries of an emergency that was accepted, dispatched and reached, each to the second.

    Nearly all of a history is like that; judged alone, it is taken in a fifth faster. None for
    every other incident.
    """
    stamps = incident.stamps
    accepted, dispatched = stamps.get(Milestone.ACCEPTED), stamps.get(Milestone.DISPATCHED)
    arrived = stamps.get(Milestone.ARRIVED)
    if (
        accepted is None
        or dispatched is None
        or arrived is None
        or Milestone.CANCELLED in stamps
        or incident.returned_at is not None
        or rules.exclusion(incident) is not None
        or incident.kind != incident.kind_at_dispatch
        or incident.source in rules.skew
    ):
        return None
    t0 = incident.t0
    for _, precision_s, method in (t0, accepted, dispatched, arrived):
        if precision_s != 1 or method is Method.BACKFILLED:
            return None
    limits = rules.limits(incident.kind_at_dispatch, incident.severity, incident.grid)
    if Milestone.RESOLVED in limits:
        return None
    found: list[int] = []
    before = t0.at
    for milestone, stop in zip(TARGETED, (accepted.at, dispatched.at, arrived.at), strict=True):
        limit = limits[milestone]
        if stop > now or not isinstance(limit, timedelta):
            return None
        for start in (t0.at, before):
            took = stop - start
            if took < _ZERO:
                return None
            verdict = _HIT if took <= limit else _MISS
            seconds = took.days * 86_400 + took.seconds
            found.append(verdict | (duration_bin(seconds) + 1) << BIN_SHIFT)
        before = stop
    return (*found, *_NO_TARGET)


def tally_of(incident: Incident, rules: Rules, *, now: datetime, source_alive: bool) -> Tally:
    """What one incident adds to the figures at ``now``."""
    return Tally.of_entries(entries_of(incident, rules, now=now, source_alive=source_alive))
