"""How many incidents there are of each verdict, and how many were left out."""

from pipelines.kpis.kpi import Better, Kpi, Unit
from pipelines.model.tally import ClockTally

ELIGIBLE = Kpi(
    id="eligible",
    name="Eligible",
    definition="E: emergency-class at dispatch, demanded from outside, inside the area.",
    unit=Unit.INCIDENTS,
    better=Better.NEITHER,
    value=lambda tally: tally.eligible,
)
HIT = Kpi(
    id="hit",
    name="Hit",
    definition="H: the stamp lies between the start of the clock and the target, both included.",
    unit=Unit.INCIDENTS,
    better=Better.HIGHER,
    value=lambda tally: tally.hit,
)
MISS = Kpi(
    id="miss",
    name="Miss",
    definition="M: later than the target; or open past it with a live source; "
    "or cancelled after it without the milestone.",
    unit=Unit.INCIDENTS,
    better=Better.LOWER,
    value=lambda tally: tally.miss,
)
UNKNOWN = Kpi(
    id="unknown",
    name="Unknown",
    definition="X: the target has passed, the incident is closed or its source silent, "
    "and the stamp was never recorded.",
    unit=Unit.INCIDENTS,
    better=Better.LOWER,
    value=lambda tally: tally.unknown,
)
PENDING = Kpi(
    id="pending",
    name="Pending",
    definition="P: still inside the target; in neither numerator nor denominator.",
    unit=Unit.INCIDENTS,
    better=Better.NEITHER,
    value=lambda tally: tally.pending,
)
QUARANTINED = Kpi(
    id="quarantined",
    name="Quarantined",
    definition="Q: the stamps are in an impossible order (negative duration).",
    unit=Unit.INCIDENTS,
    better=Better.LOWER,
    value=lambda tally: tally.quarantined,
)
INDETERMINATE = Kpi(
    id="indeterminate",
    name="Indeterminate",
    definition="Of hits and misses, those that the precision of the stamps makes uncertain.",
    unit=Unit.INCIDENTS,
    better=Better.LOWER,
    value=lambda tally: tally.indeterminate,
)


def _ledger(tally: ClockTally) -> dict[str, int]:
    return tally.excluded


EXCLUDED = Kpi(
    id="excluded",
    name="Excluded",
    definition="The ledger: every incident that was left out, by reason.",
    unit=Unit.LEDGER,
    better=Better.NEITHER,
    value=_ledger,
)
