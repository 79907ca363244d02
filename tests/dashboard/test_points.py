"""What the map shows besides incidents: devices by number, units by place, and their legend."""

import json
from dataclasses import replace

from starlette.testclient import TestClient

from dashboard.hub import Pace
from dashboard.panels.map import MAP
from dashboard.panels.points import POINTS
from dashboard.server import create_app
from pipelines.snapshot import Ailing, Snapshot, Stage
from tests.dashboard.boards import a_device_board
from tests.dashboard.builders import FakeBackend, a_snapshot
from tests.dashboard.test_panels import drawn, words


def devices(snapshot: Snapshot) -> dict[str, str]:
    (leaf,) = drawn(POINTS, snapshot)["points-devices"]["children"]
    return leaf["props"]


def units(snapshot: Snapshot) -> str:
    (leaf,) = drawn(POINTS, snapshot)["points-units"]["children"]
    return leaf["props"]["data-units"]


def legend(snapshot: Snapshot, language: str = "zh") -> str:
    return words(drawn(MAP, snapshot, language)["map-legend"])


def test_devices_are_sent_by_number_and_their_places_are_fetched_once() -> None:
    snapshot = a_snapshot(devices=a_device_board(2))

    assert json.loads(devices(snapshot)["data-ailing"]) == {
        "alarm": [0, 1], "trouble": [101, 202, 303],
    }  # fmt: skip
    assert devices(snapshot)["data-places"] == "/geo/devices.json?v=d1"


def test_a_unit_is_sent_as_its_place_and_whether_it_said_so_itself() -> None:
    found = json.loads(units(a_snapshot()))

    assert [located for _, _, located in found] == [1, 0]
    assert all(len(str(number)) <= 9 for spot in found for number in spot)


def test_two_hundred_units_and_two_thousand_devices_are_a_small_message() -> None:
    board = a_device_board(ailing={Ailing.ALARM: (7,), Ailing.TROUBLE: tuple(range(40))})
    snapshot = a_snapshot(devices=board)
    crowd = replace(snapshot, units=snapshot.units * 100)

    assert len(units(crowd)) < 6000
    assert len(devices(crowd)["data-ailing"]) < 200


def test_the_legend_counts_what_there_is_and_nothing_else() -> None:
    said = legend(a_snapshot(devices=a_device_board(1)))
    quiet = legend(a_snapshot(devices=a_device_board(0, ailing={}), units=()))

    for text in ("感知设备 376", "火警设备 1", "待修设备 3", "力量定位 1", "力量驻点 1"):
        assert text in said
    assert "感知设备 380" in quiet
    assert not [text for text in quiet if text.startswith(("火警设备", "待修", "力量"))]


def test_a_scene_about_complaints_shows_neither_devices_nor_units() -> None:
    snapshot = a_snapshot(stage=Stage(scene="complaints"))

    assert drawn(POINTS, snapshot)["points-devices"]["children"] == []
    assert units(snapshot) == "[]"
    assert not [text for text in legend(snapshot) if text.startswith(("感知设备", "力量"))]


def test_the_places_are_kept_by_the_browser_under_their_version_and_by_no_proxy() -> None:
    client = TestClient(create_app(FakeBackend(), build="test", pace=Pace()))

    kept = client.get("/geo/devices.json?v=d1")

    assert kept.headers["cache-control"].startswith("private,")
    assert "immutable" in kept.headers["cache-control"]
    assert len(kept.json()) == 380
