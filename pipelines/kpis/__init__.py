"""The figures, one subject a file; adding one is a file and a line in ``KPIS``."""

from pipelines.kpis import counts, ledger, percentiles, rates, valves
from pipelines.kpis.kpi import Kpi, Value
from pipelines.model.tally import ClockTally

__all__ = ["KPIS", "Kpi", "Value", "figures"]

KPIS: tuple[Kpi, ...] = (
    counts.ELIGIBLE,
    counts.HIT,
    counts.MISS,
    counts.UNKNOWN,
    counts.PENDING,
    counts.QUARANTINED,
    counts.INDETERMINATE,
    rates.KNOWN,
    rates.LOW,
    rates.HIGH,
    rates.COVERAGE,
    rates.WILSON,
    percentiles.P50,
    percentiles.P90,
    percentiles.P95,
    valves.CANCELLED,
    valves.DOWNGRADED,
    valves.RETURNED,
    valves.BACKFILLED,
    valves.VERY_SHORT,
    ledger.EXCLUDED,
)


def figures(tally: ClockTally) -> dict[str, Value]:
    """Every figure of one clock, by id."""
    return {kpi.id: kpi.value(tally) for kpi in KPIS}
