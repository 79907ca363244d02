"""Peers that say nothing, too much, or anything at all: they cost the devices nothing."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.clock import ManualClock
from pipelines.connectors.gb26875_tcp.refusing import Budget
from pipelines.decoders.gb26875.framing import MAX_HELD
from tests.pipelines.connectors.transmission import (
    CONFIRMED,
    DENIED,
    NOW,
    PATIENCE_S,
    Centre,
    Device,
    a_fire,
    a_frame,
    a_status,
    centre,
    damaged,
    until,
)

QUICK = ', idle = "300ms", settle = "100ms", write_timeout = "300ms"'


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Centre]:
    with centre(tmp_path) as running:
        yield running


@pytest.fixture
def device(here: Centre) -> Iterator[Device]:
    with Device(here.port) as connected:
        yield connected


def test_a_peer_that_says_nothing_is_cut_off(tmp_path: Path) -> None:
    with centre(tmp_path, QUICK) as here, Device(here.port) as mute:
        assert mute.is_cut_off()


def test_a_peer_that_sends_only_noise_is_cut_off(tmp_path: Path) -> None:
    with centre(tmp_path, QUICK) as here, Device(here.port) as noisy:
        sender = threading.Thread(target=flood, args=(noisy, b"hello "))
        sender.start()
        sender.join(PATIENCE_S)

        assert not sender.is_alive()


def test_a_device_with_heartbeats_stays(tmp_path: Path) -> None:
    with centre(tmp_path, ', idle = "1s"') as here, Device(here.port) as device:
        for number in range(1, 9):
            device.send(a_frame(sequence=number))
            assert device.answers(1) == [(CONFIRMED, number)]
            time.sleep(0.2)


def test_half_a_frame_does_not_hold_back_what_stands_inside_it(tmp_path: Path) -> None:
    begun = a_frame(a_status())[:27]  # says that 48 bytes follow
    with centre(tmp_path, QUICK) as here, Device(here.port) as device:
        device.send(begun + a_frame(sequence=2))

        assert device.answers(1) == [(CONFIRMED, 2)]
        until(lambda: len(here.rows("quarantine")) == 1)


def test_what_was_sent_before_a_peer_hung_up_is_stored_and_answered(
    here: Centre, device: Device
) -> None:
    device.send(a_frame(a_status())[:27] + a_fire(2))
    device.socket.shutdown(socket.SHUT_WR)

    assert device.answers(1) == [(CONFIRMED, 2)]
    with pytest.raises(EOFError):
        device.answer()
    assert len(here.rows("report")) == 1


def test_a_peer_that_takes_no_answers_is_cut_off_and_holds_up_nobody(tmp_path: Path) -> None:
    options = QUICK.replace('idle = "300ms"', 'idle = "1h"')
    with centre(tmp_path, options) as here, Device(here.port) as deaf:
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sender = threading.Thread(target=flood, args=(deaf, a_frame(sequence=1)))
        sender.start()

        with Device(here.port) as other:
            other.send(a_fire(2))
            assert other.answers(1) == [(CONFIRMED, 2)]
        sender.join(30)

        assert not sender.is_alive()


def flood(device: Device, frame: bytes) -> None:
    """Send until the centre has had enough."""
    try:
        while True:
            device.send(frame * 100)
            time.sleep(0)
    except OSError:
        return


def test_a_full_house_turns_away_who_comes_last_but_no_device_that_has_spoken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        centre(tmp_path, ", max_connections = 2") as here,
        Device(here.port) as first,
        Device(here.port) as second,
    ):
        for one in (first, second):
            one.send(a_frame())
            assert one.answers(1) == [(CONFIRMED, 1)]

        for _ in range(3):
            with Device(here.port) as third:
                assert third.is_cut_off()

        first.send(a_frame(sequence=2))
        assert first.answers(1) == [(CONFIRMED, 2)]
    assert caplog.text.count("raise max_connections") == 1


def test_a_device_gets_in_where_mute_connections_take_all_the_room(tmp_path: Path) -> None:
    with centre(tmp_path, ", max_connections = 3") as here:
        mute = [Device(here.port) for _ in range(3)]

        with Device(here.port) as device:
            device.send(a_fire(1))
            assert device.answers(1) == [(CONFIRMED, 1)]

        assert mute[0].is_cut_off()
        for one in mute:
            one.socket.close()


def test_a_flood_of_garbage_fills_neither_disk_nor_log(
    here: Centre, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        with Device(here.port) as noisy:
            bad = [damaged(a_frame(b"\x80\x01" + n.to_bytes(4, "big"))) for n in range(300)]
            noisy.send(*bad)
            assert noisy.answers(300) == [(DENIED, 1)] * 300

    # the three said the same, so one line's budget is all there is to keep
    assert len(here.rows("quarantine")) == 20
    assert caplog.text.count("were not kept") == 1


def test_a_budget_fills_again_with_time_and_never_beyond_itself() -> None:
    budget = Budget(at_once=3, per_hour=60)

    spent = [budget.takes(0.0) for _ in range(5)]
    a_minute_later = [budget.takes(60.0) for _ in range(2)]
    a_day_later = [budget.takes(86_400.0) for _ in range(5)]

    assert spent == [True, True, True, False, False]
    assert a_minute_later == [True, False]
    assert a_day_later == [True, True, True, False, False]


# ---- anything at all


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Centre]:
    with TemporaryDirectory() as folder:
        quick = ', settle = "50ms"'
        with centre(Path(folder), quick, clock=ManualClock(NOW)) as running:
            yield running


ONE_BY_ONE = count(1)
PIECES = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=60).map(lambda rest: b"@@" + rest),
    st.sampled_from([a_fire(1), a_frame(), damaged(a_fire(2)), a_fire(3)[:40]]),
    st.just(a_fire(4).hex().encode()),
    st.integers(0, 0xFFFF).map(lambda n: a_frame()[:24] + n.to_bytes(2, "little") + b"\x02" * 40),
    st.just(b"@" * 5000),
    st.just(b"4040" * 1000),
)  # fmt: skip


@given(pieces=st.lists(PIECES, max_size=8))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_device_is_confirmed_whatever_was_sent_before_on_its_line(
    fuzzed: Centre, pieces: list[bytes]
) -> None:
    number = next(ONE_BY_ONE) % 60_000
    unique = a_frame(a_status(address=number), sequence=61_000, device=number)

    with Device(fuzzed.port) as device:
        for piece in pieces:
            device.send(piece)
        # the peer of a line that was noisy sends again after a while, as devices do
        for _ in range(20):
            device.send(unique)
            if is_confirmed(device, 61_000):
                break
        else:
            pytest.fail("it was never confirmed")

    assert any(row[1].startswith(f"{number}/") for row in fuzzed.rows("signal"))


def is_confirmed(device: Device, sequence: int) -> bool:
    device.socket.settimeout(0.3)
    try:
        while True:
            header = device.answer().header
            if (header.command, header.sequence) == (CONFIRMED, sequence):
                return True
    except TimeoutError:
        return False


def test_a_line_holds_one_frame_at_most(here: Centre, device: Device) -> None:
    huge = a_frame()[:24] + (1024).to_bytes(2, "little") + b"\x02"
    sessions: list[int] = []
    for _ in range(30):
        device.send(huge)
        sessions.append(max_held(here))

    until(lambda: max_held(here) > 0)
    assert max(sessions) < MAX_HELD


def max_held(here: Centre) -> int:
    import gc

    from pipelines.connectors.gb26875_tcp.session import Session

    return max(
        (one._framer.held for one in gc.get_objects() if isinstance(one, Session)), default=0
    )
