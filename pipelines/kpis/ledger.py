"""The ledger: what each reason for leaving an incident out, and each verdict, means.

Source: KPI contract, sections 3 and 4.
"""

from pipelines.kpis.kpi import Better, Kpi, Unit
from pipelines.model.clock import Verdict
from pipelines.model.fact import Reason

REASONS = {
    Reason.NOT_EMERGENCY: "Its kind, as known at dispatch, is not of the emergency class.",
    Reason.PATROL_FOUND: "Found by a patrol: the arrival is the start.",
    Reason.DRILL: "A drill.",
    Reason.SCHEDULED: "Scheduled work, not a demand.",
    Reason.OTHER_JURISDICTION: "Its position lies outside every grid of the area.",
    Reason.MERGED_CHILD: "Merged into another incident, which keeps the earliest start.",
    Reason.CANCELLED_IN_TIME: "Cancelled before the target had passed, without the milestone.",
    Reason.NO_TARGET: "No such target is set for its kind, severity and area.",
}
"""Why an incident is in neither numerator nor denominator, by ledger reason."""

VERDICTS = {
    Verdict.HIT: "H: the stamp lies between the start of the clock and the target, both included.",
    Verdict.MISS: "M: later than the target; or open past it while the source is alive; "
    "or cancelled after it without the milestone.",
    Verdict.UNKNOWN: "X: the target has passed, the incident is closed or its source silent, "
    "and the stamp was never recorded.",
    Verdict.PENDING: "P: still inside the target; in neither numerator nor denominator.",
    Verdict.QUARANTINED: "Q: the stamps are in an impossible order (negative duration); or it was "
    "there before our receipt, and no source has said yet when it was reported.",
    Verdict.EXCLUDED: "Left out, and counted in the ledger by reason.",
}
"""What each verdict says of one target of one incident."""

EXCLUDED = Kpi(
    id="excluded",
    name="Excluded",
    definition="The ledger: every incident that was left out, by reason.",
    unit=Unit.LEDGER,
    better=Better.NEITHER,
    value=lambda tally: tally.excluded,
)
