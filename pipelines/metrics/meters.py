"""What a process measures of itself, as Prometheus reads it. No record, no person, is in it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipelines.desk.roster import Roster, SourceDetail
from pipelines.door.gateway import Gateway
from pipelines.door.receipt import Counts
from pipelines.snapshot import SourceState

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

Numbers = Callable[[], Mapping[str, float]]
"""Numbers by name, as they are now; a name that ends with ``_total`` only grows."""

_HUB = {
    "stream_clients": "Screens that are connected to this process.",
    "hub_views": "Views that this process draws: a page with its filters and its language.",
    "hub_draws_total": "Drawings of views.",
    "hub_pushes_total": "Changes that were pushed to the screens of a view.",
    "hub_pushed_bytes_total": "Bytes of those changes, each counted once for all screens.",
    "hub_overflows_total": "Times a screen was too slow and got the full state instead.",
    "hub_failures_total": "Times the store could not be read for the screens.",
}


class Meters:
    """The measures of one process. Safe from any thread."""

    def __init__(self) -> None:
        # when each counter began, a line more for every one; the library leaves it untyped
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._records = Counter(
            "grid135_records",
            "Records that went through the door, by source and by what became of them.",
            ("source", "outcome"),
            registry=self._registry,
        )
        self._database = Histogram(
            "grid135_database_seconds",
            "How long transactions of the store took, by whether they write.",
            ("access",),
            buckets=_SECONDS,
            registry=self._registry,
        )

    def counted(self, source: str, counts: Counts) -> None:
        """A batch of a source was stored."""
        became = {
            "stored": counts.stored,
            "duplicate": counts.duplicate,
            "quarantined": counts.quarantined,
            "signal": counts.signals,
        }
        for outcome, n in became.items():
            self._records.labels(source, outcome).inc(n)

    def took(self, access: str, seconds: float) -> None:
        """A transaction has ended that was for ``read`` or ``write``."""
        self._database.labels(access).observe(seconds)

    def watch(
        self,
        *,
        roster: Callable[[], Roster],
        gateway: Gateway,
        held: Callable[[], int],
        hub: Numbers = dict,
    ) -> None:
        """Ask these whenever somebody wants to know."""
        self._registry.register(_Asked(roster, gateway, held, hub))

    def text(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        return generate_latest(self._registry)


class _Asked(Collector):
    """What is looked up when it is asked for."""

    def __init__(
        self,
        roster: Callable[[], Roster],
        gateway: Gateway,
        held: Callable[[], int],
        hub: Numbers,
    ) -> None:
        self._roster = roster
        self._gateway = gateway
        self._held = held
        self._hub = hub

    def describe(self) -> Iterator[Metric]:
        """Nothing: looking it up when it is registered would need the store."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Each measure with its values now."""
        waiting = self._gateway.waiting()
        yield _gauge("queue_records", "Records received and not stored yet.", waiting.records)
        yield _gauge("queue_seconds", "How long the oldest of them has waited.", waiting.oldest_s)
        yield _gauge("sources_held", "Sources that this process takes in.", self._held())
        for name, value in self._hub().items():
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield kind(f"grid135_{name}", _HUB[name], value=value)
        yield from _of_sources(self._roster())


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"grid135_{name}", text, value=value)


_Reading = Callable[[SourceDetail], float | None]
_UNHEARD = (SourceState.DOWN, SourceState.UNATTENDED)
_OF_A_SOURCE: dict[str, tuple[str, _Reading]] = {
    "source_up": (
        "1 while a source is heard, 0 while it is down or taken in by no process.",
        lambda line: float(line.state not in _UNHEARD),
    ),
    "source_attended": (
        "1 while some process takes a source in.",
        lambda line: float(line.state is not SourceState.UNATTENDED),
    ),
    "source_lag_seconds": (
        "Receipt minus stamp of what came lately, the median.",
        lambda line: None if line.lag is None else line.lag.total_seconds(),
    ),
    "source_behind_seconds": (
        "How much later than usual its records come now; 0 while they come as usual.",
        lambda line: 0.0 if line.behind is None else line.behind.total_seconds(),
    ),
    "source_last_record_timestamp_seconds": (
        "When a source last delivered something.",
        lambda line: _timestamp(line.last_record_at),
    ),
    "source_quarantined": (
        "Records of a source that are in quarantine.",
        lambda line: float(line.quarantined),
    ),
    "source_unmapped": (
        "Records of a source with a code that no mapping names.",
        lambda line: float(line.unmapped),
    ),
}


def _of_sources(roster: Roster) -> Iterator[Metric]:
    for name, (text, reading) in _OF_A_SOURCE.items():
        family = GaugeMetricFamily(f"grid135_{name}", text, labels=("source",))
        for line in roster.lines:
            value = reading(line)
            if value is not None:
                family.add_metric((line.id,), value)
        yield family


def _timestamp(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
