"""A snapshot of an installation at a moment, as a screen would get it."""

from datetime import datetime

from pipelines.feeds.health import Health
from pipelines.installation import Installation
from pipelines.snapshot import Snapshot
from pipelines.wall.overview import Memory, read_snapshot


def the_snapshot(
    installation: Installation,
    now: datetime,
    *,
    memory: Memory | None = None,
    health: Health | None = None,
) -> Snapshot:
    """What the wall shows at ``now``."""
    with installation.store.reading() as reader:
        return read_snapshot(
            reader,
            installation,
            health or Health(),
            memory or Memory(installation),
            now=now,
        )
