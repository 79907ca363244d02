"""The running product, as the screens see it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipelines.clock import Clock, FastClock, SystemClock
from pipelines.health import Health
from pipelines.installation import Installation
from pipelines.intake import intake
from pipelines.overview import is_degraded, read_snapshot
from pipelines.query import kpi, parse, rows
from pipelines.schedule import Schedule
from pipelines.snapshot import Snapshot


class Live:
    """Polls the sources and answers the screens, on one clock.

    A replay that is faster than life sets the speed of the clock.
    """

    def __init__(self, installation: Installation, *, clock: Clock | None = None) -> None:
        self._installation = installation
        self._clock = clock or _clock(installation)
        self._health = Health()
        self._schedule = Schedule(installation, self._health, self._clock)

    @property
    def rate(self) -> float:
        """How fast the product's clock runs; 1.0 is life."""
        return self._clock.rate

    def start(self) -> None:
        """Begin to poll."""
        self._schedule.start()

    def stop(self) -> None:
        """Stop polling and close the store."""
        self._schedule.stop()
        self._installation.store.close()

    def now(self) -> datetime:
        """The product's time, aware UTC."""
        return self._clock.now()

    def version(self) -> int:
        """Changes whenever the store or a source's state did."""
        return self._installation.store.version() * 1_000_003 + self._health.changes

    def snapshot(self) -> Snapshot:
        """The state of the street now."""
        with self._installation.store.reading() as reader:
            return read_snapshot(reader, self._installation, self._health, now=self.now())

    def kpi(self, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        """The figures; raises QueryError."""
        return self._answer(kpi, parameters)

    def rows(self, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        """The incidents behind the figures; raises QueryError."""
        return self._answer(rows, parameters)

    def intake(self, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Intake per 5 minutes; raises QueryError."""
        return self._answer(intake, parameters)

    def health(self) -> dict[str, Any]:
        """How the product and each source are doing, in words a monitor can read."""
        with self._installation.store.reading() as reader:
            delivered = reader.sources()
        now = self.now()
        lines = self._health.report(self._installation.sources, delivered, now=now)
        return {
            "status": "degraded" if is_degraded(line.state for line in lines) else "ok",
            "now": now.isoformat(),
            "replay": any(source.replay for source in self._installation.sources),
            "sources": [_health_line(line, delivered.get(line.id)) for line in lines],
        }

    def grids_geojson(self) -> bytes:
        """The grid polygons."""
        return self._installation.grids.geojson

    def _answer(self, question: Any, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        installation = self._installation
        query = parse(parameters, now=self.now(), zone=installation.desk.zone)
        with installation.store.reading() as reader:
            answer: list[dict[str, Any]] = question(reader, query, installation.desk)
        return answer


def _clock(installation: Installation) -> Clock:
    base = SystemClock()
    speeds = [s.replay.options.speed for s in installation.sources if s.replay is not None]
    if not speeds or speeds[0] == 1:
        return base
    start = base.now()
    return FastClock(base=base, anchor=start, start=start, rate=speeds[0])


def _health_line(line: Any, row: Any) -> dict[str, Any]:
    return {
        "id": line.id,
        "state": line.state.value,
        "since": line.state_since.isoformat() if line.state_since else None,
        "last_record_at": line.last_record_at.isoformat() if line.last_record_at else None,
        "problem": line.problem,
        "records": row.reports if row is not None else 0,
        "quarantined": row.quarantined if row is not None else 0,
        "flagged": row.flagged if row is not None else 0,
    }
