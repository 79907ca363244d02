"""Every part of a whole installation is killed in turn, and nothing is lost or counted twice."""

from pathlib import Path

import pytest

from benchmarks.faults import measure
from tests.databases import a_server

MINUTES = 3.0


@pytest.mark.long
@pytest.mark.timeout(900)
def test_whatever_is_killed_every_record_is_there_once_and_the_figures_are_those_of_a_calm_run(
    tmp_path: Path,
) -> None:
    with a_server():  # PostgreSQL is installed; the server that is killed is the test's own
        pass

    found = measure(tmp_path, minutes=MINUTES, incidents=300, outage_s=5.0, seed=135)

    assert found["kills"] >= 10
    assert found["acknowledged"] > 1000
    assert (found["lost"], found["duplicates"], found["rollups_wrong"]) == (0, 0, 0)
    assert found["different"] == []
