"""Several types of record from one source, and records that end, exclude or take back."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from pipelines.connectors.record import Origin, Record
from pipelines.decoders.record_types import RecordTypesDecoder, RecordTypesOptions
from pipelines.decoders.table import TableDecoder
from pipelines.decoders.table_options import TableOptions
from pipelines.errors import BadRecordError
from pipelines.model.fact import Fact, Reason, Statement
from pipelines.model.milestone import Milestone
from tests.builders import MUCH_LATER, at

SHANGHAI = ZoneInfo("Asia/Shanghai")
CALL = {"incident": "id", "kind": "fire", "milestones": {"reported": "reported"}}
UNIT = {"incident": "id", "record": "number", "milestones": {"dispatched": "sent"}}


def a_record(**fields: str) -> Record:
    return Record(repr(fields).encode(), b"", fields, Origin("feed", 1), 1)


def a_decoder(**types: dict[str, Any]) -> RecordTypesDecoder:
    options = RecordTypesOptions.model_validate({"column": "type", "types": types})
    return RecordTypesDecoder(options, zone=SHANGHAI)


def said(decoder: TableDecoder | RecordTypesDecoder, **fields: str) -> Statement:
    return decoder.decode(a_record(**fields), source="cad", received_at=MUCH_LATER)


def a_call_with(fields: dict[str, str], **options: Any) -> Statement:
    decoder = TableDecoder(TableOptions.model_validate(CALL | options), zone=SHANGHAI)
    return said(decoder, **({"id": "A", "reported": at(0).isoformat()} | fields))


def test_each_type_is_read_with_its_own_mapping() -> None:
    decoder = a_decoder(call=CALL, unit=UNIT)

    call = said(decoder, type="call", id="A", reported=at(0).isoformat())
    unit = said(decoder, type="unit", id="A", number="7", sent=at(60).isoformat())

    assert (call.kind, call.facts) == ("fire", (Fact(Milestone.REPORTED, at(0)),))
    assert (unit.kind, unit.facts) == (None, (Fact(Milestone.DISPATCHED, at(60)),))
    assert call.incident_key == unit.incident_key == "A"


def test_one_number_in_two_types_names_two_records() -> None:
    decoder = a_decoder(call=CALL, one=UNIT, two=UNIT)

    ids = {said(decoder, type=t, id="A", number="7", sent="").record_id for t in ("one", "two")}

    assert ids == {"one\x1f7", "two\x1f7"}


@pytest.mark.parametrize("fields", [{"type": "other"}, {}])
def test_a_type_nobody_knows_is_set_aside(fields: dict[str, str]) -> None:
    with pytest.raises(BadRecordError, match="is no known type of record; use call, unit"):
        said(a_decoder(call=CALL, unit=UNIT), **fields)


def test_one_of_the_types_must_say_the_kind() -> None:
    with pytest.raises(ValidationError, match="one of the types must say the kind"):
        a_decoder(unit=UNIT)


def test_every_kind_of_every_type_is_named_for_the_check() -> None:
    mapped = CALL | {"kind": {"column": "code", "map": {"1": "smoke"}, "default": "noise"}}
    options = RecordTypesOptions.model_validate({"types": {"a": CALL, "b": mapped, "c": UNIT}})

    assert set(options.kind.map.values()) == {"fire", "smoke", "noise"}


@pytest.mark.parametrize(
    ("main", "merged", "reason"),
    [
        ("", "", None),
        ("0", "0", None),
        ("A", "", None),
        ("B", "0", Reason.MERGED_CHILD),
        ("", "1", Reason.DRILL),
        ("B", "1", Reason.DRILL),
    ],
)
def test_the_first_exclusion_that_says_a_reason_counts(
    main: str, merged: str, reason: Reason | None
) -> None:
    exclude = [
        {"column": "merged", "map": {"1": "drill"}},
        {"column": "main", "filled": "merged_child"},
    ]

    assert a_call_with({"main": main, "merged": merged}, exclude=exclude).excluded is reason


def test_a_reason_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="'gone' is no ledger reason"):
        a_call_with({}, exclude=[{"column": "main", "filled": "gone"}])


@pytest.mark.parametrize(
    ("state", "fields", "fact"),
    [
        ({}, {"deleted": "1"}, Fact(Milestone.CANCELLED, None)),
        ({"at": "changed"}, {"deleted": "1"}, Fact(Milestone.CANCELLED, at(90))),
        ({"at": "changed"}, {"deleted": "1", "changed": ""}, Fact(Milestone.CANCELLED, None)),
        ({}, {"deleted": "0"}, None),
    ],
)
def test_a_state_says_that_it_is_over(
    state: dict[str, str], fields: dict[str, str], fact: Fact | None
) -> None:
    states = {"cancelled": {"column": "deleted", "values": ["1", "Y"], **state}}

    statement = a_call_with({"changed": at(90).isoformat()} | fields, states=states)

    assert statement.facts[1:] == ((fact,) if fact else ())


def test_the_milestones_own_column_is_better_than_a_state() -> None:
    states = {"resolved": [{"column": "a", "values": ["9"]}, {"column": "b", "values": ["done"]}]}
    milestones = {"reported": "reported", "resolved": "resolved"}

    timed = a_call_with(
        {"resolved": at(60).isoformat(), "a": "9", "b": ""}, states=states, milestones=milestones
    )
    stated = a_call_with(
        {"resolved": "", "a": "", "b": "done"}, states=states, milestones=milestones
    )

    assert timed.facts[1:] == (Fact(Milestone.RESOLVED, at(60)),)
    assert stated.facts[1:] == (Fact(Milestone.RESOLVED, None),)


def test_a_record_that_takes_back_what_it_said_is_kept_and_flagged() -> None:
    withdrawn = {"column": "deleted", "values": ["1"]}

    statement = a_call_with({"deleted": "1", "reported": "nonsense"}, withdrawn=withdrawn)

    assert (statement.incident_key, statement.facts, statement.kind) == ("A", (), None)
    assert [flag.column for flag in statement.flags] == ["deleted"]
    assert a_call_with({"deleted": "0"}, withdrawn=withdrawn).flags == ()


@pytest.mark.parametrize(
    "options",
    [
        {"states": {"resolved": {"column": "gone", "values": ["1"]}}},
        {"states": {"resolved": {"column": "id", "values": ["1"], "at": "gone"}}},
        {"withdrawn": {"column": "gone", "values": ["1"]}},
        {"exclude": [{"column": "id"}, {"column": "gone", "filled": "drill"}]},
    ],
)
def test_a_column_that_is_named_must_be_there(options: dict[str, Any]) -> None:
    with pytest.raises(BadRecordError, match="no such column") as missing:
        a_call_with({}, **options)

    assert missing.value.column == "gone"
