"""What reports add up to."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.model.fact import Fact, Flag, Statement
from pipelines.model.incident import fold, incident_id
from pipelines.model.milestone import Milestone
from pipelines.model.place import Place
from pipelines.model.stamp import Method, Stamp
from tests.builders import NO_TIME, a_statement, an_incident, at, the_outcome
from tests.strategies import histories


@given(history=histories, again=st.lists(st.integers(0, 5)), order=st.randoms())
def test_order_and_repetition_of_reports_change_nothing(
    history: list[Statement], again: list[int], order: random.Random
) -> None:
    repeated = history + [history[i % len(history)] for i in again]
    order.shuffle(repeated)

    assert fold(repeated) == fold(history)


@given(history=histories)
def test_a_report_that_was_replaced_leaves_no_trace_but_the_kind(history: list[Statement]) -> None:
    by_record = sorted(history, key=lambda s: s.revision)
    latest = {statement.record_id: statement for statement in by_record}
    bare = [s._replace(kind=None) for s in latest.values()]
    everything = [s._replace(kind=None) for s in history]

    seen = fold(everything)
    fresh = fold(bare)

    assert {**seen.stamps, Milestone.RECEIVED: 0} == {**fresh.stamps, Milestone.RECEIVED: 0}
    assert (seen.severity, seen.title, seen.place) == (fresh.severity, fresh.title, fresh.place)
    assert (seen.units, seen.flags, seen.excluded) == (fresh.units, fresh.flags, fresh.excluded)


@pytest.mark.parametrize("swapped", [False, True])
def test_two_records_that_tie_in_time_and_content_fold_the_same_in_any_order(
    swapped: bool,
) -> None:
    one = a_statement(record_id="r1", content=b"same", title="Smoke", unit="E05")
    two = a_statement(record_id="r2", content=b"same", title="Fire", unit="T10")

    incident = fold([two, one] if swapped else [one, two])

    assert incident.title == "Fire"
    assert [u.unit for u in incident.units] == ["E05", "T10"]


def test_an_incident_needs_a_report() -> None:
    with pytest.raises(ValueError, match="at least one statement"):
        fold([])


def test_an_id_depends_on_source_and_key_and_on_nothing_else() -> None:
    first = an_incident(source="cad", key="A-1", title="Smoke", reported=5)
    second = an_incident(source="cad", key="A-1", title="Fire", reported=9)

    assert first.id == second.id == incident_id("cad", "A-1")
    assert first.id != incident_id("cad2", "A-1")
    assert first.id != incident_id("cad", "A-2")


def test_the_citizens_clock_starts_at_the_report() -> None:
    incident = an_incident(reported=-30, accepted=10, recorded=5)

    assert incident.t0 == Stamp(at(-30))


def test_without_a_report_time_the_clock_starts_at_our_receipt_never_at_acceptance() -> None:
    incident = an_incident(reported=None, accepted=2, recorded=5)

    assert incident.t0 == Stamp(at(5))


def test_receipt_is_the_first_record_even_after_a_correction() -> None:
    incident = fold([a_statement(recorded=60, title="Fire"), a_statement(recorded=20)])

    assert incident.stamps[Milestone.RECEIVED].at == at(20)


def test_the_first_unit_counts_for_every_milestone_but_resolution() -> None:
    incident = fold(
        [
            a_statement(record_id="r1", unit="E05", dispatched=90, arrived=400, resolved=900),
            a_statement(record_id="r2", unit="T10", dispatched=120, arrived=280, resolved=700),
        ]
    )

    assert incident.stamps[Milestone.DISPATCHED].at == at(90)
    assert incident.stamps[Milestone.ARRIVED].at == at(280)
    assert incident.stamps[Milestone.RESOLVED].at == at(900)


def test_a_unit_that_does_not_qualify_does_not_stop_the_clock() -> None:
    incident = fold(
        [
            a_statement(record_id="r1", unit="PR1", qualifies=False, dispatched=80, arrived=100),
            a_statement(record_id="r2", unit="E05", dispatched=90, arrived=310),
        ]
    )

    assert incident.stamps[Milestone.ARRIVED].at == at(310)
    assert incident.stamps[Milestone.DISPATCHED].at == at(80)


def test_each_units_times_are_kept() -> None:
    incident = fold(
        [
            a_statement(record_id="r1", unit="E05", dispatched=90, arrived=300),
            a_statement(record_id="r2", unit="T10", qualifies=False, dispatched=95),
        ]
    )

    engine, truck = sorted(incident.units, key=lambda u: u.unit)
    assert engine.stamps[Milestone.ARRIVED] == Stamp(at(300))
    assert (truck.unit, truck.qualifies) == ("T10", False)
    assert Milestone.ARRIVED not in truck.stamps


def test_an_incident_stays_open_while_a_unit_is_still_at_it() -> None:
    incident = fold(
        [
            a_statement(record_id="r1", unit="E05", arrived=300, resolved=900),
            a_statement(record_id="r2", unit="T10", arrived=320),
        ]
    )

    assert not incident.is_closed
    assert Milestone.RESOLVED not in incident.stamps


def test_a_report_about_the_whole_incident_closes_it_whatever_its_units_say() -> None:
    incident = fold(
        [
            a_statement(record_id="r1", resolved=900),
            a_statement(record_id="r2", unit="T10", arrived=320),
        ]
    )

    assert incident.closed_at == at(900)


def test_closed_without_a_time_is_closed_at_the_latest_known_stamp() -> None:
    incident = an_incident(dispatched=90, arrived=280, resolved=NO_TIME)

    assert incident.closed_at == at(280)
    assert Milestone.RESOLVED not in incident.stamps


def test_closed_without_any_stamp_is_closed_at_receipt() -> None:
    incident = an_incident(reported=None, resolved=NO_TIME, recorded=40)

    assert incident.closed_at == at(40)


def test_cancelled_without_a_time_is_closed_at_the_latest_known_stamp() -> None:
    incident = an_incident(dispatched=90, cancelled=NO_TIME)

    assert incident.closed_at == at(90)
    assert Milestone.CANCELLED not in incident.stamps


def test_a_correction_replaces_the_stamp_and_may_take_it_back() -> None:
    first = a_statement(recorded=100, arrived=250)
    corrected = a_statement(recorded=200, arrived=330)
    withdrawn = a_statement(recorded=300)

    assert fold([first, corrected]).stamps[Milestone.ARRIVED].at == at(330)
    assert Milestone.ARRIVED not in fold([first, corrected, withdrawn]).stamps


def test_of_two_revisions_recorded_together_the_later_line_counts() -> None:
    upper = a_statement(ordinal=4, arrived=250)
    lower = a_statement(ordinal=9, arrived=260)

    assert fold([lower, upper]).stamps[Milestone.ARRIVED].at == at(260)


def test_a_stamp_keeps_its_precision_and_method() -> None:
    incident = an_incident(facts=(Fact(Milestone.REPORTED, at(0), 60, Method.CLERK),))

    assert incident.stamps[Milestone.REPORTED] == Stamp(at(0), 60, Method.CLERK)


def test_the_class_at_dispatch_survives_a_later_downgrade() -> None:
    incident = fold(
        [
            a_statement(recorded=10, kind="fire", dispatched=90),
            a_statement(recorded=500, kind="noise", dispatched=90),
        ]
    )

    assert incident.kind == "noise"
    assert incident.kind_at_dispatch == "fire"


def test_the_class_at_dispatch_is_the_last_one_known_before_the_dispatch() -> None:
    incident = fold(
        [
            a_statement(recorded=10, kind="noise"),
            a_statement(recorded=60, kind="fire"),
            a_statement(recorded=500, kind="smoke", dispatched=90),
        ]
    )

    assert incident.kind_at_dispatch == "fire"


def test_an_upgrade_after_the_dispatch_does_not_change_the_class_at_dispatch() -> None:
    incident = fold(
        [
            a_statement(recorded=10, kind="noise", dispatched=90),
            a_statement(recorded=500, kind="fire", dispatched=90),
        ]
    )

    assert incident.kind == "fire"
    assert incident.kind_at_dispatch == "noise"


def test_an_incident_upgraded_before_any_dispatch_counts_as_what_it_is_now() -> None:
    incident = fold([a_statement(recorded=10, kind="noise"), a_statement(recorded=60, kind="fire")])

    assert incident.kind_at_dispatch == "fire"


def test_history_loaded_after_the_fact_counts_by_what_it_said_first() -> None:
    incident = fold(
        [
            a_statement(recorded=9000, kind="fire", dispatched=90),
            a_statement(recorded=9500, kind="noise", dispatched=90),
        ]
    )

    assert incident.kind_at_dispatch == "fire"


def test_a_later_position_wins_over_an_earlier_one_and_any_position_over_an_address() -> None:
    first = a_statement(record_id="r1", recorded=10, place=Place(30.2, 120.1))
    second = a_statement(record_id="r2", recorded=20, place=Place(30.3, 120.2))
    third = a_statement(record_id="r3", recorded=30, place=Place(address="庆春路1号"))

    assert fold([first, second, third]).place == Place(30.3, 120.2)
    assert fold([third]).place.address == "庆春路1号"


def test_a_doubt_about_a_field_stays_with_the_incident() -> None:
    doubt = Flag("On Scene DtTm", "01/01/2099", "is in the future")

    incident = an_incident(flags=(doubt,))

    assert incident.flags == (doubt,)
    assert str(doubt) == "column 'On Scene DtTm', value '01/01/2099': is in the future"


def test_a_case_that_is_handed_back_and_sent_on_keeps_its_clock_and_its_first_dispatch():
    first = a_statement(record_id="d1", unit="E1", dispatched=60, returned=100)
    second = a_statement(record_id="d2", unit="E2", dispatched=130, arrived=290, resolved=900)

    incident = fold([first, second])

    assert incident.returned_at == at(100)
    assert (incident.t0.at, incident.stamps[Milestone.DISPATCHED].at) == (at(0), at(60))
    assert the_outcome(incident).seconds == 290
    assert incident.closed_at == at(900), "who handed it back is not waited for"


def test_a_record_that_says_returned_and_then_something_else_has_been_returned():
    before = a_statement(recorded=200, dispatched=60, returned=NO_TIME)
    after = a_statement(recorded=500, dispatched=60, accepted=400)

    assert fold([before, after]).returned_at == at(60), "the latest stamp of who says no time"
    assert fold([after, before]).returned_at == at(60)


def test_a_return_that_was_taken_back_has_not_happened():
    wrong = a_statement(record_id="d1", recorded=200, dispatched=60, returned=100)
    withdrawn = a_statement(record_id="d1", recorded=300, facts=())

    assert fold([wrong, a_statement(), withdrawn]).returned_at is None


def test_an_incident_that_everybody_has_handed_back_is_open():
    incident = fold([a_statement(unit="E1", dispatched=60, returned=100)])

    assert not incident.is_closed
