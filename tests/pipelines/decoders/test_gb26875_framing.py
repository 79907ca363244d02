"""Frames are found in any stream, whatever stands between them and however it is cut."""

import json
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.decoders.gb26875.frame import (
    MAX_ADU,
    BadFrame,
    Frame,
    Header,
    assemble,
    confirm,
    deny,
)
from pipelines.decoders.gb26875.framing import MAX_HELD, Framer
from pipelines.decoders.gb26875.hex_lines import shown
from pipelines.decoders.gb26875.moments import STANDARD, Clock, Dialect, read_moment

VECTORS: dict[str, dict[str, Any]] = {
    vector["id"]: vector
    for line in (Path(__file__).parents[2] / "data/gb26875/gb26875_frames.jsonl")
    .read_text("utf-8")
    .splitlines()
    for vector in [json.loads(line)]
}
STREAMS = [v for v in VECTORS.values() if v["kind"] in ("stream", "ascii_hex")]
A_FIRE = bytes.fromhex(VECTORS["F01"]["hex"])
A_CONFIRMATION = bytes.fromhex(VECTORS["F02"]["hex"])
A_FAULT = bytes.fromhex(VECTORS["F04"]["hex"])
A_VERSION = bytes.fromhex(VECTORS["F06"]["hex"])
AT_09_58_35 = datetime(2012, 9, 26, 1, 58, 35, tzinfo=UTC)


def found(*reads: bytes) -> list[Frame | BadFrame]:
    framer = Framer()
    return [item for read in reads for item in framer.feed(read)]


def good(items: list[Frame | BadFrame]) -> list[bytes]:
    return [item.raw for item in items if isinstance(item, Frame)]


def bad(items: list[Frame | BadFrame]) -> list[BadFrame]:
    return [item for item in items if isinstance(item, BadFrame)]


def a_header(**changed: Any) -> Header:
    usual = Header(
        sequence=1,
        main_version=1,
        user_version=1,
        time=bytes.fromhex("203a091a090c"),
        source=(889).to_bytes(6, "little"),
        destination=(88888).to_bytes(6, "little"),
        adu_length=0,
        command=2,
    )
    return replace(usual, **changed)


def damaged(raw: bytes, *, at: int = -3) -> bytes:
    changed = bytearray(raw)
    changed[at] ^= 0x01
    return bytes(changed)


def claiming(length: int, raw: bytes = A_FIRE) -> bytes:
    return raw[:24] + length.to_bytes(2, "little") + raw[26:]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


headers = st.builds(
    a_header,
    sequence=st.integers(0, 0xFFFF),
    main_version=st.integers(0, 255),
    user_version=st.integers(0, 255),
    time=st.binary(min_size=6, max_size=6),
    source=st.binary(min_size=6, max_size=6),
    destination=st.binary(min_size=6, max_size=6),
    command=st.integers(0, 255),
)
frames = st.builds(assemble, headers, st.binary(max_size=80))
# bytes that look like the parts of a frame are where a cutter goes wrong
scraps = st.lists(
    st.one_of(
        st.sampled_from([b"@", b"@@", b"##", b"4", b"40", b"4040", b"\x00\x04", b"\0" * 24]),
        st.binary(max_size=12),
        frames,
        frames.map(lambda raw: raw.hex().encode()),
        frames.map(damaged),
        frames.map(lambda raw: raw[:-4]),
    ),
    max_size=8,
).map(b"".join)


@pytest.mark.parametrize("vector", STREAMS, ids=[v["id"] for v in STREAMS])
def test_the_recorded_streams_give_their_frames(vector: dict[str, Any]) -> None:
    chunks = vector.get("chunks") or [vector["text"].encode().hex()]

    items = found(*(bytes.fromhex(chunk) for chunk in chunks))

    expected = vector["expect"]
    assert [shown(item) for item in items if isinstance(item, Frame)] == [
        VECTORS[name]["expect"] for name in expected["frames"]
    ]
    assert sum(item.deny_due for item in bad(items)) == expected.get("naks", 0)


def test_an_end_mark_inside_text_ends_nothing() -> None:
    text_with_marks = bytes.fromhex(VECTORS["S01"]["hex"])

    assert good(found(text_with_marks)) == [text_with_marks]


def test_a_frame_that_carries_another_is_one_frame() -> None:
    carrier = assemble(a_header(command=128), b"\x87\x01" + A_FIRE)

    assert good(found(carrier)) == [carrier]
    assert good(found(carrier[:70], carrier[70:])) == [carrier]


def test_a_frame_is_given_with_its_last_byte_and_not_before() -> None:
    framer = Framer()

    assert framer.feed(A_FIRE[:-1]) == []
    assert good(framer.feed(A_FIRE[-1:])) == [A_FIRE]
    assert framer.held == 0


def test_a_stray_start_byte_hides_no_frame_and_delays_none() -> None:
    # shifted by one, the length of this short frame reads 1024: it must not be waited for
    assert good(found(b"@" + A_VERSION)) == [A_VERSION]
    assert good(found(b"@@@" + A_VERSION)) == [A_VERSION]
    assert bad(found(b"@" + A_FIRE)) == []


def test_a_sequence_number_may_look_like_a_start_mark() -> None:
    raw = assemble(a_header(sequence=0x4040), b"\x19\x01\x03\x04")

    assert good(found(raw)) == [raw]
    assert good(found(b"@" + raw)) == [raw]


def test_a_wrong_checksum_is_denied_and_costs_nothing_behind_it() -> None:
    items = found(damaged(A_FIRE) + A_FAULT)

    assert good(items) == [A_FAULT]
    [refused] = bad(items)
    assert refused.why == "checksum mismatch (0x46 expected)"
    assert refused.deny_due
    assert refused.raw == damaged(A_FIRE)


def test_a_wrong_end_mark_is_not_denied_since_its_header_may_be_noise() -> None:
    items = found(damaged(A_FIRE, at=-1) + A_FAULT)

    assert [(item.why, item.deny_due) for item in bad(items)] == [("bad tail", False)]
    assert good(items) == [A_FAULT]


def test_a_good_frame_inside_the_claimed_length_of_a_bad_one_is_found() -> None:
    behind = A_FAULT * 30

    items = found(claiming(1000) + behind)

    assert good(items) == [A_FAULT] * 30
    assert [item.why for item in bad(items)] == ["bad tail"]


def test_a_length_over_the_limit_is_not_waited_for() -> None:
    items = found(claiming(MAX_ADU + 1)[:27] + A_FAULT)

    assert good(items) == [A_FAULT]
    assert [item.why for item in bad(items)] == ["ADU longer than 1024 (standard limit)"]


def test_the_longest_frame_is_taken_in() -> None:
    raw = assemble(a_header(), bytes(MAX_ADU))

    assert good(found(raw)) == [raw]
    assert good(found(raw.hex().encode())) == [raw]


def test_noise_that_looks_like_a_long_frame_is_given_up_after_a_silence() -> None:
    framer = Framer()

    assert framer.feed(claiming(1000)[:40] + A_FIRE) == []
    items = framer.settle()

    assert good(items) == [A_FIRE]
    assert [item.why[:26] for item in bad(items)] == ["ADU length says 1000 but 8"]
    assert framer.held == 0
    assert framer.settle() == []


def test_frames_written_as_text_are_read_in_either_case() -> None:
    text = A_FIRE.hex().encode()

    items = found(b"\r\n" + text + b"\r\n" + text.upper() + b"\0" + A_FAULT)

    assert good(items) == [A_FIRE, A_FIRE, A_FAULT]
    assert [item.as_text for item in items if isinstance(item, Frame)] == [True, True, False]


def test_text_that_stops_being_hex_holds_nothing_back() -> None:
    assert good(found(b"4040 is not a frame" + A_FIRE)) == [A_FIRE]


def test_a_damaged_frame_in_text_is_denied() -> None:
    [refused] = found(damaged(A_FIRE).hex().encode())

    assert isinstance(refused, BadFrame)
    assert refused.deny_due
    assert deny(refused, AT_09_58_35) == bytes.fromhex(VECTORS["F03"]["hex"])


def test_skipped_bytes_are_counted() -> None:
    framer = Framer()

    framer.feed(b"noise" + A_FIRE + b"\xff\xff" + damaged(A_FAULT) + A_FAULT)

    assert framer.skipped == 5 + 2 + len(A_FAULT)


def test_the_answers_are_those_of_the_recorded_exchange() -> None:
    [frame] = found(A_FIRE)
    assert isinstance(frame, Frame)

    assert confirm(frame, AT_09_58_35) == A_CONFIRMATION
    assert deny(frame, AT_09_58_35) == bytes.fromhex(VECTORS["F03"]["hex"])


def test_nobody_is_answered_when_the_header_did_not_come() -> None:
    framer = Framer()
    framer.feed(A_FIRE[:20])
    [rest] = framer.settle()
    assert isinstance(rest, BadFrame)

    with pytest.raises(ValueError, match="nobody to answer"):
        deny(rest, AT_09_58_35)


def test_a_data_unit_over_the_limit_cannot_be_assembled() -> None:
    with pytest.raises(ValueError, match="1025 bytes must not be longer than 1024"):
        assemble(a_header(), bytes(MAX_ADU + 1))


@given(
    asked=frames,
    now=st.integers(0, 3_000_000_000).map(
        lambda s: datetime(2000, 1, 2, tzinfo=UTC) + timedelta(seconds=s)
    ),
    clock=st.sampled_from(Clock),
)
def test_an_answer_reads_back_as_what_it_answers(asked: bytes, now: datetime, clock: Clock) -> None:
    [frame] = found(asked)
    assert isinstance(frame, Frame)
    dialect = Dialect(clock=clock)

    for answer, command in ((confirm, 3), (deny, 6)):
        [read] = found(answer(frame, now, dialect))

        assert isinstance(read, Frame)
        assert read.header.command == command
        assert read.header.sequence == frame.header.sequence
        assert read.header.source == frame.header.destination
        assert read.header.destination == frame.header.source
        assert read_moment(read.header.time, dialect).at == now
        assert read.adu == b""


@given(st.one_of(st.binary(max_size=400), scraps), st.lists(st.integers(0, 1000), max_size=12))
def test_any_bytes_in_any_cuts_give_the_same(data: bytes, cuts: list[int]) -> None:
    whole, cut = Framer(), Framer()

    at_once = whole.feed(data)
    in_pieces = [item for piece in pieces(data, cuts) for item in cut.feed(piece)]

    assert in_pieces == at_once
    assert cut.skipped == whole.skipped
    assert cut.settle() == whole.settle()
    assert cut.skipped == len(data) - sum(
        len(f.raw) * (2 if f.as_text else 1)
        for f in at_once + _settled(data)
        if isinstance(f, Frame)
    )


def _settled(data: bytes) -> list[Frame | BadFrame]:
    framer = Framer()
    framer.feed(data)
    return framer.settle()


@given(scraps)
def test_bytes_one_by_one_give_the_same(data: bytes) -> None:
    assert found(*(bytes([byte]) for byte in data)) == found(data)


noise = st.binary(max_size=60).filter(lambda b: b"@" not in b and b"4" not in b)


@given(st.lists(st.tuples(noise, frames), min_size=1, max_size=6))
def test_every_frame_between_noise_is_found_at_once(parts: list[tuple[bytes, bytes]]) -> None:
    stream = b"".join(between + frame for between, frame in parts)

    assert good(found(stream)) == [frame for _, frame in parts]


@given(st.binary(max_size=200), frames)
def test_a_frame_behind_any_noise_is_found_at_the_latest_after_a_silence(
    before: bytes, frame: bytes
) -> None:
    framer = Framer()
    # noise that is, or ends as, a frame of its own has a right to those bytes
    assume(not good(found(before)))

    items = framer.feed(before + frame) + framer.settle()

    assert frame in good(items)


@pytest.mark.parametrize(
    "flood",
    [b"@", b"4", b"40", b"@@\0\0", b"#", b"@" * 24 + b"\0\0\x04", A_FIRE[:-1], claiming(1024)],
    ids=repr,
)
def test_a_flood_is_read_in_bounded_memory_and_time(flood: bytes) -> None:
    framer, read = Framer(), flood * (65536 // len(flood))
    framer.feed(read)
    tracemalloc.start()

    for _ in range(4):
        framer.feed(read)

        assert framer.held < MAX_HELD
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8_000_000


def test_the_standard_dialect_is_local_time_in_shanghai() -> None:
    assert read_moment(bytes.fromhex("203a091a090c"), STANDARD).at == datetime(
        2012, 9, 26, 1, 58, 32, tzinfo=UTC
    )
