"""What the screen side asks of the number side."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from pipelines.snapshot import Snapshot


class Backend(Protocol):
    """The one thing the server needs to be given; tests give a fake.

    Every method may be called from any thread.
    """

    @property
    def rate(self) -> float:
        """How fast the product's clock runs: 1.0, or more in a fast replay."""

    def now(self) -> datetime:
        """The product's clock: aware, UTC."""

    def version(self) -> int:
        """A number that changes whenever the store has changed; takes microseconds."""

    def snapshot(self) -> Snapshot:
        """One consistent read of all that the screens show; called in a worker thread."""

    def kpi(self, parameters: Mapping[str, str], /) -> list[dict[str, Any]]:
        """The figures of a query; raises QueryError for a wrong parameter."""

    def rows(self, parameters: Mapping[str, str], /) -> list[dict[str, Any]]:
        """The rows behind the figures of a query; raises QueryError for a wrong parameter."""

    def intake(self, params: Mapping[str, str]) -> list[dict[str, object]]:
        """Intake per 5 minutes; raises QueryError for a wrong parameter."""

    def health(self) -> dict[str, Any]:
        """How the product is doing; ``status`` is ``ok`` or ``degraded``."""

    def grids_geojson(self) -> bytes:
        """The grid outlines as a FeatureCollection; ``feature.id`` is the grid's code."""
