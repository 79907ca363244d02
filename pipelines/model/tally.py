"""Counts that add and subtract: what every figure is made of.

A tally is an element of a commutative group: ``a + b - b == a``, whatever the order. That is
what lets closed incidents live in rollup rows and a correction be "take out the old, put in
the new".
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from pipelines.model.clock import CLOCKS, Outcome, Reading, Rules, Verdict, outcomes
from pipelines.model.fact import Reason
from pipelines.model.incident import Incident
from pipelines.model.milestone import Milestone

_VERDICTS = tuple(v for v in Verdict if v is not Verdict.EXCLUDED)
_REASONS = tuple(Reason)
_INDETERMINATE = len(_VERDICTS)
_FIRST_REASON = _INDETERMINATE + 1
_FIRST_BIN = 32
_STRIDE = 4096
_CLOCK_BASE = {clock: i * _STRIDE for i, clock in enumerate(CLOCKS)}
_VERDICT_OFFSET: dict[Verdict, int] = {verdict: i for i, verdict in enumerate(_VERDICTS)}
_REASON_OFFSET = {str(reason): _FIRST_REASON + i for i, reason in enumerate(_REASONS)}
_INCIDENTS = len(CLOCKS) * _STRIDE

# (from second, bin width in seconds): 1 s bins to 15 min, wider above (KPI contract, section 5)
_SCALE = ((0, 1), (900, 10), (3600, 60), (86_400, 0))


def _bin_starts() -> Iterator[tuple[int, int]]:
    for (start, width), (end, _) in pairwise(_SCALE):
        for second in range(start, end, width):
            yield second, width
    yield 86_400, 1


_BINS = tuple(_bin_starts())


def duration_bin(seconds: int) -> int:
    """The index of the histogram bin that holds a duration; a day and more share the last."""
    if seconds < 900:
        return seconds
    if seconds < 3600:
        return 900 + (seconds - 900) // 10
    if seconds < 86_400:
        return 1170 + (seconds - 3600) // 60
    return len(_BINS) - 1


def bin_seconds(index: int) -> int:
    """The duration a bin stands for: exact below 15 minutes, its middle above."""
    start, width = _BINS[index]
    return start + width // 2


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by clock: verdicts, ledger reasons, and a histogram of durations."""

    counts: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> "Tally":
        """The tally of one incident, from its outcomes in the order of ``CLOCKS``."""
        counts = {_INCIDENTS: 1}
        for base, outcome in zip(_CLOCK_BASE.values(), outcomes, strict=True):
            if outcome.verdict is Verdict.EXCLUDED:
                counts[base + _REASON_OFFSET[outcome.reason]] = 1
                continue
            counts[base + _VERDICT_OFFSET[outcome.verdict]] = 1
            if outcome.indeterminate:
                counts[base + _INDETERMINATE] = 1
            if outcome.seconds is not None:
                counts[base + _FIRST_BIN + duration_bin(outcome.seconds)] = 1
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


@dataclass(frozen=True, slots=True)
class ClockTally:
    """The counts of one target in one reading, by name (KPI contract, section 4)."""

    counts: Mapping[int, int]

    def verdict(self, verdict: Verdict) -> int:
        """How many incidents have this verdict; excluded ones are in ``excluded``."""
        return self.counts.get(_VERDICT_OFFSET[verdict], 0)

    @property
    def hit(self) -> int:
        """H: reached in time."""
        return self.verdict(Verdict.HIT)

    @property
    def miss(self) -> int:
        """M: reached late, or not reached while the source was alive."""
        return self.verdict(Verdict.MISS)

    @property
    def unknown(self) -> int:
        """X: the time has passed and the stamp was never recorded."""
        return self.verdict(Verdict.UNKNOWN)

    @property
    def pending(self) -> int:
        """P: still inside the target, in neither numerator nor denominator."""
        return self.verdict(Verdict.PENDING)

    @property
    def quarantined(self) -> int:
        """Q: impossible order or negative duration."""
        return self.verdict(Verdict.QUARANTINED)

    @property
    def indeterminate(self) -> int:
        """Hits and misses that the precision of the stamps makes uncertain."""
        return self.counts.get(_INDETERMINATE, 0)

    @property
    def eligible(self) -> int:
        """E: everyone who counts, pending included."""
        return sum(self.verdict(v) for v in _VERDICTS)

    @property
    def excluded(self) -> dict[str, int]:
        """The ledger: how many were left out, by reason."""
        return {r: n for r, i in _REASON_OFFSET.items() if (n := self.counts.get(i, 0))}

    def durations(self) -> list[tuple[int, int]]:
        """The histogram as (seconds, number of incidents), ascending."""
        bins = sorted((k - _FIRST_BIN, n) for k, n in self.counts.items() if k >= _FIRST_BIN)
        return [(bin_seconds(index), n) for index, n in bins]


EMPTY = Tally()


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum; entries that cancel to zero vanish, so equal sums are equal values."""
    counts: dict[int, int] = {}
    for tally in tallies:
        for key, n in tally.counts.items():
            counts[key] = counts.get(key, 0) + n
    return Tally({key: n for key, n in counts.items() if n})


def tally_of(incident: Incident, rules: Rules, *, now: datetime, source_alive: bool) -> Tally:
    """What one incident adds to the figures at ``now``."""
    return Tally.of(outcomes(incident, rules, now=now, source_alive=source_alive))
