"""A flood of what is no emergency: memory stays bounded, and nothing that was confirmed is lost."""

import asyncio
from pathlib import Path

from benchmarks.flood import measure

GROWTH_MB = 120.0
"""Of which a cache of pages of the store, which any load fills, may have 64."""


def test_in_a_flood_memory_is_bounded_and_nothing_confirmed_is_lost(tmp_path: Path) -> None:
    found = asyncio.run(measure(tmp_path, flood_s=5.0, calm_s=1.0))

    assert found["lost"] == 0
    assert found["stored"] == found["sent"] > 100
    assert found["rss_peak_mb"] - found["rss_start_mb"] < GROWTH_MB
