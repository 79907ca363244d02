"""The rate within target, with what makes it honest: bounds, coverage, interval.

Source: KPI contract, section 4. The interval is Wilson's score interval (E. B. Wilson,
"Probable inference, the law of succession, and statistical inference", JASA 22, 1927).
"""

from math import sqrt

from pipelines.kpis.kpi import Better, Kpi, Unit
from pipelines.model.tally import ClockTally

Z_95 = 1.959963984540054
"""The two-sided 95 % point of the standard normal distribution."""


def wilson(k: int, n: int, z: float = Z_95) -> tuple[float, float] | None:
    """The score interval of ``k`` out of ``n`` as two shares; None when ``n`` is 0."""
    if n == 0:
        return None
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return (max(0.0, centre - half), min(1.0, centre + half))


def share(k: int, n: int) -> float | None:
    """``k/n``, or None when there is nothing to measure."""
    return k / n if n else None


def _known(tally: ClockTally) -> int:
    return tally.hit + tally.miss


def _decided(tally: ClockTally) -> int:
    return tally.hit + tally.miss + tally.unknown + tally.quarantined


KNOWN = Kpi(
    id="known",
    name="Rate within target",
    definition="H/(H+M): of the cases whose outcome is known, the share within the target.",
    unit=Unit.SHARE,
    better=Better.HIGHER,
    value=lambda tally: share(tally.hit, _known(tally)),
)
LOW = Kpi(
    id="low",
    name="Lower bound",
    definition="H/(H+M+X+Q): as if every case without a usable stamp had missed.",
    unit=Unit.SHARE,
    better=Better.HIGHER,
    value=lambda tally: share(tally.hit, _decided(tally)),
)
HIGH = Kpi(
    id="high",
    name="Upper bound",
    definition="(H+X+Q)/(H+M+X+Q): as if every case without a usable stamp had been in time.",
    unit=Unit.SHARE,
    better=Better.HIGHER,
    value=lambda tally: share(tally.hit + tally.unknown + tally.quarantined, _decided(tally)),
)
COVERAGE = Kpi(
    id="coverage",
    name="Coverage",
    definition="(H+M)/(H+M+X+Q): the share of decided cases that have a usable stamp.",
    unit=Unit.SHARE,
    better=Better.HIGHER,
    value=lambda tally: share(_known(tally), _decided(tally)),
)
WILSON = Kpi(
    id="wilson",
    name="95 % interval",
    definition="Wilson score interval of H out of H+M.",
    unit=Unit.INTERVAL,
    better=Better.NEITHER,
    value=lambda tally: wilson(tally.hit, _known(tally)),
)
