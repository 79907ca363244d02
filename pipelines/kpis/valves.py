"""Escape valves: what a good rate could owe to something else than speed.

Shown beside the rate (KPI contract, section 4). None says that anything is wrong; each says where
to look.
"""

from collections.abc import Callable

from pipelines.kpis.kpi import Better, Kpi, Unit
from pipelines.kpis.rates import share
from pipelines.model.clock import Mark
from pipelines.model.fact import Reason
from pipelines.model.tally import ClockTally

VERY_SHORT_S = 10
"""Durations below this are kept, and flagged."""


def _of_eligible(count: Callable[[ClockTally], int]) -> Callable[[ClockTally], float | None]:
    return lambda tally: share(count(tally), tally.eligible)


def _cancelled(tally: ClockTally) -> float | None:
    in_time = tally.left_out(Reason.CANCELLED_IN_TIME)
    return share(tally.marked(Mark.CANCELLED) + in_time, tally.eligible + in_time)


CANCELLED = Kpi(
    id="cancelled",
    name="Cancelled",
    definition="Share that was cancelled at any time, of the eligible and those cancelled in time.",
    unit=Unit.SHARE,
    better=Better.NEITHER,
    value=_cancelled,
)
DOWNGRADED = Kpi(
    id="downgraded",
    name="Downgraded",
    definition="Share of the eligible whose kind is no emergency any more; they still count.",
    unit=Unit.SHARE,
    better=Better.NEITHER,
    value=_of_eligible(lambda tally: tally.marked(Mark.DOWNGRADED)),
)
RETURNED = Kpi(
    id="returned",
    name="Returned",
    definition="Share of the eligible that whoever they were sent to handed back at least once; "
    "their clocks ran on from the same t0.",
    unit=Unit.SHARE,
    better=Better.NEITHER,
    value=_of_eligible(lambda tally: tally.marked(Mark.RETURNED)),
)
BACKFILLED = Kpi(
    id="backfilled",
    name="Backfilled",
    definition="Share of the measured durations with a stamp that was entered afterwards.",
    unit=Unit.SHARE,
    better=Better.LOWER,
    value=lambda tally: share(tally.marked(Mark.BACKFILLED), tally.measured),
)
VERY_SHORT = Kpi(
    id="very_short",
    name="Very short",
    definition=f"Share of the measured durations below {VERY_SHORT_S} s; they are kept.",
    unit=Unit.SHARE,
    better=Better.NEITHER,
    value=lambda tally: share(tally.shorter_than(VERY_SHORT_S), tally.measured),
)
