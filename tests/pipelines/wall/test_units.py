"""Where units are: as they say themselves, through the one door, and what is kept of that."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pipelines.connectors.record import Batch, Origin, Record
from pipelines.door.receipt import Counts
from pipelines.installation import Installation
from pipelines.privacy.scope import confined
from pipelines.snapshot import UnitSpot
from pipelines.store import schema
from tests.builders import at
from tests.pipelines.installations import IN_G1, a_call, a_file, an_installation, taken_in
from tests.pipelines.wall.reading import the_snapshot

UNITS = (
    "code,type,name,grid,lat,lon\n"
    "station,fire_station,甲站,G1,30.06,120.05\n"
    "patrol,patrol,乙队,G3,30.05,120.27\n"
    "leader,squad,丙,G3,30.05,120.25\n"
)
MORE = """
[units]
file = "units.csv"
located_by = ["gps"]
[wall.scenes]
critical_kinds = ["smoke"]

[sources.gps]
name = "GPS"
connector = { type = "webhook", auth = { type = "bearer", secret = "GRID135_GPS" } }

[sources.gps.decoder]
type = "device_table"
device = "unit"
time = "at"
position = { lat = "lat", lon = "lon" }
"""


def a_street(folder: Path) -> Installation:
    a_file(folder / "units.csv", UNITS)
    return an_installation(folder, more=MORE)


def heard(street: Installation, *said: dict[str, Any], now: float = 10) -> Counts:
    """Take in what the devices of units say."""
    (source,) = [source for source in street.sources if source.id == "gps"]
    batch = Batch(records=tuple(_records(said)), part="", position=None)
    return street.door.accept(source, batch, now=at(now))


def _records(said: Iterable[dict[str, Any]]) -> Iterable[Record]:
    for number, fields in enumerate(said, 1):
        yield Record(json.dumps(fields).encode(), b"", fields, Origin("push", number), number)


def here(unit: str, lat: float, lon: float, seconds: float = 9) -> dict[str, Any]:
    return {"unit": unit, "lat": str(lat), "lon": str(lon), "at": at(seconds).isoformat()}


def units(street: Installation, seconds: float) -> dict[str, UnitSpot]:
    return {unit.code: unit for unit in the_snapshot(street, at(seconds)).units}


def test_without_word_of_theirs_units_are_where_they_start_from(tmp_path: Path) -> None:
    found = units(a_street(tmp_path), 10)

    assert list(found) == ["station", "patrol"]
    assert (found["patrol"].lat, found["patrol"].seen_at) == (30.05, None)


def test_a_unit_is_where_it_said_last_whatever_the_order(tmp_path: Path) -> None:
    street = a_street(tmp_path)

    heard(street, here("patrol", *IN_G1, seconds=9), here("patrol", 30.07, 120.1, seconds=3))

    patrol = units(street, 11)["patrol"]
    assert (patrol.lat, patrol.lon, patrol.seen_at) == (*IN_G1, at(9))


def test_a_position_lasts_a_quarter_of_an_hour(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    heard(street, here("patrol", *IN_G1, seconds=0))

    assert units(street, 900)["patrol"].seen_at == at(0)
    assert units(street, 901)["patrol"].seen_at is None


def test_who_is_not_named_as_near_is_on_the_map_when_heard_of(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    heard(street, here("leader", *IN_G1), here("helper-7", *IN_G1))

    found = units(street, 11)

    assert not found["leader"].is_first
    assert found["helper-7"].names["en"] == "helper-7"


def test_who_is_nearest_to_an_incident_goes_by_where_they_are_now(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    taken_in(street, a_call("smoke", kind="smoke", place=IN_G1), now=at(10))
    heard(street, here("patrol", 30.0501, 120.05))

    (critical,) = the_snapshot(street, at(11)).critical

    assert [(n.code, n.is_located) for n in critical.nearest] == [
        ("patrol", True),
        ("station", False),
    ]
    assert critical.nearest[0].distance_m == pytest.approx(11, abs=1)


def test_only_the_last_position_is_kept_never_the_way(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    for second in range(3):
        heard(street, here("patrol", 30.05 + second / 100, 120.05, second), now=second)

    with street.store.reading() as reader:
        kept = [list(reader.rows(table.select())) for table in (schema.signal, schema.report)]
        (device,) = reader.rows(schema.device.select())

    assert kept == [[], []]
    assert json.loads(device.measured)["position"][1] == "30.070000,120.050000"


@pytest.mark.parametrize(
    ("lat", "lon", "rule"),
    [(0, 0, "missing position"), (120.05, 30.05, "swapped"), (99, 400, "no place on earth")],
)
def test_a_position_that_cannot_be_right_is_set_aside(
    tmp_path: Path, lat: float, lon: float, rule: str
) -> None:
    street = a_street(tmp_path)

    counts = heard(street, here("patrol", lat, lon))

    assert counts.quarantined == 1
    assert rule in counts.problems[0].rule
    assert units(street, 11)["patrol"].seen_at is None


def test_devices_of_units_are_no_sensors(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    heard(street, here("patrol", *IN_G1))

    assert the_snapshot(street, at(11)).devices is None


def test_whoever_has_a_scope_sees_the_units_that_belong_to_it(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    heard(street, here("patrol", *IN_G1), here("helper-7", *IN_G1))

    found = units(confined(street, "C1"), 11)

    assert list(found) == ["station"]
