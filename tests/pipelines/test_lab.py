"""The definition lab: every rule counts the same incidents, and says which are its hits."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import QueryError
from pipelines.figures.groups import Query
from pipelines.figures.lab import (
    COUNTED,
    PUBLISHED,
    Cancelled,
    Fate,
    Lab,
    Line,
    Missing,
    Rule,
    Start,
    Status,
    Unit,
    clocks_of,
    counted,
    fate,
    lab,
    lab_lines,
    weighed,
)
from pipelines.figures.query import kpi
from pipelines.installation import Installation
from pipelines.model.clock import Reading
from pipelines.model.incident import Incident
from pipelines.model.milestone import TARGETED, Milestone
from tests.builders import MUCH_LATER, NINE, a_fact, a_statement, an_incident, at, the_rules
from tests.pipelines.installations import a_call, an_installation, taken_in

RULES = the_rules()
T = 300
seconds = st.none() | st.one_of(st.sampled_from([299, 300, 301]), st.integers(0, 900))


@st.composite
def emergencies(draw: st.DrawFn) -> dict[str, float | None]:
    """One closed incident to the second: when each milestone was, after the report."""
    return {
        "received": draw(st.integers(0, 120)),
        "accepted": draw(seconds),
        "dispatched": draw(seconds),
        "arrived": draw(seconds),
        "last": draw(st.none() | st.integers(0, 900)),
        "cancelled": draw(seconds),
        "resolved": 5000,
    }


def built(said: dict[str, float | None]) -> Incident:
    facts = [a_fact(Milestone(m), s) for m, s in said.items() if m != "last" and s is not None]
    statement = a_statement(facts=(a_fact(Milestone.REPORTED, 0), *facts))
    return an_incident(facts=statement.facts)


def the_last(said: dict[str, float | None]) -> int | None:
    """The last of two units comes no sooner than the first."""
    if said["last"] is None or said["arrived"] is None:
        return None
    return int(max(said["last"], said["arrived"]))


def by_hand(said: dict[str, float | None], start: Start, unit: Unit) -> str | None:
    """What one incident comes to, from the seconds alone."""
    begin: float | None = {
        Start.REPORTED: 0,
        Start.RECEIVED: said["received"],
        Start.ACCEPTED: said["accepted"],
        Start.STAGE: said["dispatched"],
    }[start]
    stop = said["arrived"]
    if unit is Unit.LAST and the_last(said) is not None:
        stop = the_last(said)
    cancelled = said["cancelled"]
    if begin is None and start is Start.STAGE:
        return (
            "missing" if stop is not None else "cancelled" if cancelled is not None else "missing"
        )
    # nobody accepted it: what it came to otherwise decides whether it counts
    unaccepted, begin = begin is None, begin or 0
    if stop is not None:
        found = "missing" if stop < begin else "hit" if stop - begin <= T else "miss"
    elif cancelled is not None:
        found = "cancelled" if cancelled - begin <= T else "miss"
    else:
        found = "missing"
    return "missing" if unaccepted and found != "cancelled" else found


def rate_by_hand(population: Sequence[dict[str, float | None]], rule: Rule) -> tuple[int, int]:
    hits = known = 0
    for said in population:
        found = by_hand(said, rule.start, rule.unit)
        if found == "cancelled":
            found = "missing" if rule.cancelled is Cancelled.IN else None
        if found == "missing":
            found = {Missing.LEFT_OUT: None, Missing.MISSED: "miss", Missing.MET: "hit"}[
                rule.missing
            ]
        hits += found == "hit"
        known += found is not None
    return hits, known


@given(said=st.lists(emergencies(), max_size=12))
def test_every_rule_counts_what_counting_by_hand_gives(said: list[dict[str, float | None]]) -> None:
    for clock, (missing, cancelled) in product(
        clocks_of(Milestone.ARRIVED, has_units=True), COUNTED
    ):
        fates = dict.fromkeys(Fate, 0)
        for one in said:
            last = the_last(one)
            found = fate(
                built(one), clock, Milestone.ARRIVED, RULES,
                last=None if last is None else a_fact(Milestone.ARRIVED, last).stamp,
                now=MUCH_LATER, alive=True,
            )  # fmt: skip
            if found is not None:
                fates[found] += 1

        assert counted(fates, missing, cancelled) == rate_by_hand(
            said, Rule(*clock, missing, cancelled)
        )


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    yield installation
    installation.store.close()


def asked(street: Installation, **more: object) -> Lab:
    with street.store.reading() as reader:
        return lab(reader, Query(as_of=MUCH_LATER, **more), street.desk)  # type: ignore[arg-type]


def line(found: Lab, rule: Rule) -> Line:
    return next(one for one in found.lines if one.rule == rule)


CALLS = (
    a_call("A-1", accepted=30, dispatched=90, arrived=250, resolved=900),
    a_call("A-2", accepted=30, dispatched=90, arrived=350, resolved=900),
    a_call("A-3", accepted=30, dispatched=90, resolved=900),
    a_call("A-4", accepted=30, dispatched=90, cancelled=120),
    a_call("A-5", accepted=200, dispatched=250, arrived=310, resolved=900),
    a_call("A-6", kind="noise", accepted=30),
    a_call("A-7", drill="yes", arrived=100),
)


def test_each_choice_does_what_it_says(street: Installation) -> None:
    taken_in(street, *CALLS, now=NINE)
    found = asked(street)

    def kn(**choices: object) -> tuple[int, int]:
        one = line(found, PUBLISHED._replace(**choices))
        return one.hit, one.known

    assert found.incidents == 7
    assert kn() == (1, 3)
    assert kn(missing=Missing.MISSED) == (1, 4)
    assert kn(missing=Missing.MET) == (2, 4)
    assert kn(missing=Missing.MISSED, cancelled=Cancelled.IN) == (1, 5)
    assert kn(missing=Missing.MET, cancelled=Cancelled.IN) == (3, 5)
    assert kn(start=Start.STAGE) == (3, 3)
    assert kn(start=Start.ACCEPTED) == (2, 3)


@pytest.mark.parametrize(("milestone", "reading"), list(product(TARGETED, Reading)))
def test_the_published_rule_is_the_figure_on_every_other_screen(
    street: Installation, milestone: Milestone, reading: Reading
) -> None:
    taken_in(street, *CALLS, now=NINE)
    query = Query(as_of=MUCH_LATER, milestone=milestone, reading=reading)

    with street.store.reading() as reader:
        (figures,) = kpi(reader, query, street.desk)
        found = lab(reader, query, street.desk)

    assert (found.published.hit, found.published.known) == (
        figures["hit"],
        figures["hit"] + figures["miss"],
    )
    low = line(found, found.published.rule._replace(missing=Missing.MISSED))
    assert low.rate == figures["low"]


def test_the_last_of_several_units_may_come_too_late(street: Installation) -> None:
    one = {"accepted": 30, "dispatched": 60, "resolved": 900}
    taken_in(
        street,
        a_call("A-1", record="r1", unit="E1", arrived=200, **one),
        a_call("A-1", record="r2", unit="E2", arrived=400, **one),
        a_call("A-2", unit="E1", arrived=200, **one),
        now=NINE,
    )
    found = asked(street)

    assert (found.published.hit, found.published.known) == (2, 2)
    last = line(found, PUBLISHED._replace(unit=Unit.LAST))
    assert (last.hit, last.known) == (1, 2)


def test_without_several_units_nobody_is_asked_which_one(street: Installation) -> None:
    taken_in(street, *CALLS, now=NINE)

    assert {one.rule.unit for one in asked(street).lines} == {Unit.FIRST}


def test_to_count_from_the_acceptance_is_not_defensible_and_not_in_the_range(
    street: Installation,
) -> None:
    taken_in(street, *(a_call(f"A-{n}", accepted=200, arrived=400) for n in range(40)), now=NINE)
    found = asked(street)

    accepted = line(found, PUBLISHED._replace(start=Start.ACCEPTED))
    assert (accepted.status, accepted.rate) == (Status.NOT_DEFENSIBLE, 1.0)
    assert found.high is not None
    assert found.high.rule.start is not Start.ACCEPTED


def test_the_receipts_of_an_import_measure_nothing(street: Installation) -> None:
    taken_in(street, *CALLS, now=NINE + timedelta(days=3))
    found = asked(street)

    received = line(found, PUBLISHED._replace(start=Start.RECEIVED))
    assert (received.status, received.rate) == (Status.NOT_APPLICABLE, None)
    assert found.low is not None
    assert found.low.rule.start is not Start.RECEIVED


def some(hit: int, miss: int, missing: int = 0) -> Lab:
    fates = {Fate.HIT: hit, Fate.MISS: miss, Fate.MISSING: missing}
    return weighed({(Start.REPORTED, Unit.FIRST): fates}, hit + miss + missing)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (some(90, 10), "robust"),
        (some(90, 10, 1), "robust"),
        (some(90, 10, 5), "depends"),
        (some(90, 10, 30), "rules"),
        (some(0, 0), "nothing"),
        (some(0, 0, 3), "rules"),
    ],
)
def test_the_range_is_put_into_a_word(found: Lab, said: str) -> None:
    assert found.finding == said


def test_what_a_choice_moves_is_told_apart() -> None:
    found = some(60, 30, 10)

    assert found.moved == {"missing": pytest.approx(60 / 90 - 0.6), "cancelled": 0}


def test_who_was_cancelled_in_time_moves_it_by_being_counted() -> None:
    counts = {(Start.REPORTED, Unit.FIRST): {Fate.HIT: 60, Fate.MISS: 30, Fate.CANCELLED: 10}}

    assert weighed(counts, 100).moved["cancelled"] == pytest.approx(60 / 90 - 0.6)


def test_too_many_incidents_are_refused_with_the_way_out(
    street: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_in(street, *CALLS, now=NINE)
    monkeypatch.setattr("pipelines.figures.lab.MOST", 6)

    with pytest.raises(QueryError, match="holds 7 incidents; at most 6 are looked at one by one"):
        asked(street)


def test_the_lines_name_the_rule_and_mark_published_lowest_and_highest(
    street: Installation,
) -> None:
    taken_in(street, *CALLS, now=NINE)
    with street.store.reading() as reader:
        lines = lab_lines(reader, Query(as_of=at(9000)), street.desk)

    assert sum(one["published"] for one in lines) == 1
    assert sum(one["lowest"] for one in lines) == sum(one["highest"] for one in lines) == 1
    assert {"start", "unit", "missing", "cancelled", "status", "hit", "n", "rate", "wilson"} <= set(
        lines[0]
    )
