"""Comparing groups that are small: shrunk rates and funnel limits, never a league table.

KPI contract, section 6. Shrinkage is empirical Bayes with a beta prior whose spread is estimated
by moments (J. C. Kleinman, "Proportions with extraneous variance", JASA 68, 1973); funnel limits
are those of the binomial distribution (D. J. Spiegelhalter, "Funnel plots for comparing
institutional performance", Statistics in Medicine 24, 2005).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, lgamma, log, log1p, sqrt

Counts = tuple[int, int]
"""Hits, and hits and misses together."""

TAIL_95, TAIL_998 = 0.025, 0.001
"""What lies outside the 95 % and the 99.8 % limits, on one side."""
_TAILS = {"unusual": TAIL_95, "exceptional": TAIL_998}

TOO_FEW = 10
"""Fewer cases than this are shown as k/n and not judged (KPI contract, section 4)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One group among the others.

    ``shrunk`` is its rate, drawn towards that of all as far as its number leaves it in doubt.
    ``limits`` are the rates between which 95 % and 99.8 % of groups of its size lie by chance.
    ``side`` is ``low`` or ``high`` where it lies outside those of 95 %, else None.
    """

    hit: int
    known: int
    shrunk: float
    limits_95: tuple[float, float]
    limits_998: tuple[float, float]
    verdict: str
    side: str | None


def compare(groups: Mapping[str, Counts]) -> dict[str, Standing]:
    """Where each group stands that has something to compare."""
    counted = {key: counts for key, counts in groups.items() if counts[1]}
    hits, known = (sum(c[i] for c in counted.values()) for i in (0, 1))
    if not known:
        return {}
    rate, weight = hits / known, prior_weight(counted)
    return {key: _standing(k, n, rate, weight) for key, (k, n) in counted.items()}


def shrunk(groups: Mapping[str, Counts]) -> dict[str, float]:
    """The rate of each group that has one, drawn towards that of all as in :class:`Standing`."""
    counted = {key: counts for key, counts in groups.items() if counts[1]}
    hits, known = (sum(c[i] for c in counted.values()) for i in (0, 1))
    if not known:
        return {}
    rate, weight = hits / known, prior_weight(counted)
    return {key: _shrunk(k, n, rate, weight) for key, (k, n) in counted.items()}


def _shrunk(k: int, n: int, rate: float, weight: float | None) -> float:
    return rate if weight is None else (k + rate * weight) / (n + weight)


def prior_weight(groups: Mapping[str, Counts]) -> float | None:
    """How many cases the common rate is worth; None when the groups differ by chance alone."""
    total = sum(n for _, n in groups.values())
    rate = sum(k for k, _ in groups.values()) / total if total else 0.0
    spread = rate * (1 - rate)
    if not spread or len(groups) < 2:
        return None
    own = [1 - n / total for _, n in groups.values()]
    excess = sum(n * (k / n - rate) ** 2 for k, n in groups.values()) - spread * sum(own)
    most = sum(n * o for (_, n), o in zip(groups.values(), own, strict=True)) - sum(own)
    if excess <= 0 or most <= 0:
        return None
    alike = min(excess / (spread * most), 1.0)
    return 1 / alike - 1


def judged(k: int, n: int, rate: float) -> tuple[str, str | None]:
    """Whether ``k`` of ``n`` is usual where each has the chance ``rate``, else on which side not.

    ``usual`` within the 95 % limits, ``unusual`` outside them, ``exceptional`` outside those of
    99.8 %.
    """
    below, above = tail(k, n, rate), 1 - tail(k - 1, n, rate)
    rarer = [name for name, share in _TAILS.items() if min(below, above) < share]
    if not rarer:
        return "usual", None
    return rarer[-1], "low" if below < above else "high"


def _standing(k: int, n: int, rate: float, weight: float | None) -> Standing:
    verdict, side = judged(k, n, rate)
    return Standing(
        hit=k,
        known=n,
        shrunk=_shrunk(k, n, rate, weight),
        limits_95=limits(n, rate, TAIL_95),
        limits_998=limits(n, rate, TAIL_998),
        verdict=verdict,
        side=side,
    )


def tail(k: int, n: int, rate: float) -> float:
    """The chance of at most ``k`` of ``n``, when each has the chance ``rate``."""
    if k < 0:
        return 0.0
    if k >= n or rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    if k > n * rate:  # the shorter tail is summed, from its largest term on
        return 1 - tail(n - k - 1, n, 1 - rate)
    term = exp(
        lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(rate) + (n - k) * log1p(-rate)
    )
    found, odds = 0.0, (1 - rate) / rate
    while k >= 0 and term > found * 1e-17:
        found += term
        term *= odds * k / (n - k + 1)
        k -= 1
    return min(found, 1.0)


def limits(n: int, rate: float, share: float) -> tuple[float, float]:
    """The lowest and highest rate of ``n`` cases that is no rarer than ``share`` on its side."""
    return _lowest(n, rate, share) / n, 1 - _lowest(n, 1 - rate, share) / n


def _lowest(n: int, rate: float, share: float) -> int:
    """The lowest count whose lower tail is at least ``share``; by halving, as tails only grow."""
    spread = 5 * sqrt(n * rate * (1 - rate)) + 5
    low, high = max(-1, int(n * rate - spread)), min(n, int(n * rate + spread))
    if tail(low, n, rate) >= share:
        low = -1
    while high - low > 1:
        middle = (low + high) // 2
        if tail(middle, n, rate) >= share:
            high = middle
        else:
            low = middle
    return high
