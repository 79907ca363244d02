"""What has not settled stays cheap, and a silent source changes what its open cases say."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.figures.query import Query, tallies
from pipelines.installation import Installation
from pipelines.model.tally import EMPTY, Tally, tally_of
from pipelines.store.rows import to_ms
from tests.builders import MUCH_LATER, at
from tests.pipelines.installations import a_call, an_installation, taken_in
from tests.pipelines.test_ingest import an_empty_street
from tests.pipelines.test_query import (
    calls,
    every_incident,
    group_of,
    is_asked_for,
    moments,
    queries,
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return an_installation(tmp_path_factory.mktemp("street"), zone="America/Los_Angeles")


@contextmanager
def a_silent_street(template: Installation) -> Iterator[Installation]:
    """A street whose one source is silent, whenever somebody asks."""
    with an_empty_street(template) as street:
        silent = replace(street.desk, silent=lambda reader, now: frozenset({"calls"}))
        yield replace(street, desk=silent)


@settings(max_examples=40)
@given(said=st.lists(calls(), max_size=14), asked=st.lists(queries, min_size=1, max_size=5))
def test_what_a_silent_source_leaves_open_is_unknown_one_by_one_and_added_up(
    template: Installation, said: list[dict[str, str]], asked: list[Query]
) -> None:
    with a_silent_street(template) as street:
        taken_in(street, *said)

        for query in asked:
            expected: dict[str, Tally] = {}
            for incident in every_incident(street):
                if is_asked_for(incident, query, street):
                    key = group_of(incident, query, street)
                    one = tally_of(incident, street.desk.rules, now=query.as_of, source_alive=False)
                    expected[key] = expected.get(key, EMPTY) + one
            with street.store.reading() as reader:
                assert tallies(reader, query, street.desk) == expected


@settings(max_examples=40)
@given(said=st.lists(calls(), max_size=14), moment=moments)
def test_who_is_unsettled_at_a_moment_is_found_by_time_to_settle(
    template: Installation, said: list[dict[str, str]], moment: datetime
) -> None:
    with an_empty_street(template) as street:
        taken_in(street, *said)
        begin, end = moment - timedelta(days=90), moment + timedelta(milliseconds=1)

        with street.store.reading() as reader:
            window = {"begin_ms": to_ms(begin), "end_ms": to_ms(end)}
            found = {row.id for row in reader.unsettled(to_ms(moment), **window)}
            every = reader.incident_rows()

        assert found == {
            row.id
            for row in every
            if to_ms(begin) <= row.t0_ms < to_ms(end) and row.settles_ms > to_ms(moment)
        }


def test_what_is_never_closed_is_judged_once_and_not_at_every_question(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    taken_in(street, *(a_call(f"A-{n}", reported=n * 60) for n in range(200)))

    with street.store.reading() as reader:
        window = {"begin_ms": 0, "end_ms": to_ms(MUCH_LATER)}
        later = list(reader.unsettled(to_ms(MUCH_LATER), **window))
        meanwhile = list(reader.unsettled(to_ms(at(100 * 60)), **window))

    assert later == []
    assert 0 < len([row for row in meanwhile if row.t0_ms <= to_ms(at(100 * 60))]) < 10
    street.store.close()
