"""The board of the devices: what is the matter, where, and who is only out of reach."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipelines.feeds.health import Health
from pipelines.installation import Installation
from pipelines.model.device import Condition, DeviceState, Since
from pipelines.snapshot import Ailing, DeviceBoard
from pipelines.store import schema
from pipelines.store.device_rows import device_row
from tests.builders import NINE, at
from tests.pipelines.installations import a_file, an_installation
from tests.pipelines.wall.reading import the_snapshot

HOUR = 3600
REGISTER = (
    "source,device,name,name_en,type,address,lat,lon,grid\n"
    "calls,S-1,3层烟感,3F detector,smoke,钱江路1号,30.05,120.05,G1\n"
    "calls,S-2,5层烟感,,smoke,钱江路1号,30.05,120.05,G1\n"
    "calls,S-3,7层烟感,,smoke,钱江路1号,30.05,120.25,G3\n"
)


def a_device(
    name: str,
    *,
    seen: float = 0,
    rhythm_s: float | None = 600,
    source: str = "calls",
    **conditions: tuple[float, bool],
) -> DeviceState:
    """A device last heard ``seen`` seconds after nine; ``alarm=(60, True)`` says since when."""
    return DeviceState(
        source=source,
        device=name,
        first_seen=NINE - timedelta(days=1),
        last_seen=at(seen),
        conditions={Condition(c): Since(at(s), holds) for c, (s, holds) in conditions.items()},
        rhythm=None if rhythm_s is None else timedelta(seconds=rhythm_s),
    )


def a_street(folder: Path, *devices: DeviceState) -> Installation:
    a_file(folder / "devices.csv", REGISTER)
    street = an_installation(folder, more='[devices]\nfile = "devices.csv"\n')
    with street.store.writing() as writer:
        writer.put(schema.device, [device_row(device) for device in devices])
    return street


def the_board(street: Installation, seconds: float, **how: Any) -> DeviceBoard:
    board = the_snapshot(street, at(seconds), **how).devices
    assert board is not None
    return board


def test_a_device_is_counted_by_what_holds_now(tmp_path: Path) -> None:
    street = a_street(
        tmp_path,
        a_device("S-1", alarm=(60, True), fault=(30, True)),
        a_device("S-2", alarm=(60, False), low_battery=(0, True)),
        a_device("S-3"),
    )

    board = the_board(street, 90)

    assert (board.registered, board.heard) == (3, 3)
    assert board.holding == {Condition.ALARM: 1, Condition.FAULT: 1, Condition.LOW_BATTERY: 1}
    assert board.communities == {"C1": 2, "C2": 1}


def test_an_alarm_has_a_name_a_place_and_a_beginning(tmp_path: Path) -> None:
    street = a_street(
        tmp_path,
        a_device("S-1", alarm=(60, True)),
        a_device("unknown", alarm=(70, True)),
    )

    newest, older = the_board(street, 90).alarms

    assert (newest.names["zh"], newest.place, newest.community) == ("unknown", "", "")
    assert (older.names["en"], older.place) == ("3F detector", "钱江路1号")
    assert (older.community, older.since) == ("C1", at(60))


def test_the_map_is_told_by_number_which_of_the_placed_devices_ail(tmp_path: Path) -> None:
    street = a_street(
        tmp_path,
        a_device("S-1", muted=(30, True)),
        a_device("S-2", fault=(60, True), low_battery=(0, True)),
        a_device("S-3", alarm=(60, True), fault=(60, True)),
        a_device("unknown", alarm=(70, True)),
    )

    board = the_board(street, 90)

    places = json.loads(street.register.places.file)
    assert board.placed == len(places) == 3
    assert board.ailing == {Ailing.ALARM: (2,), Ailing.TROUBLE: (1,)}
    assert places[2] == [30.05, 120.25]
    assert board.places == street.register.places.version


def test_what_is_to_be_repaired_comes_gravest_first(tmp_path: Path) -> None:
    street = a_street(
        tmp_path,
        a_device("S-1", low_battery=(80, True)),
        a_device("S-2", fault=(10, True), low_battery=(90, True)),
        a_device("S-3", alarm=(10, True)),
    )

    troubles = the_board(street, 90).troubles

    assert [(row.device, row.condition) for row in troubles] == [
        ("S-2", Condition.FAULT),
        ("S-1", Condition.LOW_BATTERY),
    ]


def test_silence_is_judged_by_the_rhythm_of_each_device_as_the_model_does(tmp_path: Path) -> None:
    devices = (
        a_device("quick", rhythm_s=60),
        a_device("slow", rhythm_s=2 * HOUR),
        a_device("new", rhythm_s=None),
    )
    street = a_street(tmp_path, *devices)

    for seconds in (0.5 * HOUR, HOUR, HOUR + 1, 6 * HOUR, 6 * HOUR + 1):
        silent = [d for d in devices if d.is_silent(at(seconds), at_least=timedelta(hours=1))]
        assert the_board(street, seconds).silent == len(silent)


def test_silence_behind_a_source_that_is_down_proves_nothing(tmp_path: Path) -> None:
    street = a_street(tmp_path, a_device("S-1"), a_device("S-2", source="other"))
    health = Health()
    health.failed("calls", "refused", now=at(0))

    board = the_board(street, 9 * HOUR, health=health)

    assert (board.silent, board.unknown) == (1, 1)


def test_where_there_is_no_device_there_is_no_board(tmp_path: Path) -> None:
    assert the_snapshot(an_installation(tmp_path), NINE).devices is None
