"""What was known then is what a street that stopped listening then would say."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import QueryError
from pipelines.figures.intake import intake
from pipelines.figures.query import By, Query, kpi, parse, rows
from pipelines.installation import Installation
from tests.builders import MUCH_LATER, at
from tests.pipelines.installations import (
    IN_G1,
    IN_G3,
    a_batch,
    a_call,
    a_record,
    an_installation,
)
from tests.stores import examples, on_every_database

pytestmark = on_every_database

Told = list[tuple[int, list[dict[str, str]]]]
"""(seconds after nine, the rows that were received then)."""


def told(folder: Path, batches: Told) -> Installation:
    street = an_installation(folder)
    for n, (seconds, calls) in enumerate(batches):
        records = [a_record(row, ordinal=100 * n + i) for i, row in enumerate(calls)]
        street.door.accept(street.sources[0], a_batch(*records), now=at(seconds))
    return street


def answers(street: Installation, **query: Any) -> list[Any]:
    asked = [Query(**{"as_of": MUCH_LATER, "by": by, **query}) for by in (None, By.GRID, By.KIND)]
    with street.store.reading() as reader:
        figures = [kpi(reader, q, street.desk) for q in asked]
        listed = rows(reader, asked[0], street.desk)
        came = intake(reader, Query(**{**query, "as_of": at(4000), "start": at(0)}), street.desk)
    return [*figures, listed, came]


def test_a_late_correction_does_not_change_what_was_known_before_it(tmp_path):
    street = told(
        tmp_path,
        [
            (600, [a_call("A-1", arrived=280, resolved=500)]),
            (900, [a_call("A-1", arrived=420, resolved=500)]),
        ],
    )

    with street.store.reading() as reader:
        then = kpi(reader, Query(as_of=MUCH_LATER, known_at=at(700)), street.desk)[0]
        now = kpi(reader, Query(as_of=MUCH_LATER), street.desk)[0]

    assert (then["hit"], then["miss"]) == (1, 0)
    assert (now["hit"], now["miss"]) == (0, 1)


def test_an_incident_that_moved_is_in_the_grid_it_was_known_to_be_in(tmp_path):
    street = told(
        tmp_path,
        [
            (100, [a_call("A-1", place=IN_G1)]),
            (200, [a_call("A-1", place=IN_G3)]),
        ],
    )

    with street.store.reading() as reader:
        then = kpi(reader, Query(as_of=at(250), known_at=at(150), by=By.GRID), street.desk)

    assert [group["key"] for group in then] == ["G1"]


def test_an_incident_that_nobody_had_told_of_was_not_known(tmp_path):
    street = told(tmp_path, [(5000, [a_call("A-1", arrived=200, resolved=900)])])

    with street.store.reading() as reader:
        assert rows(reader, Query(as_of=MUCH_LATER, known_at=at(4000)), street.desk) == []


calls = st.builds(
    a_call,
    st.sampled_from(["A-1", "A-2", "A-3"]),
    place=st.sampled_from([IN_G1, IN_G3, None]),
    kind=st.sampled_from(["fire", "noise"]),
    reported=st.sampled_from([0, 10]),
    arrived=st.sampled_from([None, 200, 310]),
    resolved=st.sampled_from([None, 700]),
)
histories = st.lists(
    st.tuples(st.integers(100, 3000), st.lists(calls, min_size=1, max_size=3)), max_size=6
).map(lambda batches: sorted(batches, key=lambda batch: batch[0]))


def test_known_then_is_what_a_store_that_stopped_then_says(tmp_path_factory, every_database):
    @settings(max_examples=examples(40), deadline=None)
    @given(histories, st.integers(0, 3200))
    def the_same(batches, seconds):
        whole = told(tmp_path_factory.mktemp("whole"), batches)
        stopped = told(tmp_path_factory.mktemp("stopped"), [b for b in batches if b[0] <= seconds])

        assert answers(whole, known_at=at(seconds)) == answers(stopped)
        whole.store.close()
        stopped.store.close()

    the_same()


def test_asked_only_what_was_known_the_clock_stands_then(tmp_path):
    street = an_installation(tmp_path)
    query = parse(
        {"known_at": at(60).isoformat()}, now=at(0) + timedelta(days=9), zone=street.desk.zone
    )

    assert query.as_of == query.known_at == at(60)


@pytest.mark.parametrize("known_at", ["yesterday", "2026-13-01"])
def test_a_moment_that_is_none_is_refused(tmp_path, known_at):
    street = an_installation(tmp_path)
    with pytest.raises(QueryError, match="known_at"):
        parse({"known_at": known_at}, now=at(0), zone=street.desk.zone)
