"""The simulator as a process: who starts it, who ends it, what clock it has, how it is told."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.clock import SystemClock
from pipelines.demo import settings as demo_blocks
from pipelines.demo.control import Control, read_control, tell
from pipelines.demo.played import FOLDER, Played, read_played, street_clock, write_played
from pipelines.demo.process import GIVEN, beside, hand_over
from pipelines.demo.settings import arranged
from pipelines.demo.simulator import WAITING_FILE
from pipelines.errors import QueryError
from pipelines.settings import load
from tests.pipelines.demo.playing import CONFIG, demo_settings

APP = Path(__file__).parents[3] / "app.py"
PARTS = frozenset({"police110", "labour"})


def until(done: Callable[[], bool], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_simulator_lives_as_long_as_the_product_and_has_its_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = demo_settings(tmp_path, weeks=1, speed=60)
    monkeypatch.setenv("GRID135_DATA", str(settings.data))
    command = [sys.executable, str(APP), "demo", "--config", str(settings.file)]

    with beside(settings, command) as clock:
        played = read_played(settings.data)
        assert played is not None
        assert clock.rate == 60
        assert abs(street_clock(settings.data).now() - clock.now()) < timedelta(seconds=30)
        first = clock.now()
        until(lambda: clock.now() - first > timedelta(minutes=1))
        waiting = settings.data / FOLDER / WAITING_FILE
        assert json.loads(waiting.read_text())["waiting"]["police110"] == 0

    stopped = street_clock(settings.data).now()
    ended = read_played(settings.data)
    assert ended is not None
    write_played(settings.data, Played(
        anchor=ended.anchor, start=ended.start, rate=ended.rate,
        seen=ended.seen - timedelta(minutes=1),
    ))  # fmt: skip
    assert street_clock(settings.data).now() == street_clock(settings.data).now() < stopped


def test_the_simulator_ends_when_whoever_started_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = demo_settings(tmp_path, weeks=0)
    monkeypatch.setenv("GRID135_DATA", str(settings.data))
    command = [sys.executable, str(APP), "demo", "--config", str(settings.file), GIVEN]
    simulator = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert simulator.stdin is not None
    assert simulator.stdout is not None
    hand_over(settings, simulator.stdin)
    assert simulator.stdout.readline() == b"ready\n"

    simulator.stdin.close()  # as the system does for a process that was killed

    assert simulator.wait(20) == 0


def test_a_second_simulator_joins_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = demo_settings(tmp_path, weeks=1)
    monkeypatch.setenv("GRID135_DATA", str(settings.data))
    command = [sys.executable, str(APP), "demo", "--config", str(settings.file)]

    with beside(settings, command) as first, beside(settings, command) as second:
        assert abs(first.now() - second.now()) < timedelta(seconds=1)


def test_a_street_that_never_ran_has_the_time_of_the_machine(tmp_path: Path) -> None:
    assert abs(street_clock(tmp_path).now() - SystemClock().now()) < timedelta(seconds=5)


def test_parts_are_stopped_and_started_by_name(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()

    tell(tmp_path, PARTS, "stop", "labour")
    tell(tmp_path, PARTS, "stop", "police110")
    tell(tmp_path, PARTS, "start", "labour")

    assert read_control(tmp_path) == Control(stopped=frozenset({"police110"}))


def test_an_unknown_part_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="demo stop police: there is no such part; use one of: la"):
        tell(tmp_path, PARTS, "stop", "police")


def test_each_source_has_a_free_port_of_its_own(tmp_path: Path) -> None:
    blocks = {
        f"s{n}": {"connector": {"type": "gb26875_tcp", "port": 0}, "decoder": {"port": "0"}}
        for n in range(20)
    } | {"web": {"connector": {"url": "http://127.0.0.1:0/api"}}}

    found = arranged(blocks, data=tmp_path)

    ports = {found[f"s{n}"]["connector"]["port"] for n in range(20)}
    assert len(ports) == 20
    assert 0 not in ports
    assert found["web"]["connector"]["url"] != "http://127.0.0.1:0/api"
    assert found["s1"]["decoder"] == {"port": "0"}


def test_the_data_folder_stands_where_a_block_says_so(tmp_path: Path) -> None:
    found = arranged({"a": {"connector": {"path": "{data}/demo/a"}}}, data=tmp_path)

    assert found["a"]["connector"]["path"] == f"{tmp_path}/demo/a"


def test_without_a_broker_there_are_no_mqtt_sensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = {"smoke_mqtt": {"connector": {}}, "labour": {"connector": {}}}
    monkeypatch.setattr(demo_blocks, "mosquitto", lambda: None)

    assert list(arranged(blocks, data=tmp_path)) == ["labour"]
    assert list(load({"GRID135_DATA": str(tmp_path)}, str(CONFIG)).not_started) == ["smoke_mqtt"]


def test_the_configuration_that_is_shipped_is_synthetic_and_schematic() -> None:
    text = CONFIG.read_text(encoding="utf-8")

    assert "synthetic = true" in text
    assert "schematic = true" in text
