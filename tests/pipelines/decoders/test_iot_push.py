"""The envelopes of the platforms, with real messages; the tables are those of the vendors."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.connectors.record import Origin, Record
from pipelines.decoders import DECODERS
from pipelines.decoders.decoder import Meaning
from pipelines.errors import BadRecordError
from pipelines.model.device import BATTERY, Signal
from tests.builders import NINE

SAMPLES = {
    sample["id"]: sample["body"]
    for line in (Path(__file__).parents[2] / "data/iot_push/platform_push_samples.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
    for sample in [json.loads(line)]
}
NINE_MS = str(int(NINE.timestamp() * 1000))

SMOKE = {
    "kind": "smoke",
    "states": {
        "column": "Alarm_Status",
        "map": {"1": "alarm", "2": "muted", "4": "low_battery", "5": "fault", "7": "normal"},
    },
    "battery": "Battery_Level",
    "values": {"temperature": {"column": "TData", "unit": "℃"}},
}
DETECTOR = {
    "states": [
        {"column": "battery_state", "map": {"0": "no low_battery", "1": "low_battery"}},
        {"column": "eventType", "map": {"1": "here", "2": "here", "3": "fault"}},
    ],
    "time": "time",
    "time_format": "epoch_ms",
    "position": {"lat": "latitude", "lon": "longitude"},
}
UNIT = {
    "kind": "smoke",
    "device": ("deviceId", "id"),
    "parts": "b",
    "time": "tm",
    "time_format": "epoch_ms",
    "states": [
        {
            "column": "v",
            "bits": {"0": "normal", "1": "alarm", "2": "fault", "3": "muted", "8": "power"},
        },
        {"column": "c", "map": {"27": "here", "92": "offline"}},
    ],
}


def decoded(platform: str, options: dict[str, Any], body: Any, now: datetime) -> Meaning:
    decoder = DECODERS[platform]
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    record = Record(raw, b"", None, Origin("push", 1), 1)
    meant: Meaning = decoder(decoder.options(**options), zone=ZoneInfo("Asia/Shanghai")).decode(
        record, source="push", received_at=now
    )
    return meant


def ms(number: int) -> datetime:
    return datetime.fromtimestamp(number / 1000, UTC)


def ctwing(name: str, options: dict[str, Any]) -> Meaning:
    body = SAMPLES[name]
    now = ms(body["timestamp"]) + timedelta(seconds=2)
    return decoded("ctwing", options, body, now.replace(microsecond=0))


def one(meant: Meaning) -> Signal:
    (signal,) = meant.signals
    return signal


def test_c01_a_payload_in_a_vendors_own_format_is_refused_with_a_way_out() -> None:
    with pytest.raises(BadRecordError, match="57 bytes of a vendor's own format") as caught:
        ctwing("C01", SMOKE)

    assert caught.value.column == "payload.APPdata"
    assert "codec plug-in" in caught.value.rule


def test_c02_muted_is_no_alarm_in_this_vendors_table() -> None:
    meant = ctwing("C02", SMOKE)

    assert one(meant).begun == {"muted"}
    assert one(meant).values == {"temperature": "30 ℃", BATTERY: "1"}
    assert one(meant).at == ms(1606982320277)
    assert not meant.statements
    assert not meant.problems


def test_c03_a_message_with_only_an_impossible_position_is_a_sign_of_life() -> None:
    meant = ctwing("C03", DETECTOR)

    assert one(meant).is_passing
    assert one(meant).at == ms(1619524019000)


@pytest.mark.parametrize(
    ("kind", "begun", "ended"), [(1, set(), {"offline"}), (0, {"offline"}, set())]
)
def test_c04_the_platform_says_whether_a_device_is_there(
    kind: int, begun: set[str], ended: set[str]
) -> None:
    body = SAMPLES["C04"] | {"eventType": kind}

    meant = decoded("ctwing", SMOKE, body, ms(body["timestamp"]))

    assert (one(meant).begun, one(meant).ended) == (begun, ended)


def test_c05_an_event_says_that_the_battery_is_low() -> None:
    meant = ctwing("C05", DETECTOR)

    assert one(meant).begun == {"low_battery"}
    assert not meant.problems


@pytest.mark.parametrize(
    ("name", "part", "begun", "ended"),
    [
        ("C06", "222", set(), {"alarm", "fault", "muted", "power"}),
        ("C07", "01000917010374", {"offline"}, {"alarm", "fault", "muted", "power"}),
        ("C08", "0100091701037401000001010100390126", {"alarm"}, set()),
        ("C09", "0181091701068001000001010100010133", {"fault"}, set()),
        ("C10", "0181091701068001000001010100030185", set(), set()),
    ],
)
def test_c06_to_c10_a_user_transmission_device_speaks_for_its_parts(
    name: str, part: str, begun: set[str], ended: set[str]
) -> None:
    meant = ctwing(name, UNIT)

    assert one(meant).device == f"1501708501/{part}"
    assert (one(meant).begun, one(meant).ended) == (begun, ended)
    assert one(meant).at == ms(SAMPLES[name]["timestamp"] - 115)
    assert len(meant.statements) == ("alarm" in begun)
    assert not meant.problems


def test_c08_the_fire_is_reported_at_the_devices_own_time() -> None:
    (alarm,) = ctwing("C08", UNIT).statements

    assert alarm.facts[0].at == ms(1608873146082)
    assert not alarm.flags


def test_several_parts_are_several_devices_and_a_bad_one_hides_no_other() -> None:
    inner = {"b": [{"id": "1", "v": "2"}, 7, {"id": "2", "v": "2"}, {"v": "2"}], "c": 27}
    packed = base64.b64encode(json.dumps(inner | {"tm": int(NINE_MS)}).encode()).decode()
    body = SAMPLES["C08"] | {"payload": {"APPdata": packed}, "timestamp": int(NINE_MS)}

    meant = decoded("ctwing", UNIT, body, NINE)

    assert [s.alarm.device for s in meant.statements if s.alarm] == ["1501708501/1", "1501708501/2"]
    assert [p.rule for p in meant.problems] == [
        "is not a JSON object",
        "names no device; there are: c, tm, v, deviceId, productId, tenantId, protocol, timestamp",
    ]
    contents = {said.content for said in (*meant.statements, *meant.signals)}
    assert len(contents) == 4


def test_a_payload_cannot_speak_for_another_device() -> None:
    data = {"Alarm_Status": 1, "deviceId": "another", "timestamp": 0}
    body = SAMPLES["C02"] | {"payload": {"serviceId": 7, "serviceData": data}}

    (alarm,) = decoded("ctwing", SMOKE, body, ms(body["timestamp"])).statements

    assert alarm.alarm == (body["deviceId"], ms(body["timestamp"]))


@pytest.mark.parametrize("field", ["deviceId", "IMEI"])
def test_a_device_may_go_by_its_imei(field: str) -> None:
    meant = decoded("ctwing", SMOKE | {"device": field}, SAMPLES["C02"], ms(1606982320277))

    assert one(meant).device == SAMPLES["C02"][field]


def test_a_ctwing_message_of_another_type_is_refused() -> None:
    with pytest.raises(BadRecordError, match=r"messageType.*commandResponse"):
        decoded("ctwing", SMOKE, SAMPLES["C02"] | {"messageType": "commandResponse"}, NINE)


def test_h01_properties_of_a_service_at_its_own_time() -> None:
    options = {"values": {"light": "luminance"}}

    meant = decoded("iotda", options, SAMPLES["H01"], datetime(2021, 5, 18, 3, tzinfo=UTC))

    assert one(meant).device == "5fd6df9937f2a30303b55693_863434047705329"
    assert one(meant).at == datetime(2021, 5, 18, 2, 50, 47, tzinfo=UTC)
    assert one(meant).values == {"light": "215"}


@pytest.mark.parametrize(
    ("status", "begun"), [("ONLINE", set()), ("OFFLINE", {"offline"}), ("ABNORMAL", {"offline"})]
)
def test_iotda_says_whether_a_device_is_there(status: str, begun: set[str]) -> None:
    body = {"device_id": "D1", "status": status}
    message = {
        "resource": "device.status",
        "event": "update",
        "event_time": "20260302T010000Z",
        "notify_data": {"header": {"app_id": "a"}, "body": body},
    }

    meant = decoded("iotda", {}, message, NINE)

    assert (one(meant).device, one(meant).begun, one(meant).at) == ("D1", begun, NINE)


def test_iotda_passes_on_the_message_of_a_device() -> None:
    message = {
        "resource": "device.message",
        "event_time": "20260302T010000Z",
        "notify_data": {
            "header": {"device_id": "D1"},
            "body": {"topic": "t", "content": json.dumps({"Alarm_Status": 1})},
        },
    }

    meant = decoded("iotda", SMOKE, message, NINE)

    assert one(meant).begun == {"alarm"}
    assert meant.statements[0].facts[0].at == NINE


@pytest.mark.parametrize("resource", ["device", "device.command.status", None])
def test_iotda_may_push_more_than_this_reads(resource: str | None) -> None:
    message = SAMPLES["H01"] | {"resource": resource}

    with pytest.raises(BadRecordError, match="resource"):
        decoded("iotda", {}, message, NINE)


def test_o01_a_value_of_a_datastream() -> None:
    options = {"values": {"value": "datastream_id"}}

    meant = decoded("onenet", options, SAMPLES["O01"], ms(1466133706841))

    assert (one(meant).device, one(meant).at) == ("2016617", ms(1466133706841))
    assert one(meant).values == {"value": "42"}


def test_o02_a_device_that_went_is_off_line() -> None:
    assert one(decoded("onenet", {}, SAMPLES["O02"], ms(1466133706841))).begun == {"offline"}


def test_onenet_sends_several_messages_in_a_list_and_a_bad_one_hides_no_other() -> None:
    messages = [
        {"type": 1, "dev_id": 1, "ds_id": "3200_0_5500", "value": True, "at": int(NINE_MS)},
        {"type": 3, "dev_id": 1},
        {"type": 7, "dev_id": 2, "at": int(NINE_MS)},
        "nonsense",
    ]
    states = {"column": "3200_0_5500", "map": {"true": "alarm", "false": "normal"}}

    meant = decoded("onenet", {"states": states, "kind": "smoke"}, {"msg": messages}, NINE)

    assert [(s.device, sorted(s.begun)) for s in meant.signals] == [("1", ["alarm"]), ("2", [])]
    assert [p.column for p in meant.problems] == ["type", "msg"]


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "payload",
                    "APPdata",
                    "serviceData",
                    "b",
                    "id",
                    "v",
                    "type",
                    "msg",
                    "services",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A real message with some of its members replaced by anything."""
    body = json.loads(json.dumps(draw(st.sampled_from(list(SAMPLES.values())))))
    for _ in range(draw(st.integers(1, 3))):
        inside = body
        while True:
            key = draw(st.sampled_from(sorted(inside)))
            if not isinstance(inside[key], dict) or not inside[key] or draw(st.booleans()):
                break
            inside = inside[key]
        inside[key] = draw(json_values)
    return body  # type: ignore[no-any-return]


@pytest.mark.parametrize("platform", ["ctwing", "onenet", "iotda"])
@given(body=damaged() | json_values | st.binary(max_size=60))
def test_whatever_comes_is_understood_or_refused(platform: str, body: Any) -> None:
    options = {"ctwing": UNIT, "onenet": SMOKE, "iotda": SMOKE}[platform]

    try:
        meant = decoded(platform, options, body, NINE)
    except BadRecordError:
        return

    assert meant.signals or meant.problems
    assert len({said.content for said in meant.signals}) == len(meant.signals)


@pytest.mark.parametrize("platform", ["ctwing", "onenet", "iotda"])
def test_json_nested_ten_thousand_deep_is_refused(platform: str) -> None:
    with pytest.raises(BadRecordError, match="nested too deeply"):
        decoded(platform, {}, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, NINE)


@pytest.mark.parametrize("platform", ["ctwing", "onenet", "iotda"])
def test_bytes_that_are_no_text_are_refused(platform: str) -> None:
    with pytest.raises(BadRecordError, match="byte 1 is not UTF-8"):
        decoded(platform, {}, b"\xff{}", NINE)
