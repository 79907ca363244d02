"""What frames of GB/T 26875.3 mean for devices and incidents."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from struct import pack
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.connectors.record import Batch, Origin, Record
from pipelines.decoders.decoder import Meaning
from pipelines.decoders.gb26875.meaning import Gb26875Decoder
from pipelines.decoders.gb26875.moments import SHANGHAI, Clock, Dialect, write_moment
from pipelines.decoders.gb26875.options import Gb26875Options
from pipelines.door.quarantine import replay
from pipelines.errors import BadRecordError, SettingsError
from pipelines.model.device import Alarm, Condition, Signal
from pipelines.model.fact import Fact
from pipelines.model.milestone import Milestone
from pipelines.model.stamp import Method
from tests.pipelines.connectors.transmission import (
    CONFIRMED,
    FAULT,
    FIRE,
    NORMAL,
    NOW,
    REPLY,
    SOURCE,
    a_fire,
    a_frame,
    a_status,
    damaged,
)
from tests.pipelines.installations import an_installation, content

DETECTOR = "889/1/1/131082"
VECTORS = [
    vector
    for line in (Path(__file__).parents[2] / "data" / "gb26875" / "gb26875_frames.jsonl")
    .read_text("utf-8")
    .splitlines()
    if "hex" in (vector := json.loads(line)) and vector["id"].startswith("F")
]


def meaning(raw: bytes, *, received_at: datetime = NOW, **options: Any) -> Meaning:
    decoder = Gb26875Decoder(Gb26875Options(**({"kind": "smoke"} | options)), zone=SHANGHAI)
    record = Record(raw, b"", None, Origin("10.0.0.5", 1), 1)
    return decoder.decode(record, source="alarm", received_at=received_at)


def signals(raw: bytes, **options: Any) -> dict[str, Signal]:
    return {signal.device: signal for signal in meaning(raw, **options).signals}


def time(at: datetime = NOW) -> bytes:
    return write_moment(at, Dialect())


# ---- fires


def test_a_fire_is_an_alarm_of_its_detector_at_the_time_it_happened() -> None:
    at = NOW - timedelta(seconds=40)

    said = meaning(a_frame(a_status(FIRE, said="3号楼2层走廊", at=at)))

    (statement,) = said.statements
    assert statement.alarm == Alarm(DETECTOR, at)
    assert statement.facts == (Fact(Milestone.REPORTED, at, 1, Method.SENSOR),)
    assert (statement.kind, statement.title, statement.flags) == ("smoke", "3号楼2层走廊", ())
    assert statement.incident_key == ""
    detector, transmission = said.signals
    assert (detector.device, transmission.device) == (DETECTOR, "889")
    assert Condition.ALARM in detector.begun
    assert transmission.is_heartbeat


@pytest.mark.parametrize("others", [0x0000, 0x01FC, 0xFFFC])
def test_test_stands_beside_a_fire_and_never_hides_it(others: int) -> None:
    said = meaning(a_frame(a_status(0b10 | others)))

    assert len(said.statements) == 1
    assert said.signals[0].begun >= {Condition.ALARM, Condition.TEST}


def test_a_state_without_fire_is_no_incident_and_ends_the_alarm() -> None:
    said = meaning(a_frame(a_status(NORMAL)))

    assert said.statements == ()
    assert said.signals[0].begun == frozenset()
    assert said.signals[0].ended >= {Condition.ALARM, Condition.FAULT, Condition.TEST}


@pytest.mark.parametrize(
    ("bit", "condition"),
    [
        (2, Condition.FAULT),
        (3, Condition.MUTED),
        (4, Condition.SUPERVISED),
        (8, Condition.POWER),
    ],
)
def test_each_bit_of_a_component_is_a_state_of_it(bit: int, condition: Condition) -> None:
    said = meaning(a_frame(a_status(NORMAL | 1 << bit)))

    assert said.statements == ()
    assert said.signals[0].begun == {condition}


def a_system(status: int) -> bytes:
    return a_frame(b"\x01\x01" + pack("<BBH", 1, 2, status) + time())


def a_device(status: int) -> bytes:
    return a_frame(b"\x15\x01" + pack("<B", status) + time())


@pytest.mark.parametrize(
    ("frame", "device", "begun"),
    [
        (a_system(1 | 1 << 8), "889/1/2", Condition.POWER),
        (a_system(1 | 1 << 9), "889/1/2", Condition.POWER),
        (a_system(1 | 1 << 10), "889/1/2", Condition.FAULT),
        (a_device(1 | 1 << 2), "889", Condition.FAULT),
        (a_device(1 | 1 << 3), "889", Condition.POWER),
        (a_device(1 | 1 << 5), "889", Condition.FAULT),
        (a_device(1 | 1 << 6), "889", Condition.FAULT),
    ],
)
def test_systems_and_the_device_itself_have_states_too(
    frame: bytes, device: str, begun: Condition
) -> None:
    assert signals(frame)[device].begun == {begun}


@pytest.mark.parametrize(("frame", "device"), [(a_system(3), "889/1/2"), (a_device(3), "889")])
def test_fires_of_systems_and_of_the_device_itself_are_alarms(frame: bytes, device: str) -> None:
    (statement,) = meaning(frame).statements

    assert statement.alarm == Alarm(device, NOW)


@pytest.mark.parametrize(("frame", "device"), [(a_system(3), "889/1/2"), (a_device(3), "889")])
def test_a_panel_that_repeats_fires_may_be_a_state_only(frame: bytes, device: str) -> None:
    said = meaning(frame, alarms_of=["component"])

    assert said.statements == ()
    assert Condition.ALARM in said.signals[0].begun
    assert len(meaning(a_fire(), alarms_of=["component"]).statements) == 1


@pytest.mark.parametrize(
    ("adu", "device"),
    [(b"\x04\x01\x01\x02\x04\x07" + time(), "889/1/2"), (b"\x18\x01\x04\x07" + time(), "889")],
)
def test_an_alarm_button_is_always_an_alarm(adu: bytes, device: str) -> None:
    said = meaning(a_frame(adu), alarms_of=[], kind={"map": {"manual": "fire"}, "default": "smoke"})

    (statement,) = said.statements
    assert (statement.alarm, statement.kind) == (Alarm(device, NOW), "fire")
    assert said.signals[0].values == {"operation": "manual_alarm", "operator": "7"}


@pytest.mark.parametrize("button", [0b1, 0b1000])
def test_a_reset_ends_the_alarm_of_its_system(button: int) -> None:
    said = meaning(a_frame(b"\x04\x01\x01\x02" + bytes((button, 7)) + time()))

    assert said.statements == ()
    assert said.signals[0].ended == {Condition.ALARM}


def test_several_fires_of_one_frame_are_several_alarms() -> None:
    objects = [a_status(FIRE, address=n)[2:] for n in (1, 2, 3)]

    said = meaning(a_frame(b"\x02\x03" + b"".join(objects)))

    assert {s.alarm.device for s in said.statements if s.alarm} == {
        f"889/1/1/{n}" for n in (1, 2, 3)
    }
    contents = [s.content for s in (*said.statements, *said.signals)]
    assert len(set(contents)) == 7


@pytest.mark.parametrize(
    ("comp_type", "kind"),
    [(40, "smoke"), (53, "smoke"), (200, "smoke"), (23, "call"), (31, "fire")],
)
def test_the_kind_of_a_fire_depends_on_what_reports_it(comp_type: int, kind: str) -> None:
    kinds = {"map": {"smoke": "smoke", "23": "call"}, "default": "fire"}

    frame = a_frame(a_status(FIRE, comp_type=comp_type))
    (statement,) = meaning(frame, kind=kinds, smoke_types=[40, 53, 200]).statements

    assert statement.kind == kind


# ---- what else is said


def test_measured_values_have_their_unit() -> None:
    one = pack("<BBBIBh", 1, 1, 40, 7, 3, -125) + time()
    other = pack("<BBBIBh", 1, 1, 40, 7, 8, 235) + time()
    strange = pack("<BBBIBh", 1, 1, 40, 7, 99, 5) + time()

    said = meaning(a_frame(b"\x03\x03" + one + other + strange))

    assert [s.values for s in said.signals[:3]] == [
        {"温度": "-12.5 ℃"},
        {"电压": "23.5 V"},
        {"analog 99": "5"},
    ]
    assert {s.device for s in said.signals} == {"889/1/1/7", "889"}


@pytest.mark.parametrize("type_flag", [0x80, 0x97, 0xFE, 9, 61])
def test_an_unknown_type_is_kept_as_a_value_of_the_device(type_flag: int) -> None:
    said = meaning(a_frame(bytes((type_flag, 2)) + b"\xab" * 40))

    (signal,) = said.signals
    assert signal.device == "889"
    assert signal.values == {f"type {type_flag}": "ab " * 31 + "ab …"}
    assert said.problems == ()


def test_objects_of_another_layout_may_hide_a_fire_so_they_are_said_aloud() -> None:
    said = meaning(a_frame(b"\x02\x01" + bytes(16)))

    assert said.signals[0].values["type 2"].startswith("00 00")
    (problem,) = said.problems
    assert "ask the vendor" in problem.rule


@pytest.mark.parametrize("command", [2, CONFIRMED, REPLY])
def test_every_frame_shows_that_its_device_is_there(command: int) -> None:
    (signal,) = meaning(a_frame(command=command)).signals

    assert (signal.device, signal.at, signal.is_heartbeat) == ("889", NOW, True)


def test_only_the_lower_half_of_a_32_bit_address_counts() -> None:
    frame = a_frame(device=889 | 0xBEEF << 32)

    assert list(signals(frame, address_bits=32)) == ["889"]
    assert list(signals(frame)) == [str(889 | 0xBEEF << 32)]


@pytest.mark.parametrize("vector", VECTORS, ids=[v["id"] for v in VECTORS])
def test_every_recorded_frame_has_a_meaning(vector: dict[str, Any]) -> None:
    received = datetime(2012, 9, 26, 2, tzinfo=UTC)

    said = meaning(bytes.fromhex(vector["hex"]), received_at=received)

    assert said.problems == ()
    assert bool(said.statements) is (vector["id"] == "F01")
    assert {signal.device.split("/")[0] for signal in said.signals} == {
        str(vector["expect"]["src"])
    }


# ---- times


def test_what_was_kept_for_weeks_happened_when_the_device_says() -> None:
    at = NOW - timedelta(days=40)

    (statement,) = meaning(a_frame(a_status(at=at))).statements

    assert statement.facts[0].at == at
    assert statement.flags == ()


@pytest.mark.parametrize("off", [timedelta(days=-4000), timedelta(days=2)])
def test_a_clock_that_is_far_off_gives_no_report_time_and_cannot_join_a_fire_to_an_old_one(
    off: timedelta,
) -> None:
    wrong = NOW + off

    said = meaning(a_fire(at=wrong))

    (statement,) = said.statements
    assert statement.facts == ()
    assert statement.alarm == Alarm(DETECTOR, NOW)
    assert "not believed" in statement.flags[0].rule
    assert {signal.at for signal in said.signals} == {NOW}
    assert said.signals[-1].values == {"clock": wrong.isoformat()}


@pytest.mark.parametrize("off", [timedelta(days=-9500), timedelta(days=-91), timedelta(days=2)])
def test_a_panel_whose_clock_stands_still_raises_a_new_alarm_each_time(off: timedelta) -> None:
    frame = a_frame(a_status(at=NOW + off), sent=NOW)

    (statement,) = meaning(frame).statements

    assert statement.facts == ()
    assert statement.alarm == Alarm(DETECTOR, NOW)
    assert "not believed" in statement.flags[0].rule


def test_an_event_without_a_time_happened_when_it_was_sent() -> None:
    nonsense = a_status()[:-6] + b"\xff" * 6

    (statement,) = meaning(a_frame(nonsense)).statements

    assert statement.facts[0].at == NOW
    assert statement.flags[0].value == "ff ff ff ff ff ff"


def test_a_frame_without_any_time_is_known_by_its_receipt() -> None:
    frame = bytearray(a_frame(a_status()[:-6] + b"\xff" * 6))
    frame[6:12] = b"\xff" * 6
    frame[-3] = sum(frame[2:-3]) & 0xFF

    (statement,) = meaning(bytes(frame)).statements

    assert statement.facts == ()
    assert statement.alarm == Alarm(DETECTOR, NOW)


def in_bcd(frame: bytes, at: datetime) -> bytes:
    bcd = write_moment(at, Dialect(clock=Clock.BCD))
    changed = bytearray(frame.replace(write_moment(at, Dialect()), bcd))
    changed[-3] = sum(changed[2:-3]) & 0xFF
    return bytes(changed)


@given(st.integers(0, 40 * 365 * 86_400))
def test_bcd_times_are_recognised_by_when_they_come(seconds: int) -> None:
    at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)

    (statement,) = meaning(in_bcd(a_fire(at=at), at), received_at=at).statements

    assert statement.alarm == Alarm(DETECTOR, at)
    assert statement.flags == ()


def test_times_are_local_to_the_source() -> None:
    decoder = Gb26875Decoder(Gb26875Options(kind="smoke"), zone=ZoneInfo("UTC"))
    record = Record(a_fire(), b"", None, Origin("x", 1), 1)

    said = decoder.decode(record, source="alarm", received_at=NOW + timedelta(hours=8))

    assert said.signals[0].at == NOW + timedelta(hours=8)


# ---- what makes no sense


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (damaged(a_fire()), "checksum"),
        (a_fire()[:-1], "truncated"),
        (a_fire() + a_fire(), "not one frame"),
        (b"\x00" + a_fire(), "not one frame"),
        (b"noise", "no 0x4040 start"),
        (b"", "no 0x4040 start"),
    ],
)
def test_what_is_no_frame_is_named(raw: bytes, rule: str) -> None:
    with pytest.raises(BadRecordError, match=rule):
        meaning(raw)


@given(st.binary(max_size=1200))
def test_any_bytes_that_are_no_frame_are_refused(raw: bytes) -> None:
    with pytest.raises(BadRecordError) as refused:
        meaning(raw)  # no frame is made by chance

    assert refused.value.rule
    assert len(refused.value.value) < 200


@given(
    adu=st.one_of(
        st.binary(max_size=1024),
        st.tuples(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 21, 24, 25, 26, 28]), st.binary()).map(
            lambda said: bytes((said[0], 1)) + said[1]
        ),
        st.tuples(st.binary(min_size=9, max_size=9), st.binary(min_size=37, max_size=37)).map(
            lambda said: b"\x02\x01" + said[0] + said[1]
        ),
    ),
    command=st.integers(0, 255),
    device=st.integers(0, 2**48 - 1),
)
def test_any_data_unit_of_a_good_frame_is_kept(adu: bytes, command: int, device: int) -> None:
    said = meaning(a_frame(adu, command=command, device=device))

    assert any(signal.device == str(device) for signal in said.signals)
    assert len({(s.device, s.content) for s in said.signals}) == len(said.signals)
    assert sum(len(v) for s in said.signals for v in s.values.values()) < 100 * 200
    assert json.dumps([dict(s.values) for s in said.signals])


# ---- through the door


STATES = st.tuples(
    st.sampled_from([FIRE, NORMAL, FAULT, 0b10]), st.integers(1, 3), st.integers(0, 3600)
)


@given(said=st.lists(STATES, min_size=1, max_size=8), data=st.data())
@settings(max_examples=20)
def test_order_and_repetition_change_nothing(
    said: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    frames = [
        a_frame(
            a_status(status, address=address, at=NOW - timedelta(seconds=ago)),
            sequence=number,
        )
        for number, (status, address, ago) in enumerate(said)
    ]
    shuffled = data.draw(st.permutations(frames + frames[: len(frames) // 2]))

    assert stored(frames) == stored(shuffled)


def stored(frames: list[bytes]) -> Any:
    tables = ("incident", "alarm", "fact", "rollup", "device")
    with TemporaryDirectory() as folder:
        street = an_installation(Path(folder), more=SOURCE.format(port=0, options=""))
        for frame in frames:
            record = Record(frame, b"", None, Origin("x", 1), 1)
            batch = Batch(records=(record,), part="", position=None)
            street.door.accept(street.sources[1], batch, now=NOW)
        found = content(street.store, *tables)
        street.store.close()
    return found


def test_a_frame_in_quarantine_is_read_again_with_the_bytes_it_came_with(tmp_path: Path) -> None:
    street = an_installation(tmp_path, more=SOURCE.format(port=0, options=""))
    problem = ("(frame)", "", "was refused by an earlier version")
    records = (
        Record(a_fire(), b"", None, Origin("x", 1), 1, problem),
        Record(damaged(a_fire(2)), b"", None, Origin("x", 2), 2, problem),
    )
    batch = Batch(records=records, part="", position=None)
    street.door.accept(street.sources[1], batch, now=NOW)

    done = replay(street.store, street.door, street.sources[1])

    assert (done.taken_in, done.still) == (1, 1)
    assert len(content(street.store, "incident")["incident"]) == 1
    street.store.close()


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ('"flood"', "there is no such kind"),
        ('{ map = { 300 = "smoke" }, default = "smoke" }', "reports no fires"),
        ('{ map = { 23 = "flood" }, default = "smoke" }', "there is no such kind"),
    ],
)
def test_a_wrong_kind_is_named(tmp_path: Path, kind: str, rule: str) -> None:
    block = SOURCE.format(port=0, options="").replace('kind = "smoke" }', f"kind = {kind} }}")

    with pytest.raises(SettingsError, match=rule):
        an_installation(tmp_path, more=block)
