"""Intake counts who was reported in each five minutes, whoever they are."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import QueryError
from pipelines.figures.intake import intake, series
from pipelines.figures.query import By, Query
from pipelines.installation import Installation
from tests.builders import NINE, at
from tests.pipelines.installations import IN_G1, IN_G3, a_call, an_installation, taken_in

LATER = at(3600)


def asked(street: Installation, **query: Any) -> list[dict[str, Any]]:
    with street.store.reading() as reader:
        return intake(reader, Query(**{"as_of": LATER, "start": NINE, **query}), street.desk)


def counts(group: dict[str, Any]) -> list[int]:
    return [window["count"] for window in group["windows"]]


@pytest.fixture
def street(tmp_path: Path) -> Installation:
    return an_installation(tmp_path)


def test_each_incident_counts_in_the_five_minutes_it_was_reported_in(street):
    taken_in(street, *(a_call(f"A-{s}", reported=s) for s in (0, 299, 300, 3599)))

    (whole,) = asked(street, end=LATER)

    assert counts(whole) == [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert whole["windows"][1]["start"] == at(300).isoformat()


def test_a_complaint_and_a_drill_are_intake_too(street):
    taken_in(street, a_call("A-1", kind="noise"), a_call("A-2", drill="yes"), a_call("A-3"))

    assert sum(counts(asked(street)[0])) == 3


def test_the_groups_add_up_to_the_whole_with_those_that_are_not_on_the_map(street):
    places = {"A-1": IN_G1, "A-2": IN_G1, "A-3": IN_G3, "A-4": None}
    taken_in(street, *(a_call(key, place=place) for key, place in places.items()))

    by_grid = {group["key"]: sum(counts(group)) for group in asked(street, by=By.GRID)}

    assert by_grid == {"G1": 2, "G3": 1, "not_on_map": 1}


def test_what_has_not_been_reported_yet_is_not_counted(street):
    taken_in(street, a_call("A-1", reported=10), a_call("A-2", reported=200))

    assert counts(asked(street, as_of=at(100))[0]) == [1]


def test_nothing_reported_is_a_row_of_zeros(street):
    (whole,) = asked(street)

    assert whole["key"] == "all"
    assert set(counts(whole)) == {0}


def test_without_a_start_it_looks_back_a_day(street):
    (whole,) = asked(street, start=None)

    assert len(whole["windows"]) in (288, 289)


def test_too_long_a_span_is_refused_with_what_is_allowed(street):
    with pytest.raises(QueryError, match="at most 31"):
        asked(street, start=LATER - timedelta(days=40))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 6 * 3600 - 1), max_size=40))
def test_the_series_of_a_screen_counts_everyone_in_its_hours(tmp_path_factory, seconds):
    street = an_installation(tmp_path_factory.mktemp("street"))
    taken_in(street, *(a_call(f"A-{n}", reported=s) for n, s in enumerate(seconds)))

    with street.store.reading() as reader:
        start, counted = series(reader, at(6 * 3600 - 1), 6, street.desk)

    assert start == NINE
    assert len(counted) == 72
    assert counted == [sum(s // 300 == i for s in seconds) for i in range(72)]
    street.store.close()
