"""What gateways publish: ThingsBoard's telemetry, and devices that Home Assistant discovers."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.connectors.mqtt.messages import kept
from pipelines.connectors.record import Origin, Record
from pipelines.decoders.decoder import Decoder, Meaning
from pipelines.decoders.sensor_json import home_assistant
from pipelines.decoders.sensor_json.home_assistant import (
    HomeAssistantDecoder,
    HomeAssistantOptions,
)
from pipelines.decoders.sensor_json.thingsboard import ThingsboardDecoder, ThingsboardOptions
from pipelines.errors import BadRecordError
from pipelines.model.device import BATTERY, Condition
from pipelines.model.milestone import Milestone
from tests.builders import NINE, at

SHANGHAI = ZoneInfo("Asia/Shanghai")
NINE_MS = int(NINE.timestamp() * 1000)
SMOKE: dict[str, Any] = {
    "kind": "smoke",
    "states": {"column": "smoke", "map": {"true": "alarm", "false": "no alarm"}},
    "battery": "battery",
    "values": {"temperature": {"column": "t", "unit": "℃"}},
}
ME, GATEWAY = "v1/devices/me/telemetry", "v1/gateway/telemetry"


def a_message(topic: str, payload: Any) -> Record:
    said = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Record(kept(topic, said), b"", None, Origin(topic, 1), 1)


def said(decoder: Decoder, topic: str, payload: Any) -> Meaning:
    meaning = decoder.decode(a_message(topic, payload), source="smoke", received_at=at(1))
    assert isinstance(meaning, Meaning)
    return meaning


def thingsboard(**options: Any) -> ThingsboardDecoder:
    return ThingsboardDecoder(ThingsboardOptions(**SMOKE | options), zone=SHANGHAI)


def test_telemetry_of_a_device_says_when_it_was_so() -> None:
    telemetry = {"ts": NINE_MS, "values": {"id": "S1", "smoke": True, "t": 61.5}}

    meaning = said(thingsboard(device="id"), ME, telemetry)

    (signal,), (alarm,) = meaning.signals, meaning.statements
    assert (signal.device, signal.at, signal.begun) == ("S1", NINE, {Condition.ALARM})
    assert signal.values == {"temperature": "61.5 ℃"}
    assert alarm.alarm == ("S1", NINE)
    assert [(f.milestone, f.at) for f in alarm.facts] == [(Milestone.REPORTED, NINE)]


def test_telemetry_without_a_time_is_of_its_receipt_and_makes_up_no_report_time() -> None:
    meaning = said(thingsboard(device="id"), ME, {"id": "S1", "smoke": True})

    assert meaning.signals[0].at == at(1)
    assert meaning.statements[0].facts == ()


def test_a_list_is_several_moments_of_one_device() -> None:
    telemetry = [{"ts": NINE_MS + n, "values": {"t": n}} for n in range(3)]

    meaning = said(thingsboard(), "v1/devices/S7/telemetry", telemetry)

    assert [signal.device for signal in meaning.signals] == ["S7"] * 3
    assert len({signal.content for signal in meaning.signals}) == 3


def test_a_gateway_speaks_for_several_devices() -> None:
    telemetry = {
        "Hall A": [{"ts": NINE_MS, "values": {"smoke": True}}],
        "Hall B": [{"ts": NINE_MS, "values": {"smoke": False, "battery": 80}}],
        "Hall C": [{"t": 20}],
    }

    meaning = said(thingsboard(), GATEWAY, telemetry)

    assert [signal.device for signal in meaning.signals] == ["Hall A", "Hall B", "Hall C"]
    assert [s.alarm.device for s in meaning.statements if s.alarm] == ["Hall A"]
    assert meaning.signals[1].values[BATTERY] == "0.8"


def test_a_gateway_says_which_device_came_and_went() -> None:
    went = said(thingsboard(), "v1/gateway/disconnect", {"device": "Hall A"}).signals[0]
    came = said(thingsboard(), "v1/gateway/connect", {"device": "Hall A"}).signals[0]

    assert (went.device, went.begun) == ("Hall A", {Condition.OFFLINE})
    assert (came.device, came.ended) == ("Hall A", {Condition.OFFLINE})


def test_one_device_that_makes_no_sense_stops_no_other() -> None:
    meaning = said(thingsboard(), GATEWAY, {"Hall A": [7], "Hall B": [{"t": 20}]})

    assert [signal.device for signal in meaning.signals] == ["Hall B"]
    assert len(meaning.problems) == 1


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (ME, {"smoke": True}),  # names no device
        (GATEWAY, [1]),
        (ME, b"\xff"),
        (ME, b"ON"),
        (ME, b"[" * 10_000),
        ("v1/devices/me/rpc/request/1", {"method": "reboot"}),
        ("v1/gateway/connect", {}),
    ],
)
def test_what_is_no_telemetry_is_bad(topic: str, payload: Any) -> None:
    with pytest.raises(BadRecordError):
        said(thingsboard(), topic, payload)


def discovering(*announced: tuple[str, Any], **options: Any) -> HomeAssistantDecoder:
    decoder = HomeAssistantDecoder(HomeAssistantOptions(kind="smoke", **options), zone=SHANGHAI)
    for topic, payload in announced:
        assert said(decoder, topic, payload) == Meaning()
    return decoder


def an_announcement(name: str = "hall", device_class: str = "smoke", **more: Any) -> Any:
    announced = {"device_class": device_class, "state_topic": f"sensors/{name}/state", **more}
    return f"homeassistant/binary_sensor/{name}/config", announced


STATE = "sensors/hall/state"


def test_an_announced_smoke_detector_raises_and_ends_its_alarm() -> None:
    decoder = discovering(an_announcement())

    alarm, end = said(decoder, STATE, b"ON"), said(decoder, STATE, b"OFF")

    assert alarm.signals[0].begun == {Condition.ALARM}
    assert [(s.kind, s.alarm and s.alarm.device) for s in alarm.statements] == [("smoke", "hall")]
    assert (end.signals[0].ended, end.statements) == ({Condition.ALARM}, ())


def test_payloads_are_those_that_were_announced() -> None:
    decoder = discovering(an_announcement(payload_on="FIRE", payload_off="quiet"))

    assert said(decoder, STATE, b"FIRE").statements
    assert said(decoder, STATE, b"quiet").signals[0].ended == {Condition.ALARM}
    with pytest.raises(BadRecordError, match="neither fire nor quiet"):
        said(decoder, STATE, b"ON")


@pytest.mark.parametrize(
    ("device_class", "payload", "begun", "ended"),
    [
        ("tamper", b"ON", {Condition.TAMPER}, set()),
        ("battery", b"ON", {Condition.LOW_BATTERY}, set()),
        ("problem", b"OFF", set(), {Condition.FAULT}),
        ("power", b"OFF", {Condition.POWER}, set()),
        ("connectivity", b"OFF", {Condition.OFFLINE}, set()),
        ("connectivity", b"ON", set(), {Condition.OFFLINE}),
    ],
)
def test_other_classes_are_states_and_no_incidents(
    device_class: str, payload: bytes, begun: set[Condition], ended: set[Condition]
) -> None:
    meaning = said(discovering(an_announcement(device_class=device_class)), STATE, payload)

    assert (meaning.signals[0].begun, meaning.signals[0].ended) == (begun, ended)
    assert not meaning.statements


def test_a_class_that_says_nothing_of_fire_is_heard_and_means_nothing() -> None:
    assert said(discovering(an_announcement(device_class="door")), STATE, b"ON") == Meaning()


SHARED = {
    "dev": {"ids": ["0x01"]},
    "stat_t": "~/0x01",
    "~": "zigbee2mqtt",
    "avty": [{"t": "zigbee2mqtt/bridge/state", "val_tpl": "{{ value_json.state }}"}],
}
ZIGBEE = (
    (
        "homeassistant/binary_sensor/0x01/smoke/config",
        SHARED
        | {"dev_cla": "smoke", "pl_on": True, "pl_off": False, "val_tpl": "{{ value_json.smoke }}"},
    ),
    (
        "homeassistant/sensor/0x01/battery/config",
        SHARED | {"dev_cla": "battery", "unit_of_meas": "%", "val_tpl": "{{ value_json.battery }}"},
    ),
    (
        "homeassistant/sensor/0x01/temperature/config",
        SHARED
        | {
            "dev_cla": "temperature",
            "unit_of_meas": "°C",
            "val_tpl": "{{ value_json['device']['t'] }}",
        },
    ),
)


def test_several_entities_of_a_device_are_one_device_with_abbreviated_keys() -> None:
    payload = {"smoke": True, "battery": 77, "device": {"t": 64.5}, "linkquality": 90}

    (signal,) = said(discovering(*ZIGBEE), "zigbee2mqtt/0x01", payload).signals

    assert (signal.device, signal.begun) == ("0x01", {Condition.ALARM})
    assert signal.values == {BATTERY: "0.77", "temperature": "64.5 °C"}


def test_a_payload_that_speaks_of_some_entities_changes_only_those() -> None:
    (signal,) = said(discovering(*ZIGBEE), "zigbee2mqtt/0x01", {"battery": 5}).signals

    assert not signal.begun | signal.ended
    assert signal.values == {BATTERY: "0.05"}


def test_availability_is_a_state_of_the_device() -> None:
    decoder = discovering(*ZIGBEE)

    gone = said(decoder, "zigbee2mqtt/bridge/state", {"state": "offline"}).signals[0]
    back = said(decoder, "zigbee2mqtt/bridge/state", {"state": "online"}).signals[0]

    assert (gone.begun, back.ended) == ({Condition.OFFLINE}, {Condition.OFFLINE})


def test_the_time_of_the_device_counts_where_there_is_one() -> None:
    decoder = discovering(*ZIGBEE, time="last_seen", time_format="epoch_ms")

    (alarm,) = said(decoder, "zigbee2mqtt/0x01", {"smoke": True, "last_seen": NINE_MS}).statements

    assert alarm.alarm == ("0x01", NINE)
    assert alarm.facts[0].at == NINE


def test_one_announcement_may_hold_all_of_a_device() -> None:
    announced = {
        "dev": {"ids": "0x02"},
        "state_topic": "hall/2",
        "cmps": {
            "smoke": {"p": "binary_sensor", "dev_cla": "smoke", "val_tpl": "{{ value_json.s }}"},
            "charge": {"p": "sensor", "dev_cla": "battery", "val_tpl": "{{ value_json.b }}"},
        },
    }
    decoder = discovering(("homeassistant/device/0x02/config", announced))

    (signal,) = said(decoder, "hall/2", {"s": "ON", "b": "50"}).signals

    assert (signal.device, signal.begun, signal.values[BATTERY]) == (
        "0x02",
        {Condition.ALARM},
        "0.5",
    )


def test_an_announcement_replaces_the_last_one_and_an_empty_one_takes_it_back() -> None:
    topic, announced = an_announcement()
    decoder = discovering((topic, announced), (topic, announced | {"state_topic": "elsewhere"}))

    assert said(decoder, "elsewhere", b"ON").statements
    with pytest.raises(BadRecordError, match="no announcement"):
        said(decoder, STATE, b"ON")
    said(decoder, topic, b"")
    with pytest.raises(BadRecordError, match="no announcement"):
        said(decoder, "elsewhere", b"ON")


def test_a_template_that_only_home_assistant_works_out_is_a_problem() -> None:
    decoder = discovering(an_announcement(value_template="{{ value_json.a | int > 3 }}"))

    with pytest.raises(BadRecordError, match="only Home Assistant works out"):
        said(decoder, STATE, {"a": 4})


def test_one_entity_that_makes_no_sense_hides_no_alarm_of_another() -> None:
    other = "homeassistant/binary_sensor/other/config", SHARED | {"dev_cla": "tamper"}
    decoder = discovering(*ZIGBEE, other)

    meaning = said(decoder, "zigbee2mqtt/0x01", {"smoke": True})

    assert len(meaning.statements) == 1
    assert [problem.column for problem in meaning.problems] == ["(tamper)"]


def test_announcements_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_assistant, "MOST_DEVICES", 2)
    decoder = discovering(an_announcement("a"), an_announcement("b"), an_announcement("b"))

    with pytest.raises(BadRecordError, match="one more than the 2"):
        said(decoder, *an_announcement("c"))


@pytest.mark.parametrize("payload", [b"\xff", b"{", b"[" * 10_000, b"7", b"[]"])
def test_an_announcement_that_is_none_is_bad(payload: bytes) -> None:
    with pytest.raises(BadRecordError):
        said(discovering(), "homeassistant/binary_sensor/x/config", payload)


def test_options_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValidationError, match="strptime"):
        HomeAssistantOptions(kind="smoke", time="t", time_format="%Q%")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(["ts", "values", "smoke", "battery", "t", "device", "Hall A"])
telemetry = json_values | st.dictionaries(names, json_values, max_size=4)


@given(
    topic=st.sampled_from([ME, GATEWAY, "v1/gateway/connect", "x", ""]) | st.text(max_size=9),
    payload=st.binary(max_size=30) | telemetry.map(lambda v: json.dumps(v).encode()),
)
def test_whatever_a_board_publishes_is_understood_or_refused(topic: str, payload: bytes) -> None:
    try:
        meaning = said(thingsboard(), topic, payload)
    except BadRecordError:
        return

    assert len(meaning.statements) <= len(meaning.signals)


KEYS = st.sampled_from([
    "device_class", "dev_cla", "state_topic", "stat_t", "~", "val_tpl", "dev", "ids", "avty",
    "topic", "t", "payload_on", "pl_off", "cmps", "p", "uniq_id", "avty_t",
])  # fmt: skip
VALUES = json_values | st.sampled_from(
    ["smoke", "battery", "s", "~/s", "{{ value }}", "{{ value_json.a }}", "binary_sensor", "ON"]
)


@given(
    component=st.sampled_from(["binary_sensor", "sensor", "device", "light"]),
    announced=st.dictionaries(
        KEYS, VALUES | st.dictionaries(KEYS, VALUES) | st.lists(st.dictionaries(KEYS, VALUES))
    ),
    payload=st.binary(max_size=20) | VALUES.map(lambda v: json.dumps(v).encode()),
)
def test_whatever_is_announced_is_understood_or_refused(
    component: str, announced: dict[str, Any], payload: bytes
) -> None:
    decoder = discovering()
    try:
        said(decoder, f"homeassistant/{component}/x/config", announced)
        meaning = said(decoder, "s", payload)
    except BadRecordError:
        return

    assert len(meaning.statements) <= len(meaning.signals)
