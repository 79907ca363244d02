"""How a rate may be shown, given how many cases stand behind it (KPI contract, section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import floor

from dashboard.text.format import DASH
from pipelines.kpis import Value

PERCENT_FROM = 10
"""Below this many known cases only k/n is shown."""
FULL_FROM = 30
"""Below this many the percentage is greyed."""
TENTHS_FROM = 100
"""From here a single case moves the rate by less than 1 %, so a decimal means something."""
ENOUGH_COVERAGE = 0.95


class Tone(StrEnum):
    """How a rate stands to its goal."""

    NEUTRAL = "neutral"
    """No goal, or too few cases to say."""
    GOOD = "good"
    """At or above the goal."""
    NEAR = "near"
    """Below the goal, but the interval still holds it."""
    BAD = "bad"
    """The whole interval is below the goal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RateText:
    """What a tile says about one rate. None where the rules say to leave it out."""

    fraction: str
    percent: str | None
    interval: tuple[str, str] | None
    coverage: str | None
    greyed: bool
    insufficient: bool
    tone: Tone


def rate_text(figures: Mapping[str, Value], goal: float | None) -> RateText:
    """Apply the display rules to the figures of one clock."""
    hit, n = _count(figures, "hit"), _count(figures, "hit") + _count(figures, "miss")
    coverage = _share(figures, "coverage")
    bounds = _bounds(figures) if n >= PERCENT_FROM else None
    return RateText(
        fraction=f"{hit}/{n}" if n else DASH,
        percent=percent(hit, n) if n >= PERCENT_FROM else None,
        interval=None if bounds is None else (_bound(bounds[0], n), _bound(bounds[1], n)),
        coverage=None if coverage is None else whole_percent(coverage),
        greyed=n < FULL_FROM,
        insufficient=coverage is not None and coverage < ENOUGH_COVERAGE,
        tone=_tone(hit, n, bounds, goal),
    )


def percent(k: int, n: int) -> str:
    """``k/n`` in percent with no more decimals than n supports, and never rounded to 0 or 100."""
    tenths = n >= TENTHS_FROM
    step = 0.1 if tenths else 1.0
    value = round(100 * k / n, 1 if tenths else 0)
    if 0 < k < n:
        value = min(max(value, step), 100 - step)
    return f"{value:.1f}" if tenths and 0 < k < n else f"{value:.0f}"


def whole_percent(share: float) -> str:
    """A share in whole percent, rounded down: 99.6 % covered is not all covered."""
    return f"{floor(share * 100 + 1e-9)}%"


def small_percent(share: float) -> str:
    """A share beside a rate, in whole percent; a few cases of very many are not none of them."""
    if 0 < share < 0.01:
        return "<1%"
    return f"{min(round(share * 100), 99) if share < 1 else 100}%"


def _bound(share: float, n: int) -> str:
    if share in (0.0, 1.0):
        return f"{share * 100:.0f}"
    return f"{share * 100:.1f}" if n >= TENTHS_FROM else f"{share * 100:.0f}"


def _tone(hit: int, n: int, bounds: tuple[float, float] | None, goal: float | None) -> Tone:
    if goal is None or bounds is None or n < FULL_FROM:
        return Tone.NEUTRAL
    if hit / n >= goal:
        return Tone.GOOD
    return Tone.NEAR if bounds[1] >= goal else Tone.BAD


def _count(figures: Mapping[str, Value], key: str) -> int:
    value = figures[key]
    return value if isinstance(value, int) else 0


def _share(figures: Mapping[str, Value], key: str) -> float | None:
    value = figures[key]
    return float(value) if isinstance(value, int | float) else None


def _bounds(figures: Mapping[str, Value]) -> tuple[float, float] | None:
    value = figures["wilson"]
    return (value[0], value[1]) if isinstance(value, list | tuple) else None
