"""The register of devices."""

from pathlib import Path

import pytest

from pipelines.errors import SettingsError
from pipelines.registers.devices import load_register
from tests.pipelines.installations import a_file

HEAD = "source,device,name,type,address,lat,lon"


def test_a_register_says_where_a_device_hangs(tmp_path: Path) -> None:
    file = a_file(
        tmp_path / "devices.csv", f"{HEAD}\nsmoke,S-1,3幢 烟感,smoke,钱江路1号,30.25,120.21\n"
    )

    entry = load_register(file).find("smoke", "S-1")

    assert entry is not None
    assert (entry.lat, entry.lon, entry.names) == (
        30.25,
        120.21,
        {"zh": "3幢 烟感", "en": "3幢 烟感"},
    )


def test_positions_of_another_system_are_turned_into_wgs84(tmp_path: Path) -> None:
    row = "smoke,S-1,烟感,smoke,,30.24537046,120.21643255"
    file = a_file(tmp_path / "devices.csv", f"{HEAD}\n{row}\n")

    entry = load_register(file, crs="GCJ-02").find("smoke", "S-1")

    assert entry is not None
    assert entry.lat == pytest.approx(30.2478, abs=1e-7)
    assert entry.lon == pytest.approx(120.2119, abs=1e-7)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("device,name\nS-1,x\n", "no column 'source'"),
        (f"{HEAD}\nsmoke,,x,smoke,,1,2\n", ":2: column 'device' is empty"),
        (f"{HEAD}\nsmoke,S-1,x,smoke,,north,2\n", "column 'lat', value 'north': must be a number"),
        (f"{HEAD}\nsmoke,S-1,x,,,1,2\nsmoke,S-1,y,,,1,2\n", "device 'S-1' of 'smoke' twice"),
    ],
)
def test_a_wrong_register_is_named_with_line_and_value(
    tmp_path: Path, text: str, says: str
) -> None:
    file = a_file(tmp_path / "devices.csv", text)

    with pytest.raises(SettingsError, match=says):
        load_register(file)


def test_a_register_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.csv: cannot be read"):
        load_register(tmp_path / "nowhere.csv")
