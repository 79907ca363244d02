"""A process gives back what it no longer needs."""

import sys

import pytest

from pipelines.memory import give_back
from tests.dashboard.test_hub_under_load import rss_mb


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can")
def test_what_was_let_go_of_goes_back_to_the_system():
    small = [bytes(3000) for _ in range(30_000)]
    kept = small[::500]
    full = rss_mb()

    del small
    give_back()

    assert len(kept) == 60
    assert full - rss_mb() > 50
