"""What frames of GB/T 26875.3 mean, and how the command line shows it."""

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import main
from pipelines.decoders.gb26875 import codes
from pipelines.decoders.gb26875 import objects as o
from pipelines.decoders.gb26875.codec import Message, decode, decode_adu, is_adu
from pipelines.decoders.gb26875.frame import Frame, assemble, read_header
from pipelines.decoders.gb26875.framing import Framer
from pipelines.decoders.gb26875.hex_lines import MAX_LINE, decode_lines, decode_stream
from pipelines.decoders.gb26875.moments import (
    STANDARD,
    Clock,
    Dialect,
    read_moment,
    write_moment,
)

DATA = Path(__file__).parents[2] / "data" / "gb26875"
VECTORS: dict[str, dict[str, Any]] = {
    vector["id"]: vector
    for line in (DATA / "gb26875_frames.jsonl").read_text("utf-8").splitlines()
    for vector in [json.loads(line)]
}
TABLES: dict[str, Any] = json.loads((DATA / "gb26875_codes.json").read_text("utf-8"))
ALONE = [v for v in VECTORS.values() if "hex" in v]
TOGETHER = [v for v in VECTORS.values() if "hex" not in v]
TIME = "04 00 09 02 07 15"
AT = datetime(2021, 7, 2, 1, 0, 4, tzinfo=UTC)
A_FIRE = VECTORS["F01"]["hex"]


def lines(*text: str) -> list[dict[str, Any]]:
    return list(decode_lines(io.BytesIO("\n".join(text).encode())))


def a_message(adu: bytes, dialect: Dialect = STANDARD, **changed: bytes) -> Message:
    raw = bytearray.fromhex(A_FIRE)
    for name, at in (("time", 6), ("source", 12), ("destination", 18)):
        raw[at : at + 6] = changed.get(name, raw[at : at + 6])
    [frame] = Framer().feed(assemble(read_header(bytes(raw)), adu))
    assert isinstance(frame, Frame)
    return decode(frame, dialect)


def a_component(status: int, *, description: bytes = b"", time: str = TIME) -> bytes:
    return (
        bytes.fromhex("02 01 01 01 28 0a000200")
        + status.to_bytes(2, "little")
        + description.ljust(31, b"\0")
        + bytes.fromhex(time)
    )


def the_component(adu: bytes) -> o.ComponentStatus:
    [thing] = decode_adu(adu).objects
    assert isinstance(thing, o.ComponentStatus)
    return thing


def command(*arguments: str, said: str = "") -> tuple[int, list[dict[str, Any]], str]:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(said.encode())))
        status = main(["decode", *arguments])
    return status, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


@pytest.mark.parametrize("vector", ALONE, ids=[v["id"] for v in ALONE])
def test_a_recorded_frame_says_what_was_expected(vector: dict[str, Any]) -> None:
    assert lines(vector["hex"]) == [vector["expect"]]


@pytest.mark.parametrize("vector", TOGETHER, ids=[v["id"] for v in TOGETHER])
def test_a_recorded_stream_shows_its_frames(vector: dict[str, Any]) -> None:
    chunks = vector.get("chunks") or [vector["text"].encode().hex()]

    told = list(decode_stream(io.BytesIO("\n".join(chunks).encode())))

    expected = vector["expect"]
    frames = [VECTORS[name]["expect"] for name in expected["frames"]]
    assert [item for item in told if item["ok"]] == frames
    assert sum(item.get("nak", False) for item in told) == expected.get("naks", 0)


def test_there_are_46_vectors() -> None:
    assert len(ALONE) + len(TOGETHER) == len(VECTORS) == 46


# ---- the fire, and what must not hide it


@pytest.mark.parametrize("other_bits", [0x0000, 0x0001, 0x01FC, 0xFFFD])
def test_bit_1_alone_makes_an_alarm_in_test_or_not(other_bits: int) -> None:
    burning, quiet = a_component(other_bits | 2), a_component(other_bits)

    assert the_component(burning).is_alarm
    assert a_message(burning).is_alarm
    assert not the_component(quiet).is_alarm
    assert not a_message(quiet).is_alarm


def test_the_test_flag_is_kept_beside_the_alarm() -> None:
    thing = the_component(a_component(0b10))

    assert thing.is_test
    assert thing.is_alarm
    assert thing.flags == ("fire",)
    assert not the_component(a_component(0b11)).is_test


@pytest.mark.parametrize("adu", [f"01 01 01 02 0200 {TIME}", f"15 01 02 {TIME}"])
def test_systems_and_devices_report_fires_too(adu: str) -> None:
    assert a_message(bytes.fromhex(adu)).is_alarm


def test_one_fire_among_many_objects_is_an_alarm() -> None:
    quiet, fire = a_component(1)[2:], a_component(2)[2:]

    assert a_message(bytes((2, 3)) + quiet + fire + quiet).is_alarm


# ---- what the standard leaves open, or vendors do otherwise


@pytest.mark.parametrize("type_flag", [0x80, 0x87, 0x96, 0x97, 0xFE, 0xFF, 9, 20, 60])
def test_an_unknown_type_is_kept_raw(type_flag: int) -> None:
    adu = decode_adu(bytes((type_flag, 1, 0xAB, 0xCD)))

    assert (adu.type_flag, adu.count, adu.objects) == (type_flag, 1, ())
    assert adu.raw_objects == b"\xab\xcd"


@pytest.mark.parametrize(
    "adu",
    [
        bytes((2, 1)) + bytes(16),
        a_component(2)[:-6],
        a_component(2) + b"\0",
        bytes((2, 2)) + a_component(2)[2:],
        bytes.fromhex("06 01 01 02 1e 41"),
        bytes.fromhex("06 02 01 02 01 41"),
        bytes.fromhex("1a 01 01 41 41"),
    ],
    ids=bytes.hex,
)
def test_objects_whose_size_does_not_fit_are_kept_raw(adu: bytes) -> None:
    read = decode_adu(adu)

    assert read.objects == ()
    assert read.raw_objects == adu[2:]


def test_a_data_unit_of_one_byte_has_no_count() -> None:
    adu = decode_adu(b"\x02")

    assert (adu.type_flag, adu.count, adu.raw_objects) == (2, None, b"")


def test_more_than_one_version_is_taken_though_the_standard_says_one() -> None:
    adu = decode_adu(bytes.fromhex("05 02 01 02 03 04 0d 03 05 06"))

    assert [type(thing) for thing in adu.objects] == [o.SystemVersion] * 2


def test_data_without_a_data_unit_is_a_heartbeat() -> None:
    assert a_message(b"").is_heartbeat
    assert a_message(b"").adu is None
    assert not a_message(a_component(1)).is_heartbeat


def test_sending_and_happening_are_two_times() -> None:
    message = a_message(a_component(2, time="0000 0c 01 09 0c"))

    assert message.sent.at == datetime(2012, 9, 26, 1, 58, 32, tzinfo=UTC)
    assert message.adu is not None
    assert message.adu.objects[0].time is not None
    assert message.adu.objects[0].time.at == datetime(2012, 9, 1, 4, tzinfo=UTC)


def test_several_configuration_texts_are_told_apart() -> None:
    adu = decode_adu(bytes.fromhex("06 02 01 02 03 414243 0d 03 00"))

    assert [(thing.length, thing.text) for thing in adu.objects] == [  # type: ignore[attr-defined]
        (3, "ABC"),
        (0, ""),
    ]
    assert lines("1a 01 02 c9cf") == [
        {
            "ok": True,
            "adu": {"type_flag": 26, "count": 1, "objects": [{"length": 2, "text": "上"}]},
        }
    ]


# ---- numbers


def test_addresses_have_48_bits_with_the_lowest_byte_first() -> None:
    field = bytes.fromhex("79 03 00 00 01 80")

    assert a_message(b"", source=field).source == 0x8001_0000_0379


def test_a_dialect_may_count_only_32_bits_of_an_address() -> None:
    field = bytes.fromhex("79 03 00 00 01 80")

    message = a_message(b"", Dialect(address_bits=32), source=field, destination=field)

    assert (message.source, message.destination) == (889, 889)


def test_an_address_has_32_or_48_bits() -> None:
    with pytest.raises(ValueError, match="address_bits = 64 must be 32 or 48"):
        Dialect(address_bits=64)


@pytest.mark.parametrize(
    ("kind", "raw", "value", "unit"),
    [
        (3, "2003", 80.0, "℃"),
        (3, "9cff", -10.0, "℃"),
        (2, "0150", 204.81, "m"),
        (1, "0300", 3.0, "件"),
        (4, "0100", 0.1, "MPa"),
        (12, "0500", 5.0, "m/s"),
        (200, "0500", None, None),
    ],
)
def test_measurements_have_a_scale_and_a_unit(
    kind: int, raw: str, value: float | None, unit: str | None
) -> None:
    [thing] = decode_adu(bytes.fromhex(f"03 01 01 02 28 01020304 {kind:02x} {raw} {TIME}")).objects

    assert isinstance(thing, o.AnalogValue)
    assert (thing.value, thing.unit) == (value, unit)


def test_a_component_has_a_zone_and_a_point_and_may_smell_smoke() -> None:
    thing = the_component(a_component(2))

    assert (thing.zone, thing.point, thing.smells_smoke) == (10, 2, True)


# ---- texts


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("3号楼2单元".encode("gb18030"), "3号楼2单元"),
        (b" " * 31, ""),
        (b" " * 30 + b"\0", ""),
        (b"\0" * 31, ""),
        ("㐀".encode("gb18030"), "㐀"),
        ("一楼".encode("gb18030") + b"\0" + "室".encode("gb18030") + b"\0\0", "一楼 室"),
        ("楼".encode("gb18030") * 15 + "室".encode("gb18030")[:1], "楼" * 15 + "\\xca"),
        (b"\xff\xff3F", "\\xff\\xff3F"),
    ],
    ids=repr,
)
def test_text_is_gb_18030_and_what_is_none_of_it_stays_visible(raw: bytes, said: str) -> None:
    assert the_component(a_component(2, description=raw)).description == said


# ---- times

BINARY, BCD = "040009020715", "040009020721"


@pytest.mark.parametrize(
    ("raw", "clock", "at"),
    [
        (BINARY, Clock.BINARY, AT),
        (BINARY, Clock.AUTO, AT),
        (BCD, Clock.BCD, AT),
        ("040009310721", Clock.AUTO, datetime(2021, 7, 31, 1, 0, 4, tzinfo=UTC)),
        ("040009310721", Clock.BINARY, None),
        (BCD, Clock.AUTO, datetime(2033, 7, 2, 1, 0, 4, tzinfo=UTC)),
        ("0400090207aa", Clock.AUTO, None),
        ("04000902071f", Clock.BCD, None),
        ("000000000000", Clock.AUTO, None),
        ("00000b1d0215", Clock.AUTO, None),
        ("ffffffffffff", Clock.AUTO, None),
    ],
)
def test_times_are_read_as_the_device_writes_them(
    raw: str, clock: Clock, at: datetime | None
) -> None:
    moment = read_moment(bytes.fromhex(raw), Dialect(clock=clock))

    assert moment.at == at
    assert moment.raw.hex() == raw


def test_times_are_local_to_the_zone_of_the_device() -> None:
    moment = read_moment(bytes.fromhex(BINARY), Dialect(zone=ZoneInfo("Asia/Urumqi")))

    assert moment.at == datetime(2021, 7, 2, 3, 0, 4, tzinfo=UTC)


def test_an_impossible_time_is_shown_as_received() -> None:
    [told] = lines("1c 01 ff ff ff ff ff ff")

    assert told["adu"]["objects"] == [{"time": None, "time_raw": "ffffffffffff"}]


@pytest.mark.parametrize(
    "at", [datetime(1999, 12, 31, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)]
)
def test_a_year_the_six_bytes_cannot_hold_is_refused(at: datetime) -> None:
    with pytest.raises(ValueError, match="2000 to 2099"):
        write_moment(at, STANDARD)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a zone"):
        write_moment(AT.replace(tzinfo=None), STANDARD)


# ---- anything


@given(st.binary(min_size=1, max_size=1024), st.sampled_from(Clock))
def test_no_data_unit_is_an_error(adu: bytes, clock: Clock) -> None:
    message = a_message(adu, Dialect(clock=clock))

    assert message.adu is not None
    assert message.adu.type_flag == adu[0]
    assert not (message.adu.objects and message.adu.raw_objects)


@given(
    type_flag=st.sampled_from(sorted(codes.TYPE_FLAGS)),
    count=st.integers(0, 4),
    body=st.binary(max_size=200),
)
def test_every_line_becomes_json(type_flag: int, count: int, body: bytes) -> None:
    adu = bytes((type_flag, count)) + body
    framed = assemble(read_header(bytes.fromhex(A_FIRE)), adu)

    [told] = [json.loads(json.dumps(item)) for item in lines(framed.hex())]

    assert told["adu"]["type_flag"] == type_flag
    assert told["adu"]["count"] == count


@pytest.mark.parametrize(
    ("ours", "table"),
    [(codes.SYSTEM_TYPES, "system_types"), (codes.COMPONENT_TYPES, "component_types")],
)
def test_the_types_are_those_of_the_standard(ours: Mapping[int, str], table: str) -> None:
    assert ours == {int(k): name for k, name in TABLES[table].items() if "-" not in k}


def test_the_units_are_those_of_the_standard() -> None:
    assert {
        str(k): [name, unit, 1 / steps] for k, (name, unit, steps) in codes.ANALOG_TYPES.items()
    } == TABLES["analog_types"]


def test_the_names_of_commands_and_types_cover_every_byte() -> None:
    assert [codes.command_name(n) for n in (0, 7, 127, 128, 255)] == [
        *["预留"] * 3,
        *["用户自定义"] * 2,
    ]
    assert codes.type_name(2) == decode_adu(b"\x02\x01").name == "上传建筑消防设施部件运行状态"
    assert codes.type_name(0x87) == "用户自定义"


# ---- lines


def test_a_bare_data_unit_must_fit_exactly() -> None:
    assert is_adu(bytes.fromhex("19 01 03 04"))
    assert is_adu(bytes.fromhex("51 01 00"))
    assert not is_adu(bytes.fromhex("19 01 03 04 05"))
    assert not is_adu(bytes.fromhex("19 00"))
    assert not is_adu(bytes.fromhex("87 01 00"))
    assert not is_adu(b"\x19")


def test_lines_may_have_spaces_comments_and_several_frames() -> None:
    spaced = bytes.fromhex(A_FIRE).hex(" ").upper()

    told = lines("# a capture", "", f"  {spaced}  # the fire", A_FIRE + VECTORS["F02"]["hex"], "\r")

    assert told == [VECTORS[name]["expect"] for name in ("F01", "F01", "F02")]


def test_a_line_that_is_not_hex_is_named_and_the_next_one_read() -> None:
    told = lines("# first", "40 4", "火警", A_FIRE)

    assert [item["ok"] for item in told] == [False, False, True]
    assert told[0]["why"].startswith("line 2: '40 4' is not hex;")
    assert told[1]["why"].startswith("line 3: ")


def test_a_line_without_end_is_not_held_in_memory() -> None:
    endless = io.BytesIO(b"40" * (2 * MAX_LINE) + b"\n" + A_FIRE.encode())

    told = list(decode_lines(endless))

    assert told[0]["why"].startswith("line 1: longer than")
    assert told[1:] == [VECTORS["F01"]["expect"]]


def test_the_command_reads_frames_without_a_source(tmp_path: Path) -> None:
    file = tmp_path / "frames.txt"
    file.write_text(A_FIRE, "utf-8")

    expected = (0, [VECTORS["F01"]["expect"]], "")
    assert command("--decoder", "gb26875", "-", said=A_FIRE) == expected
    assert command("--decoder", "gb26875", str(file)) == expected


def test_the_command_joins_lines_to_a_stream() -> None:
    said = "\n".join(VECTORS["T02"]["chunks"])

    status, told, _ = command("--decoder", "gb26875", "--stream", said=said)

    assert (status, told) == (0, [VECTORS[name]["expect"] for name in ("F01", "F04")])


def test_a_stream_says_what_was_left_at_its_end() -> None:
    _, told, _ = command("--decoder", "gb26875", "--stream", said="zz\n" + A_FIRE[:-2])

    assert [item["why"][:9] for item in told] == ["line 1: '", "truncated"]


@pytest.mark.parametrize(
    "wrong", [(), ("--source", "sffd", "--decoder", "gb26875"), ("--decoder", "gb32960")]
)
def test_the_command_wants_one_source_or_one_decoder(wrong: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command(*wrong)

    assert stopped.value.code == 2


def test_the_command_says_what_it_cannot_do() -> None:
    assert command("--source", "sffd", "--stream")[::2] == (
        2,
        "--stream: only frames form a stream; use it with --decoder\n",
    )
    status, _, said = command("--decoder", "gb26875", "missing.txt")
    assert (status, said) == (2, "missing.txt: No such file or directory\n")
