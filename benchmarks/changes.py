"""One change after the other, as the benchmarks of the screens make it and sum up what it took."""

import time
from datetime import UTC, datetime

from benchmarks.ingest import COLUMNS
from pipelines.connectors.record import Batch, Origin, Record
from pipelines.installation import Installation

VIEW = "/stream?page=wall&lang=en"
"""Where the count of open incidents is heard."""


def commit(installation: Installation, number: int) -> float:
    """Take in one new open incident; return the moment after its commit, in epoch ms."""
    now = datetime.now(UTC)
    fields = dict.fromkeys(COLUMNS, "") | {
        "id": f"L{number:09}",
        "reported": f"{now:%Y-%m-%d %H:%M:%S}",
        "kind": "fire",
        "lat": f"{30.2405 + number % 60 * 0.0004:.6f}",
        "lon": f"{120.2005 + number % 7 * 0.004:.6f}",
    }
    record = Record(
        raw=",".join(fields.values()).encode(),
        context=",".join(fields).encode(),
        fields=fields,
        origin=Origin("live", number),
        ordinal=number,
    )
    batch = Batch(records=(record,), part="live", position=str(number))
    counts = installation.door.accept(installation.sources[0], batch, now=now)
    at = time.time() * 1000
    assert counts.stored == 1, counts
    return at


def percentile(values: list[float], share: float) -> float:
    """Nearest rank, in tenths of a millisecond."""
    ordered = sorted(values)
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 1)
