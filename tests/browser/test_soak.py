"""Neither the page nor the server grows: a short version of ``benchmarks.soak``."""

import shutil

import pytest

from benchmarks.soak import measure

pytestmark = pytest.mark.browser

MINUTES = 0.6
"""However slow the machine, the test takes less than a minute."""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_wall_does_not_grow_with_its_updates():
    found = measure(240, base=80, minutes=MINUTES)

    assert found["updates"] >= 100
    assert found["console_errors"] == 0, found["first_error"]
    assert found["heap_end_mb"] <= found["heap_start_mb"] * 1.10
    assert found["nodes_end"] <= found["nodes_start"] * 1.05
    # its caches are still filling: within 5 % is promised from the thousandth update on
    assert found["rss_end_mb"] <= found["rss_start_mb"] * 1.15
