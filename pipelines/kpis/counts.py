"""How many incidents there are of each verdict."""

from pipelines.kpis.kpi import Better, Kpi, Unit
from pipelines.kpis.ledger import VERDICTS
from pipelines.model.clock import Verdict

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
    definition=VERDICTS[Verdict.HIT],
    unit=Unit.INCIDENTS,
    better=Better.HIGHER,
    value=lambda tally: tally.hit,
)
MISS = Kpi(
    id="miss",
    name="Miss",
    definition=VERDICTS[Verdict.MISS],
    unit=Unit.INCIDENTS,
    better=Better.LOWER,
    value=lambda tally: tally.miss,
)
UNKNOWN = Kpi(
    id="unknown",
    name="Unknown",
    definition=VERDICTS[Verdict.UNKNOWN],
    unit=Unit.INCIDENTS,
    better=Better.LOWER,
    value=lambda tally: tally.unknown,
)
PENDING = Kpi(
    id="pending",
    name="Pending",
    definition=VERDICTS[Verdict.PENDING],
    unit=Unit.INCIDENTS,
    better=Better.NEITHER,
    value=lambda tally: tally.pending,
)
QUARANTINED = Kpi(
    id="quarantined",
    name="Quarantined",
    definition=VERDICTS[Verdict.QUARANTINED],
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
