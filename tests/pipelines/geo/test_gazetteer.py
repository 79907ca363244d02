"""An address without coordinates is placed by the longest name that stands in it, or not at all."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import SettingsError
from pipelines.geo.gazetteer import Entry, Gazetteer, GazetteerSettings, load_gazetteer, plain
from pipelines.upkeep.rebuilding import verify
from tests.pipelines.installations import (
    CALLS,
    GRIDS,
    a_call,
    a_file,
    an_installation,
    content,
    taken_in,
)

STREET = """name,aliases,lat,lon
钱江苑,,30.05,120.05
钱江苑3幢,钱江苑三号楼;3号楼,30.051,120.051
江锦路14号,,30.06,120.06
中豪湘悦中心,湘悦、ZhongHao Center,30.05,120.15
"""


def gazetteer(tmp_path: Path, text: str = STREET, **settings: str) -> Gazetteer:
    a_file(tmp_path / "places.csv", text)
    options = GazetteerSettings(file="places.csv", aliases="aliases", **settings)  # type: ignore[arg-type]
    return load_gazetteer(tmp_path / "places.csv", options)


def found(names: Gazetteer, address: str) -> str | None:
    entry = names.find(address)
    return None if entry is None else entry.name


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("杭州市上城区钱江苑3幢2单元501", "钱江苑3幢"),
        ("钱江苑13幢", "钱江苑"),
        ("钱江苑31幢", "钱江苑"),
        ("钱江苑 ３ 幢", "钱江苑3幢"),
        ("钱江苑（北区）5幢", "钱江苑"),
        ("钱江苑·3-幢", "钱江苑3幢"),
        ("钱江苑三号楼", "钱江苑3幢"),
        ("某处3号楼", "钱江苑3幢"),
        ("某处13号楼", None),
        ("某处十三号楼", None),
        ("某处1-3号楼", None),
        ("江锦路14号", "江锦路14号"),
        ("江锦路148号", None),
        ("江锦路１４号旁", "江锦路14号"),
        ("湘悦 2 楼", "中豪湘悦中心"),
        ("in zhonghao center, 5F", "中豪湘悦中心"),
        ("newzhonghao center", None),
        ("别处", None),
        ("", None),
    ],
)
def test_the_longest_name_that_stands_whole_in_an_address_places_it(
    tmp_path: Path, address: str, name: str | None
) -> None:
    assert found(gazetteer(tmp_path), address) == name


def test_a_name_of_two_places_places_nothing(tmp_path: Path) -> None:
    names = gazetteer(tmp_path, STREET + "湘悦,,30.09,120.09\n")

    assert found(names, "湘悦2楼") is None
    assert found(names, "中豪湘悦中心") == "中豪湘悦中心"


def test_points_are_turned_into_wgs84(tmp_path: Path) -> None:
    text = "name,aliases,lat,lon\n甲,,30.24537046,120.21643255\n"
    names = gazetteer(tmp_path, text, crs="GCJ-02")

    entry = names.find("甲")
    assert entry is not None
    assert (round(entry.lat, 5), round(entry.lon, 5)) == (30.2478, 120.2119)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nom,lat,lon\nx,1,2\n", "there is no column 'name'; there are: nom, lat, lon"),
        ("name,aliases,lat,lon\nx,,north,2\n", ":2: lat = 'north': must be a number of degrees"),
        ("name,aliases,lat,lon\n ,,1,2\n", ":2: name = '': a place needs a name"),
        ("name,aliases,lat,lon\nx\n", ":2: lat = '': must be a number of degrees"),
    ],
)
def test_a_wrong_file_is_refused_with_line_column_and_rule(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=r"places\.csv") as error:
        gazetteer(tmp_path, text)

    assert said in str(error.value)


def test_a_file_that_is_not_there_or_no_utf8_is_refused(tmp_path: Path) -> None:
    options = GazetteerSettings(file="x.csv")
    with pytest.raises(SettingsError, match="No such file"):
        load_gazetteer(tmp_path / "x.csv", options)
    (tmp_path / "x.csv").write_bytes("name,lat,lon\n钱江苑,1,2\n".encode("gb18030"))
    with pytest.raises(SettingsError, match="no CSV in UTF-8"):
        load_gazetteer(tmp_path / "x.csv", options)


@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=60))
def test_no_text_breaks_it_and_what_it_finds_stands_in_the_address(
    before: str, name: str, after: str
) -> None:
    key = plain(name)
    names = Gazetteer({key: Entry(name, 1.0, 2.0)} if key else {})

    if names.find(before + name + after) is not None:
        assert key in plain(before + name + after)


PLACED = GRIDS + '[gazetteer]\nfile = "places.csv"\naliases = "aliases"\n'
WITH_ADDRESS = CALLS.replace('title = "title"', 'title = "title"\naddress = "title"')


@pytest.fixture
def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    a_file(tmp_path / "places.csv", STREET)
    monkeypatch.setattr("tests.pipelines.installations.CALLS", WITH_ADDRESS)
    installation = an_installation(tmp_path, grids=PLACED)
    yield installation
    installation.store.close()


def test_an_address_is_placed_on_the_map_and_the_report_says_by_which_entry(street) -> None:
    counts = taken_in(street, a_call("A-1", place=None, title="钱江苑3幢501"))

    (report,) = content(street.store, "report")["report"]
    (incident,) = content(street.store, "incident")["incident"]
    assert counts.unlocated == 0
    assert {30.051, 120.051} <= set(report)
    assert "G1" in incident
    assert "placed by gazetteer: 钱江苑3幢; the point is approximate" in str(report)


def test_an_approximate_place_is_no_doubt_about_a_field(street) -> None:
    counts = taken_in(street, a_call("A-1", place=None, title="钱江苑3幢501"))

    assert (counts.flagged, counts.problems) == (0, ())


def test_what_the_source_says_itself_comes_before_the_gazetteer(street) -> None:
    taken_in(
        street,
        a_call("A-1", place=(30.05, 120.25), title="钱江苑"),
        a_call("A-2", place=None, title="钱江苑", grid="G2"),
        a_call("A-3", place=None, title="天上"),
    )

    grids = {row[2]: row[7] for row in content(street.store, "incident")["incident"]}
    assert grids == {"A-1": "G3", "A-2": "G2", "A-3": ""}


def test_what_was_placed_stays_so_when_everything_is_made_anew(street) -> None:
    taken_in(street, a_call("A-1", place=None, title="湘悦"))

    assert verify(street.store, street.desk, lambda done, of: None).wrong == 0
