"""Columns of devices: a vendor's codes, clocks that are off, and what makes no sense."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.connectors.record import Origin, Record
from pipelines.decoders.decoder import Meaning
from pipelines.decoders.device_options import DeviceTableOptions
from pipelines.decoders.device_table import DeviceTableDecoder
from pipelines.errors import BadRecordError
from pipelines.model.device import BATTERY, POSITION, Condition
from pipelines.model.milestone import Milestone
from pipelines.model.stamp import Method
from tests.builders import NINE, at

SHANGHAI = ZoneInfo("Asia/Shanghai")
CODES = {
    "0": ("no alarm", "no test"),
    "1": "alarm",
    "2": "muted",
    "5": "fault",
    "7": "normal",
    "12": "here",
    "14": ("alarm", "test"),
}
SMOKE: dict[str, Any] = {
    "device": "id",
    "time": "at",
    "states": {"column": "code", "map": CODES},
    "battery": "battery",
    "values": {"temperature": {"column": "t", "unit": "℃"}, "snr": "snr"},
    "kind": "smoke",
}


def meaning(
    options: dict[str, Any] | None = None, *, received: float | datetime = 1, **fields: str
) -> Meaning:
    decoder = DeviceTableDecoder(DeviceTableOptions(**(options or SMOKE)), zone=SHANGHAI)
    raw = json.dumps(fields).encode()
    now = received if isinstance(received, datetime) else at(received)
    record = Record(raw, b"", fields, Origin("push", 1), 1)
    return decoder.decode(record, source="smoke", received_at=now)


def nine(seconds: float = 0) -> str:
    return at(seconds).isoformat()


def test_an_alarm_is_a_signal_and_opens_an_incident() -> None:
    (signal,) = meaning(id="S1", at=nine(), code="1").signals
    (statement,) = meaning(id="S1", at=nine(), code="1").statements

    assert (signal.device, signal.at, signal.begun) == ("S1", NINE, {Condition.ALARM})
    assert statement.alarm == ("S1", NINE)
    assert statement.kind == "smoke"
    assert [(f.milestone, f.at, f.method) for f in statement.facts] == [
        (Milestone.REPORTED, NINE, Method.SENSOR)
    ]
    assert statement.content != signal.content


def test_mute_fault_and_low_battery_are_states_and_no_incidents() -> None:
    said = [meaning(id="S1", at=nine(), code=code, battery="9") for code in ("2", "5")]

    assert [m.signals[0].begun for m in said] == [{Condition.MUTED}, {Condition.FAULT}]
    assert said[0].signals[0].values[BATTERY] == "0.09"
    assert not any(m.statements for m in said)


def test_normal_ends_all_that_its_column_can_begin() -> None:
    (signal,) = meaning(id="S1", at=nine(), code="7").signals

    assert signal.ended == {Condition.ALARM, Condition.MUTED, Condition.FAULT, Condition.TEST}
    assert not signal.begun


def test_a_code_may_end_single_conditions() -> None:
    (signal,) = meaning(id="S1", at=nine(), code="0").signals

    assert signal.ended == {Condition.ALARM, Condition.TEST}


def test_a_test_does_not_hide_the_alarm() -> None:
    said = meaning(id="S1", at=nine(), code="14")

    assert said.signals[0].begun == {Condition.ALARM, Condition.TEST}
    assert len(said.statements) == 1


def test_here_is_a_heartbeat() -> None:
    assert meaning(id="S1", at=nine(), code="12").signals[0].is_heartbeat


def test_a_heartbeat_says_nothing_whatever_else_its_record_holds() -> None:
    options = SMOKE | {"heartbeat": {"column": "service", "values": ["signal"]}}

    said = meaning(options, id="S1", at=nine(), service="signal", cell="17")

    assert said.signals[0].is_heartbeat
    assert not said.problems


def test_values_carry_their_unit() -> None:
    (signal,) = meaning(id="S1", at=nine(), t="21.50", snr="3").signals

    assert signal.values == {"temperature": "21.50 ℃", "snr": "3"}


def test_a_position_is_what_the_device_says_of_itself_and_passes() -> None:
    carried = {"device": "id", "position": {"lat": "y", "lon": "x"}}

    (signal,) = meaning(carried, id="patrol-01", y="30.25", x="120.21").signals

    assert signal.values == {POSITION: "30.25,120.21"}
    assert signal.is_passing
    assert not signal.is_heartbeat


def test_a_position_that_is_none_is_a_problem() -> None:
    carried = {"device": "id", "position": {"lat": "y", "lon": "x"}}

    found = meaning(carried, id="patrol-01", y="north", x="120.21")

    assert [p.column for p in found.problems] == ["y, x"]
    assert found.signals[0].values == {}


@pytest.mark.parametrize("charge", ["101", "-1", "nan", "full", "inf"])
def test_a_charge_that_is_none_is_a_problem_and_the_rest_counts(charge: str) -> None:
    said = meaning(id="S1", at=nine(), t="20", battery=charge)

    assert said.signals[0].values == {"temperature": "20 ℃"}
    assert [(p.column, p.value) for p in said.problems] == [("battery", charge)]


def test_a_code_that_is_not_listed_is_a_problem() -> None:
    said = meaning(id="S1", at=nine(), code="99")

    assert [(p.column, p.value, p.rule) for p in said.problems] == [
        ("code", "99", "is not in the mapping; add it to map")
    ]


def test_a_code_that_is_not_listed_hides_no_alarm() -> None:
    states = [{"column": "code", "map": CODES}, {"column": "other", "map": {"1": "fault"}}]

    said = meaning(SMOKE | {"states": states}, id="S1", at=nine(), code="1", other="?")

    assert len(said.statements) == 1
    assert [flag.column for flag in said.statements[0].flags] == ["other"]


def test_a_record_that_says_nothing_of_the_mapping_is_bad() -> None:
    with pytest.raises(BadRecordError, match=r"longitude.*none of these is in the mapping"):
        meaning(id="S1", at=nine(), longitude="-174")


@pytest.mark.parametrize("name", ["", " ", "undefined", "x" * 201])
def test_a_record_without_a_device_is_bad(name: str) -> None:
    with pytest.raises(BadRecordError):
        meaning(id=name, at=nine(), code="1")


BITS = SMOKE | {"states": {"column": "v", "bits": {"0": "normal", "1": "alarm", "2": "fault"}}}


@pytest.mark.parametrize(
    ("value", "begun", "ended"),
    [
        ("1", set(), {"alarm", "fault"}),
        ("2", {"alarm"}, set()),
        ("3", {"alarm"}, {"fault"}),
        ("6", {"alarm", "fault"}, set()),
        ("64", set(), set()),
    ],
)
def test_bits_say_several_things_and_what_is_not_said_goes_on(
    value: str, begun: set[str], ended: set[str]
) -> None:
    (signal,) = meaning(BITS, id="S1", at=nine(), v=value).signals

    assert (signal.begun, signal.ended) == (begun, ended)


def test_a_number_with_bits_must_be_one() -> None:
    assert "no bits" in meaning(BITS, id="S1", at=nine(), v="0x2").problems[0].rule


LATE = SMOKE | {"sent": "sent"}


def test_an_alarm_that_was_kept_for_weeks_is_reported_when_it_happened() -> None:
    weeks = 21 * 86_400.0

    (alarm,) = meaning(
        LATE, received=weeks, id="S1", at=nine(), sent=nine(weeks - 5), code="1"
    ).statements

    assert alarm.facts[0].at == NINE
    assert not alarm.flags


def test_a_clock_that_is_off_by_days_gives_no_report_time() -> None:
    (alarm,) = meaning(received=2 * 86_400.0, id="S1", at=nine(), code="1").statements

    assert alarm.facts == ()
    assert alarm.alarm == ("S1", at(2 * 86_400))
    assert [flag.column for flag in alarm.flags] == ["at"]
    assert "lies 2 days before its receipt" in alarm.flags[0].rule


@pytest.mark.parametrize("wrong", ["1970-01-01T00:00:00Z", "2038-01-19T03:14:07Z"])
def test_a_device_clock_that_stopped_is_replaced_by_the_senders_to_tell_alarms_apart(
    wrong: str,
) -> None:
    first, second = (
        meaning(LATE, received=s + 1, id="S1", at=wrong, sent=nine(s), code="1").statements[0]
        for s in (0, 3600)
    )

    assert (first.facts, second.facts) == ((), ())
    assert first.alarm is not None
    assert second.alarm is not None
    assert second.alarm.at - first.alarm.at == timedelta(hours=1)


def test_a_clock_that_is_off_makes_no_other_record_wrong() -> None:
    said = meaning(received=5 * 86_400.0, id="S1", at=nine(), code="2")

    assert said.signals[0].at == at(5 * 86_400)
    assert not said.problems


def test_a_time_that_is_none_hides_no_alarm() -> None:
    (alarm,) = meaning(id="S1", at="half past nine", code="1").statements

    assert (alarm.facts, alarm.alarm) == ((), ("S1", at(1)))
    assert [flag.column for flag in alarm.flags] == ["at"]


def test_a_record_without_columns_is_bad() -> None:
    decoder = DeviceTableDecoder(DeviceTableOptions(**SMOKE), zone=SHANGHAI)
    record = Record(b"x", b"", None, Origin("push", 1), 1)

    with pytest.raises(BadRecordError):
        decoder.decode(record, source="smoke", received_at=NINE)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"kind": None}, "kind"),
        ({"states": {"column": "c", "map": {"1": "on fire"}}}, "is no state"),
        ({"states": {"column": "c"}}, "either `map` or `bits`"),
        ({"states": {"column": "c", "bits": {"64": "alarm"}}}, "0 to 63"),
        ({"time_format": "%Q%"}, "strptime"),
        ({"battery_full": 0}, "greater than 0"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(change: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        DeviceTableOptions(**(SMOKE | change))


names = st.sampled_from(["id", "at", "sent", "code", "battery", "t", "snr", "v", "zzz"])


@given(
    fields=st.dictionaries(names, st.text(max_size=30) | st.sampled_from(["1", "7", nine()])),
    received=st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1)),  # noqa: DTZ001
)
def test_whatever_stands_in_the_columns_is_understood_or_refused(
    fields: dict[str, str], received: datetime
) -> None:
    try:
        said = meaning(LATE, received=min(received, NINE), **fields)
    except BadRecordError:
        return

    assert len(said.signals) == 1
    assert len(said.statements) == (fields.get("code", "").strip() in ("1", "14"))
