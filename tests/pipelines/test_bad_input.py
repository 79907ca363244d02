"""Input that is wrong or on the edge, through the door: the verdict, and the reason it gives."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.errors import QueryError, SettingsError
from pipelines.figures.query import By, Query, kpi, parse, rows
from pipelines.installation import Installation
from tests.builders import MUCH_LATER, an_incident, the_outcome
from tests.pipelines.installations import (
    a_call,
    altered,
    an_installation,
    taken_in,
    the_settings,
)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    yield installation
    installation.store.close()


def verdicts(street: Installation, **query: object) -> dict[str, str]:
    """By incident, its verdict and the reason."""
    asked = Query(**{"as_of": MUCH_LATER} | query)  # type: ignore[arg-type]
    with street.store.reading() as reader:
        found = rows(reader, asked, street.desk)
        (line,) = kpi(reader, asked, street.desk)
    assert line["eligible"] + sum(line["excluded"].values()) == len(found)
    return {row["incident_key"]: f"{row['verdict']}: {row['reason']}" for row in found}


def test_facts_in_an_impossible_order_are_quarantined_and_never_a_hit(street):
    taken_in(street, a_call("A-1", arrived=-60, resolved=900))

    assert verdicts(street) == {"A-1": "quarantined: negative_duration"}


def test_an_order_that_is_odd_but_possible_for_the_clock_is_judged_by_it(street):
    taken_in(street, a_call("A-1", dispatched=250, arrived=200, resolved=900))

    assert verdicts(street) == {"A-1": "hit: in_time"}
    assert verdicts(street, reading="staged") == {"A-1": "quarantined: negative_duration"}


def test_an_arrival_without_a_report_is_set_aside_where_the_source_should_say_it(street):
    counts = taken_in(street, a_call("A-1", reported=None, arrived=400, resolved=900))

    assert (counts.stored, counts.quarantined) == (0, 1)
    assert counts.problems[0].rule == "is empty, so there is no moment to start the clock at"


def test_an_arrival_without_a_report_is_measured_from_our_receipt_where_it_is_taken():
    outcome = the_outcome(an_incident(reported=None, recorded=200, arrived=400))

    assert (outcome.verdict, outcome.reason, outcome.seconds) == ("hit", "in_time", 200)


def test_of_two_arrivals_the_first_counts_in_whatever_order_they_come(street):
    first, second = (
        a_call("A-1", record=f"r{n}", unit=f"E{n}", arrived=seconds, resolved=900)
        for n, seconds in ((1, 400), (2, 250))
    )
    taken_in(street, first)
    before = verdicts(street)
    taken_in(street, second)

    assert before == {"A-1": "miss: late"}
    assert verdicts(street) == {"A-1": "hit: in_time"}


@pytest.mark.parametrize(
    ("arrived", "verdict"), [(299, "hit: in_time"), (300, "hit: in_time"), (301, "miss: late")]
)
def test_one_second_either_side_of_the_target(street, arrived, verdict):
    taken_in(street, a_call("A-1", arrived=arrived, resolved=900))

    assert verdicts(street) == {"A-1": verdict}


def test_incidents_that_are_said_to_be_merged_into_each_other_are_both_in_the_ledger(tmp_path):
    street = altered(tmp_path, '{ yes = "drill" }', '{ yes = "merged_child" }')
    taken_in(street, a_call("A-1", drill="yes", arrived=9), a_call("A-2", drill="yes", arrived=9))

    assert verdicts(street) == dict.fromkeys(("A-1", "A-2"), "excluded: merged_child")
    street.store.close()


@pytest.mark.parametrize("key", ["arrived", "resolved"])
def test_a_target_of_no_time_stops_the_start_and_says_why(tmp_path, key):
    more = f'\n[targets.kinds.fire]\n{key} = "0s"\n'

    with pytest.raises(
        SettingsError, match=rf"targets\.kinds\.fire\]: {key} = '0s'.*longer than zero"
    ):
        the_settings(tmp_path, more=more)


def test_a_window_that_ends_before_it_starts_is_refused_by_name():
    with pytest.raises(QueryError, match="to = '2026-03-01' is not after from = '2026-03-02'"):
        parse({"from": "2026-03-02", "to": "2026-03-01"}, now=MUCH_LATER, zone=UTC)


def test_an_unknown_grid_is_not_on_the_map_and_still_counts(street):
    taken_in(street, a_call("A-1", place=None, grid="Z9", arrived=200))

    with street.store.reading() as reader:
        (line,) = kpi(reader, Query(as_of=MUCH_LATER, by=By.GRID), street.desk)
        assert kpi(reader, Query(as_of=MUCH_LATER, by=By.GRID, grid="Z9"), street.desk) == []
    assert (line["key"], line["hit"]) == ("not_on_map", 1)


@pytest.mark.parametrize(
    ("reported", "arrived", "verdict"),
    [
        # two in the morning of 8 March 2026 does not exist in California
        ("2026-03-08T01:58:00", "2026-03-08T03:02:00", "hit: in_time"),
        ("2026-03-08T01:58:00", "2026-03-08T03:03:01", "miss: late"),
        ("2024-02-29T23:58:00", "2024-03-01T00:03:00", "hit: in_time"),
        ("2024-02-28T23:58:00", "2024-02-29T00:03:01", "miss: late"),
    ],
)
def test_days_on_which_clocks_or_calendars_change_are_measured_in_true_seconds(
    tmp_path, reported, arrived, verdict
):
    street = an_installation(tmp_path, zone="America/Los_Angeles")
    call = a_call("A-1", reported=reported, arrived=arrived)
    received = datetime(2026, 3, 20, tzinfo=UTC)
    taken_in(street, call, now=received)

    day = datetime.fromisoformat(reported[:10]).replace(tzinfo=UTC)
    window = {"start": day - timedelta(days=1), "end": day + timedelta(days=2)}
    assert verdicts(street, as_of=received, **window) == {"A-1": verdict}
    street.store.close()


@pytest.mark.parametrize(
    ("arrived", "verdict", "doubted"),
    [
        ("2026-03-02T09:03", "hit", False),
        ("2026-03-02T09:05", "hit", True),
        ("2026-03-02T09:07", "miss", False),
    ],
)
def test_minute_stamps_that_straddle_the_target_are_counted_and_doubted(
    tmp_path, arrived, verdict, doubted
):
    street = altered(tmp_path, 'type = "table"', 'type = "table"\nprecision = "1m"')
    taken_in(street, a_call("A-1", arrived=arrived, resolved=900))

    with street.store.reading() as reader:
        (row,) = rows(reader, Query(as_of=MUCH_LATER), street.desk)
        (line,) = kpi(reader, Query(as_of=MUCH_LATER), street.desk)
    assert (row["verdict"], row["indeterminate"]) == (verdict, doubted)
    assert line["indeterminate"] == doubted
    street.store.close()
