"""A process gives back what it no longer needs."""

import subprocess
import sys

import pytest

from pipelines.host.memory import give_back
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


HEAPS = """
import ctypes, threading
{prepare}
room = threading.Barrier(4)
def work():
    room.wait()
    kept = [bytes(3000) for _ in range(100)]
    room.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads], [t.join() for t in threads]
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can")
@pytest.mark.parametrize(
    ("prepare", "one"),
    [("", False), ("from pipelines.host.memory import share_one_heap; share_one_heap()", True)],
)
def test_threads_share_one_heap_when_they_are_told_to(prepare, one):
    script = HEAPS.format(prepare=prepare)

    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stderr

    assert (said.count("Arena ") == 1) == one
