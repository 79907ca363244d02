"""The server for user transmission devices, over real sockets."""

import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import main
from pipelines.connectors.gb26875_tcp.options import Gb26875TcpOptions
from pipelines.connectors.gb26875_tcp.server import Gb26875Tcp
from pipelines.connectors.gb26875_tcp.session import READ_BYTES
from pipelines.errors import SourceUnavailableError
from tests.pipelines.connectors.transmission import (
    CONFIRMED,
    CONTROL,
    DENIED,
    NOW,
    PATIENCE_S,
    REPLY,
    REQUEST,
    SOURCE,
    Centre,
    Device,
    Process,
    a_fire,
    a_frame,
    a_status,
    centre,
    damaged,
    until,
)
from tests.pipelines.installations import a_config, an_installation, content, the_grids


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Centre]:
    with centre(tmp_path) as running:
        yield running


@pytest.fixture
def device(here: Centre) -> Iterator[Device]:
    with Device(here.port) as connected:
        yield connected


# ---- confirmed is on disk


def test_a_fire_is_confirmed_when_it_is_on_disk(here: Centre, device: Device) -> None:
    device.send(a_fire(7))
    answer = device.answer()

    assert (answer.header.command, answer.header.sequence, answer.adu) == (CONFIRMED, 7, b"")
    assert answer.header.source == (88888).to_bytes(6, "little")
    assert answer.header.destination == (889).to_bytes(6, "little")
    assert [len(here.rows(table)) for table in ("incident", "report", "signal")] == [1, 1, 1]


def test_nothing_is_confirmed_while_it_is_not_on_disk(here: Centre, device: Device) -> None:
    here.door.open.clear()
    device.send(a_fire(1))
    device.socket.settimeout(0.3)

    with pytest.raises(TimeoutError):
        device.answer()

    assert here.rows("report") == []
    here.door.open.set()
    assert device.answers(1) == [(CONFIRMED, 1)]


def test_what_could_not_be_stored_gets_no_answer_and_is_taken_when_it_is_sent_again(
    here: Centre, device: Device
) -> None:
    here.door.refuses = lambda raw: True
    device.send(a_fire(1))
    until(lambda: here.door.tried > 0)
    device.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        device.answer()

    here.door.refuses = lambda raw: False
    device.send(a_fire(1))
    device.socket.settimeout(PATIENCE_S)

    assert device.answers(1) == [(CONFIRMED, 1)]
    assert len(here.rows("report")) == 1


def test_a_frame_that_breaks_the_store_costs_the_others_of_its_read_nothing(
    here: Centre, device: Device
) -> None:
    poison = a_fire(3)
    here.door.refuses = lambda raw: raw == poison

    device.send(*(a_fire(n) for n in range(1, 6)))

    assert device.answers(4) == [(CONFIRMED, n) for n in (1, 2, 4, 5)]
    assert len(here.rows("report")) == 4


def test_a_frame_that_is_sent_three_times_is_one_alarm(here: Centre, device: Device) -> None:
    again = a_frame(a_status(), sequence=2, sent=NOW + timedelta(seconds=10))

    device.send(a_fire(1), a_fire(1), again)

    assert device.answers(3) == [(CONFIRMED, 1), (CONFIRMED, 1), (CONFIRMED, 2)]
    assert [len(here.rows(table)) for table in ("incident", "alarm")] == [1, 1]


@pytest.mark.parametrize("stops", ["before", "after"])
def test_a_frame_survives_that_the_product_is_killed_before_it_is_confirmed(
    tmp_path: Path, stops: str
) -> None:
    the_grids(tmp_path)
    config = a_config(tmp_path, more=SOURCE.format(port=0, options=""))
    fire = a_fire(1, at=datetime.now(UTC).replace(microsecond=0))
    first = Process(config, tmp_path / "data", stops=stops)
    with Device(first.port) as device:
        device.send(fire)
        first.wait_until_it_stops()
        first.kill()
        with pytest.raises((EOFError, ConnectionError)):
            device.answer()

    second = Process(config, tmp_path / "data")
    with Device(second.port) as device:
        device.send(fire)
        assert device.answers(1) == [(CONFIRMED, 1)]
    second.end()

    street = an_installation(tmp_path, more=SOURCE.format(port=0, options=""))
    rows = {name: len(content(street.store, name)[name]) for name in ("report", "signal", "alarm")}
    assert rows == {"report": 1, "signal": 1, "alarm": 1}
    street.store.close()


# ---- what else devices send


def test_a_heartbeat_is_confirmed_and_shows_that_the_device_is_there(
    here: Centre, device: Device
) -> None:
    device.send(a_frame(sequence=5))

    assert device.answers(1) == [(CONFIRMED, 5)]
    assert [row[1] for row in here.rows("device")] == ["889"]
    assert here.rows("signal") == []


@pytest.mark.parametrize("command", [CONFIRMED, REQUEST, REPLY, DENIED])
def test_answers_of_devices_are_heard_and_not_answered(
    here: Centre, device: Device, command: int
) -> None:
    device.send(a_frame(a_status(), sequence=1, command=command), a_frame(sequence=2))

    assert device.answers(1) == [(CONFIRMED, 2)]
    assert len(here.rows("signal")) == 1


def test_a_damaged_frame_is_denied_and_kept_and_the_next_one_is_confirmed(
    here: Centre, device: Device
) -> None:
    broken = damaged(a_fire(1))

    device.send(broken, a_fire(2))

    assert device.answers(2) == [(DENIED, 1), (CONFIRMED, 2)]
    (row,) = here.rows("quarantine")
    assert broken in row
    assert any("checksum" in str(value) for value in row)


def test_who_writes_hex_as_text_is_answered_in_text(here: Centre, device: Device) -> None:
    device.send(a_fire(1).hex().encode())

    answer = device.answer()

    assert answer.as_text
    assert (answer.header.command, answer.header.sequence) == (CONFIRMED, 1)
    assert a_fire(1) in here.rows("signal")[0]


def test_a_frame_may_come_in_pieces_with_noise_around_it(here: Centre, device: Device) -> None:
    for piece in (b"\x00@noise", a_fire(1)[:9], a_fire(1)[9:40], a_fire(1)[40:], b"##"):
        device.send(piece)
        time.sleep(0.01)

    assert device.answers(1) == [(CONFIRMED, 1)]


def test_the_frames_of_one_read_share_a_transaction(here: Centre, device: Device) -> None:
    fires = [a_fire(n) for n in range(1, 41)]
    assert sum(map(len, fires)) < READ_BYTES

    device.send(*fires)

    assert device.answers(40) == [(CONFIRMED, n) for n in range(1, 41)]
    assert len(here.door.transactions) <= 2


# ---- many devices


def test_two_hundred_devices_report_at_once(here: Centre) -> None:
    devices = [Device(here.port) for _ in range(200)]
    for number, one in enumerate(devices):
        one.send(a_fire(1, device=1000 + number), a_frame(sequence=2, device=1000 + number))

    answers = [one.answers(2) for one in devices]

    assert answers == [[(CONFIRMED, 1), (CONFIRMED, 2)]] * 200
    assert len(here.rows("incident")) == 200
    for one in devices:
        one.socket.close()


# ---- the port


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = Gb26875Tcp(Gb26875TcpOptions(port=port), base=tmp_path)

        with pytest.raises(SourceUnavailableError, match=f"127.0.0.1:{port}: cannot listen"):
            asyncio.run(server.listen(None))  # type: ignore[arg-type]


def test_a_port_that_is_taken_makes_the_source_down_once_and_back_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        here = Centre(tmp_path)
        options = here.connector._options.model_copy(update={"port": port})
        here.connector._options = options
        here.start()
        until(lambda: here.health.heard("alarm").down_since is not None)
    until(lambda: here.health.heard("alarm").last_success is not None)
    with Device(here.port) as device:
        device.send(a_fire(1))
        assert device.answers(1) == [(CONFIRMED, 1)]
    here.stop()

    assert caplog.text.count("source alarm is down") == 1
    assert caplog.text.count("source alarm is back") == 1


# ---- clocks


@pytest.mark.parametrize("off_s", [-3600, 3600])
def test_a_device_whose_clock_is_off_is_told_the_time_once(tmp_path: Path, off_s: int) -> None:
    with centre(tmp_path, ", set_clock = true") as here, Device(here.port) as device:
        wrong = NOW + timedelta(seconds=off_s)
        device.send(*(a_frame(sequence=n, sent=wrong) for n in (1, 2)))
        assert device.answers(2) == [(CONFIRMED, 1), (CONFIRMED, 2)]

        told = device.answer()

        assert told.header.command == CONTROL
        assert told.adu == bytes.fromhex("5a01 00 05 09 02 03 1a")
        device.send(a_frame(sequence=3, sent=wrong))
        assert device.answers(1) == [(CONFIRMED, 3)]


def test_a_clock_is_left_alone_when_it_is_right_or_nobody_asked(tmp_path: Path) -> None:
    for folder, options, off in (("a", ", set_clock = true", 30), ("b", "", 3600)):
        with centre(tmp_path / folder, options) as here, Device(here.port) as device:
            sent = NOW + timedelta(seconds=off)
            device.send(a_frame(sequence=1, sent=sent), a_frame(sequence=2, sent=sent))
            assert device.answers(2) == [(CONFIRMED, 1), (CONFIRMED, 2)]
            device.socket.settimeout(0.2)
            with pytest.raises(TimeoutError):
                device.answer()


# ---- the command line


def test_decode_shows_what_frames_of_a_file_would_become(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    the_grids(tmp_path)
    config = a_config(tmp_path, more=SOURCE.format(port=0, options=""))
    lines = [a_fire(1).hex(" "), "", "xyz", damaged(a_fire(2)).hex(), a_frame().hex() + "  # here"]
    capture = tmp_path / "capture.txt"
    capture.write_text("\n".join(lines))

    main(["decode", "--config", str(config), "--source", "alarm", "--json", str(capture)])

    shown = capsys.readouterr().out.splitlines()
    assert '"device": "889/1/1/131082"' in "".join(shown)
    assert '"line": 3' in "".join(line for line in shown if "is not hex" in line)
    assert '"line": 4' in "".join(line for line in shown if "checksum" in line)
    assert '"line": 5' in shown[-1]
    assert '"device": "889"' in shown[-1]
