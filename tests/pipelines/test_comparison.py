"""Grids are compared by what their size leaves in doubt, and by how long the last miss is ago."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import QueryError
from pipelines.figures.comparison import compare
from pipelines.figures.query import By, Query
from pipelines.installation import Installation
from tests.builders import MUCH_LATER, at
from tests.pipelines.installations import IN_G1, IN_G3, a_call, an_installation, taken_in

DAY = 86_400


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    yield installation
    installation.store.close()


def compared(street: Installation, query: Query) -> dict[str, dict[str, object]]:
    with street.store.reading() as reader:
        return {row["key"]: row for row in compare(reader, query, street.desk)}


def test_each_grid_has_its_counts_its_shrunk_rate_and_its_last_miss(street):
    hits = [
        a_call(f"H-{n}", place=IN_G1, reported=n * 60, arrived=n * 60 + 200, resolved=n * 60 + 900)
        for n in range(20)
    ]
    missed = a_call("M-1", place=IN_G3, reported=-3 * DAY, arrived=-3 * DAY + 400)
    taken_in(street, *hits, missed, a_call("M-0", place=IN_G3, reported=-9 * DAY))

    found = compared(street, Query(as_of=at(7200), by=By.GRID))

    assert (found["G1"]["hit"], found["G1"]["known"], found["G1"]["days_since_miss"]) == (
        20,
        20,
        None,
    )
    assert (found["G3"]["hit"], found["G3"]["known"], found["G3"]["days_since_miss"]) == (0, 2, 3)
    assert 0 <= found["G3"]["shrunk"] < found["G1"]["shrunk"] <= 1
    assert (found["G3"]["verdict"], found["G3"]["side"]) == ("unusual", "low")


def test_what_has_not_been_missed_yet_is_no_miss(street):
    taken_in(street, a_call("A-1", place=IN_G1), a_call("A-2", place=IN_G3, reported=-400))

    before = compared(street, Query(as_of=at(300), by=By.GRID))
    after = compared(street, Query(as_of=at(301), by=By.GRID))

    assert (before["G1"]["days_since_miss"], after["G1"]["days_since_miss"]) == (None, 0)
    assert before["G3"]["days_since_miss"] == 0


def test_a_comparison_says_what_of(street):
    with pytest.raises(QueryError, match="by is missing"):
        compared(street, Query(as_of=MUCH_LATER))
