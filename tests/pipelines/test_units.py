"""The register of units, and who is near."""

from pathlib import Path

import pytest

from pipelines.errors import SettingsError
from pipelines.registers.units import UnitSettings, load_units, metres
from tests.pipelines.installations import a_file

HEAD = "code,type,name,name_en,community,grid,lat,lon,strength"
STATIONS = f"""{HEAD}
far,fire_station,远站,Far post,C1,G1,30.30,120.20,4
near,fire_station,近站,Near post,C1,G1,30.2511,120.20,6
squad,squad,楼长,Block leader,C1,G1,30.2500,120.20,1
"""


def units(folder: Path, text: str = STATIONS, **settings: object):  # type: ignore[no-untyped-def]
    file = a_file(folder / "units.csv", text)
    return load_units(file, UnitSettings.model_validate({"file": "units.csv", **settings}))


def test_the_nearest_station_comes_first_and_a_block_leader_is_no_station(tmp_path: Path) -> None:
    found = units(tmp_path).nearest(30.25, 120.20, most=2)

    assert [unit.code for _, unit in found] == ["near", "far"]
    assert found[0][0] == pytest.approx(122, abs=1)
    assert found[0][1].strength == 6
    assert found[0][1].names == {"zh": "近站", "en": "Near post"}


def test_which_types_are_named_is_a_setting(tmp_path: Path) -> None:
    found = units(tmp_path, first_there=["squad"]).nearest(30.25, 120.20, most=9)

    assert [unit.code for _, unit in found] == ["squad"]


def test_a_degree_of_latitude_is_111_km() -> None:
    assert metres(30, 120, 31, 120) == pytest.approx(111_195, abs=1)


def test_positions_of_another_system_are_turned_into_wgs84(tmp_path: Path) -> None:
    text = f"{HEAD}\na,patrol,A,,,,30.24537046,120.21643255,\n"
    (unit,) = units(tmp_path, text, crs="GCJ-02")

    assert (unit.lat, unit.lon) == (
        pytest.approx(30.2478, abs=1e-7),
        pytest.approx(120.2119, abs=1e-7),
    )


def test_without_a_file_nobody_is_near() -> None:
    assert load_units(None, UnitSettings()).nearest(30, 120, most=3) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("code,name\na,b\n", "no column 'type'"),
        (f"{HEAD}\n,patrol,x,,,,30,120,\n", ":2: column 'code' is empty"),
        (f"{HEAD}\na,patrol,x,,,,north,120,\n", "column 'lat', value 'north': must be a number"),
        (f"{HEAD}\na,patrol,x,,,,30,120,many\n", "column 'strength', value 'many'"),
    ],
)
def test_a_wrong_register_is_named_with_line_and_value(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        units(tmp_path, text)


def test_a_register_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.csv: cannot be read"):
        load_units(tmp_path / "nowhere.csv", UnitSettings())
