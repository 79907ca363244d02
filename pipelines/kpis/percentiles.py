"""Percentiles of the pooled durations: nearest rank, never an average of percentiles."""

from pipelines.kpis.kpi import Better, Kpi, Unit
from pipelines.model.tally import ClockTally


def nearest_rank(tally: ClockTally, share: float) -> int | None:
    """The smallest duration in seconds that at least ``share`` of the cases do not exceed.

    Exact to the second below 15 minutes, to the histogram's bin above.
    """
    return tally.nearest_rank(share)


def _percentile(percent: int) -> Kpi:
    return Kpi(
        id=f"p{percent}_s",
        name=f"P{percent}",
        definition=f"Nearest-rank {percent}th percentile of all measured durations, "
        "late ones included.",
        unit=Unit.SECONDS,
        better=Better.LOWER,
        value=lambda tally: nearest_rank(tally, percent / 100),
    )


P50 = _percentile(50)
P90 = _percentile(90)
P95 = _percentile(95)
