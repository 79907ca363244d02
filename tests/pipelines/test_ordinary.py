"""What is taken in outright is what the general way makes of it."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.door.books import Books
from pipelines.door.ordinary import Entered, Ordinary
from pipelines.geo.placing import Spot
from pipelines.model.fact import Fact, Flag, Reason, Statement
from pipelines.model.incident import fold, incident_id
from pipelines.model.milestone import Milestone
from pipelines.model.rules import Rules, Special
from pipelines.model.stamp import Method
from pipelines.store.rows import moments_of
from tests.builders import NO_TIME, a_fact, a_statement, at, the_rules
from tests.strategies import PLACES, statements

SHANGHAI = ZoneInfo("Asia/Shanghai")
SPOTS = (Spot(), Spot("G01"), Spot("G02"), Spot(is_elsewhere=True))
PLAIN = the_rules()
FOR_G01 = Special(within={Milestone.ARRIVED: timedelta(seconds=179.9995)}, areas=("G01",))
HANDLED = Special(within={Milestone.RESOLVED: timedelta(hours=1)}, severities=frozenset({2}))
RULES = (
    PLAIN,
    replace(PLAIN, skew={"cad": timedelta(seconds=5)}),
    replace(PLAIN, special=(FOR_G01, HANDLED)),
)
WHOLE = {"accepted": 40, "dispatched": 100, "arrived": 290, "resolved": 900}

# in order or not, on either side of every target, and to the millisecond
gaps = st.one_of(
    st.sampled_from([0, 60, 60.001, 180, 299.999, 300, 4000, 100_000, -1]), st.integers(0, 400)
)


@st.composite
def whole_stories(draw: st.DrawFn) -> Statement:
    """One report about an incident from its call to its end, with now and then a part missing."""
    moment, told = draw(st.integers(-60, 60)), []
    for milestone in Milestone:
        moment += draw(gaps)
        if milestone in MOSTLY or draw(st.integers(0, 5)) == 0:
            told.append(Fact(milestone, at(moment)))
    missing = draw(st.sets(st.sampled_from(range(len(told))), max_size=1))
    return draw(statements())._replace(
        facts=tuple(fact for i, fact in enumerate(told) if i not in missing),
        qualifies=draw(st.integers(0, 9)) > 0,
        flags=draw(st.sampled_from([(), (Flag("kind", "?", "is not in the mapping"),)])),
        place=draw(st.sampled_from(PLACES)),
        about=draw(st.sampled_from([None, "alarms"])),
    )


MOSTLY = {Milestone.REPORTED, *(Milestone(name) for name in WHOLE)}


def outright(statement: Statement, spot: Spot, rules: Rules) -> Entered | None:
    name = incident_id(statement.incident_source, statement.incident_key)
    return Ordinary(rules).enter(statement, moments_of(statement), incident=name, spot=spot)


@given(
    statement=whole_stories() | statements(),
    spot=st.sampled_from(SPOTS),
    rules=st.sampled_from(RULES),
)
def test_a_case_taken_in_outright_equals_its_fold(statement, spot, rules):
    general, short = Books(rules, SHANGHAI), Books(rules, SHANGHAI)
    folded = fold([statement])
    folded = replace(folded, grid=spot.grid, excluded=spot.excluded(folded.excluded))
    row = general.enter(folded)

    entered = outright(statement, spot, rules)

    if entered is not None:
        short.post(*entered)
        assert entered.row == tuple(row)
        assert short.ledger.sheets == general.ledger.sheets
        assert short.ledger.cells() == general.ledger.cells()


@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("kind", ["fire", "noise", None])
def test_a_whole_story_to_the_second_is_an_ordinary_case(spot, kind):
    assert outright(a_statement(kind=kind, **WHOLE), spot, PLAIN) is not None


@pytest.mark.parametrize(
    "statement",
    [
        a_statement(accepted=40, dispatched=100),
        a_statement(**WHOLE | {"accepted": -5}),
        a_statement(**WHOLE | {"resolved": NO_TIME}),
        a_statement(**WHOLE, cancelled=950),
        a_statement(**WHOLE, precision_s=60),
        a_statement(**WHOLE, method=Method.BACKFILLED),
        a_statement(**WHOLE, qualifies=False),
        a_statement(facts=(a_fact(Milestone.ACCEPTED, 9), a_fact(Milestone.ACCEPTED, 8))),
    ],
)
def test_what_is_doubtful_in_any_way_goes_the_general_way(statement):
    assert outright(statement, Spot("G01"), PLAIN) is None


def test_who_is_left_out_for_a_reason_is_an_ordinary_case_with_that_reason():
    entered = outright(a_statement(**WHOLE, excluded=Reason.DRILL), Spot(is_elsewhere=True), PLAIN)

    assert entered is not None
    assert Reason.DRILL in entered.row
