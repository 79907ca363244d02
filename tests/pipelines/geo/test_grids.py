"""The boundary file: how it is read, what is mended, and which grid a position lies in."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import SettingsError
from pipelines.geo.coordinates import converter
from pipelines.geo.grids import Grid, Grids, load_grids, no_grids
from pipelines.model.place import NOT_ON_MAP
from tests.pipelines.installations import ELSEWHERE, IN_G1, IN_G2, IN_G3, a_file, a_square

SQUARES = [shapely.Polygon(a_square(west)) for west in (120.0, 120.1, 120.2)]
BOW = shapely.Polygon([(120.3, 30), (120.4, 30.1), (120.4, 30), (120.3, 30.1)])
"""A polygon that crosses itself."""


def a_frame(
    shapes: Sequence[Any] = SQUARES, *, crs: str | None = "EPSG:4326", **columns: Sequence[Any]
) -> geopandas.GeoDataFrame:
    n = len(shapes)
    plain: dict[str, Sequence[Any]] = {
        "code": [f"G{i}" for i in range(1, n + 1)],
        "label": [f"网格{i}" for i in range(1, n + 1)],
        "community": ["C1", "C1", "C2", "C2"][:n],
    }
    return geopandas.GeoDataFrame(plain | columns, geometry=list(shapes), crs=crs)


def saved(folder: Path, frame: geopandas.GeoDataFrame, name: str = "grids.gpkg") -> Path:
    drivers = {".geojson": "GeoJSON", ".gpkg": "GPKG", ".shp": "ESRI Shapefile"}
    file = folder / name
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        frame.to_file(file, driver=drivers[file.suffix], encoding="utf-8")
    return file


def loaded(file: Path, **said: str | None) -> Grids:
    plain: dict[str, str | None] = {
        "code": "code", "name": "label", "parent": "community", "crs": None,
    }  # fmt: skip
    return load_grids(file, **(plain | said))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["grids.geojson", "grids.gpkg", "grids.shp"])
def test_every_usual_format_is_read(tmp_path: Path, name: str) -> None:
    grids = loaded(saved(tmp_path, a_frame(), name))

    assert [(g.code, g.name, g.parent) for g in grids] == [
        ("G1", "网格1", "C1"), ("G2", "网格2", "C1"), ("G3", "网格3", "C2"),
    ]  # fmt: skip
    assert grids.locate([IN_G1, IN_G3, ELSEWHERE, IN_G2]) == ["G1", "G3", NOT_ON_MAP, "G2"]
    assert grids.repaired == ()


def test_a_name_and_a_community_are_optional(tmp_path: Path) -> None:
    grids = loaded(saved(tmp_path, a_frame()), name=None, parent=None)

    assert {(g.code, g.name, g.parent) for g in grids} >= {("G1", "G1", NOT_ON_MAP)}


def test_codes_that_are_numbers_are_texts(tmp_path: Path) -> None:
    grids = loaded(saved(tmp_path, a_frame(code=[330102014001, 330102014002, 330102014003])))

    assert grids.locate([IN_G1]) == ["330102014001"]


@pytest.mark.parametrize("crs", ["EPSG:4549", "EPSG:4490", "EPSG:3857"])
def test_another_coordinate_system_becomes_wgs84(tmp_path: Path, crs: str) -> None:
    grids = loaded(saved(tmp_path, a_frame().to_crs(crs)))

    assert grids.locate([IN_G1, IN_G2]) == ["G1", "G2"]


def test_a_coordinate_system_that_the_file_does_not_state_is_configured(tmp_path: Path) -> None:
    file = saved(tmp_path, a_frame().to_crs("EPSG:4549").set_crs(None, allow_override=True),
                 "grids.shp")  # fmt: skip

    assert loaded(file, crs="EPSG:4549").locate([IN_G1]) == ["G1"]
    with pytest.raises(SettingsError, match=r"grids\.shp: does not say its CRS; set crs under"):
        loaded(file)


@pytest.mark.parametrize("crs", ["WGS-84", "CGCS2000"])
def test_the_names_that_sources_use_are_good_for_a_boundary_file_too(
    tmp_path: Path, crs: str
) -> None:
    file = saved(tmp_path, a_frame(crs=None), "grids.shp")

    assert loaded(file, crs=crs).locate([IN_G1]) == ["G1"]


def test_a_coordinate_system_that_does_not_exist_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="crs = 'Mars'"):
        loaded(saved(tmp_path, a_frame()), crs="Mars")


@pytest.mark.parametrize("crs", ["GCJ-02", "BD-09"])
def test_a_boundary_file_in_chinese_coordinates_is_moved(tmp_path: Path, crs: str) -> None:
    convert = converter(crs)
    assert convert is not None
    grids = loaded(saved(tmp_path, a_frame(), "grids.geojson"), crs=crs)

    corners = [(30.0001, 120.0001), (30.0999, 120.0999)]

    assert grids.locate(convert(corners)) == ["G1", "G1"]
    assert grids.locate(corners) != ["G1", "G1"]  # the offset is hundreds of metres


def test_a_polygon_that_crosses_itself_is_mended_and_named(tmp_path: Path) -> None:
    grids = loaded(saved(tmp_path, a_frame([*SQUARES, BOW])))

    assert grids.repaired == ("G4",)
    assert grids.locate([(30.05, 120.31), (30.05, 120.39), (30.09, 120.35)]) == ["G4", "G4", ""]


def test_what_is_wrong_with_a_boundary_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no such boundary file; set file under \[grids\]"):
        loaded(tmp_path / "grids.geojson")
    with pytest.raises(SettingsError, match="no column 'Code'; there are: code, label, community"):
        loaded(saved(tmp_path, a_frame()), code="Code")
    with pytest.raises(SettingsError, match="the code 'G1' occurs twice; codes must differ"):
        loaded(saved(tmp_path, a_frame(code=["G1", "G2", " G1 "])))
    with pytest.raises(SettingsError, match="cannot be read as a boundary file"):
        loaded(a_file(tmp_path / "no.geojson", "{"))


@pytest.mark.parametrize("code", [None, "", " "])
def test_a_grid_without_a_code_stops_the_start(tmp_path: Path, code: str | None) -> None:
    with pytest.raises(SettingsError, match="a grid has no code"):
        loaded(saved(tmp_path, a_frame(code=["G1", code, "G3"])))


def test_a_grid_without_a_community_is_in_none(tmp_path: Path) -> None:
    grids = loaded(saved(tmp_path, a_frame(community=["C1", None, ""], label=["a", None, ""])))

    assert [(g.name, g.parent) for g in grids] == [("a", "C1"), ("G2", ""), ("G3", "")]


@pytest.mark.parametrize("shape", [None, shapely.Polygon(), shapely.Point(120, 30)])
def test_a_grid_without_an_area_stops_the_start(tmp_path: Path, shape: Any) -> None:
    with pytest.raises(SettingsError, match="grid 'G2' has no area"):
        loaded(saved(tmp_path, a_frame([SQUARES[0], shape, SQUARES[2]])))


@given(share=st.floats(0, 1))
def test_a_shared_border_belongs_to_the_first_grid_in_the_file(share: float) -> None:
    grids = the_street()

    assert grids.locate([(30 + 0.1 * share, 120.1)]) == ["G1"]


def the_street() -> Grids:
    codes = ("G1", "G2", "G3")
    return Grids([Grid(code=c, name=c, parent="") for c in codes], SQUARES, ())


@given(points=st.lists(st.tuples(st.floats(29.9, 30.2), st.floats(119.9, 120.4)), max_size=20))
def test_many_positions_at_once_are_where_each_is_alone(points: list[tuple[float, float]]) -> None:
    grids = the_street()

    found = grids.locate(points)

    assert found == [grids.locate([point])[0] for point in points]
    for (lat, lon), code in zip(points, found, strict=True):
        inside = [i for i, s in enumerate(SQUARES, 1) if s.intersects(shapely.Point(lon, lat))]
        assert code == (f"G{inside[0]}" if inside else NOT_ON_MAP)


@pytest.mark.parametrize(
    ("position", "doubt"),
    [
        ((0.0, 0.0), "is (0, 0): a missing position"),
        ((120.05, 30.05), "is latitude and longitude swapped; swap the columns in position"),
        ((91.0, 30.0), "is no place on earth: latitude is −90…90, longitude −180…180"),
        ((float("inf"), 0.0), "is no place on earth: latitude is −90…90, longitude −180…180"),
        ((float("nan"), 120.0), "is no place on earth: latitude is −90…90, longitude −180…180"),
        (IN_G1, None),
        (ELSEWHERE, None),
        ((-33.9, 151.2), None),
    ],
)
def test_a_position_that_cannot_be_is_doubted(
    position: tuple[float, float], doubt: str | None
) -> None:
    assert the_street().doubt(*position) == doubt


def test_without_a_boundary_file_nothing_can_be_located_but_any_code_is_good() -> None:
    grids = no_grids()

    assert grids.locate([IN_G1]) == [NOT_ON_MAP]
    assert grids.has("PN9")
    assert (grids.get("PN9").name, grids.get("PN9").parent) == ("PN9", "")
    assert len(grids) == 0


def test_the_browser_gets_every_grid_in_wgs84_with_its_code(tmp_path: Path) -> None:
    grids = loaded(saved(tmp_path, a_frame().to_crs("EPSG:4549")))

    features = json.loads(grids.geojson)["features"]

    assert [(f["id"], f["properties"]["name"]) for f in features] == [
        ("G1", "网格1"), ("G2", "网格2"), ("G3", "网格3"),
    ]  # fmt: skip
    corner = min(features[0]["geometry"]["coordinates"][0])
    assert corner == pytest.approx([120.0, 30.0], abs=1e-5)


def test_the_version_changes_with_the_boundaries_and_only_with_them(tmp_path: Path) -> None:
    one = loaded(saved(tmp_path, a_frame(), "one.gpkg"))
    same = loaded(saved(tmp_path, a_frame(), "same.geojson"))
    other = loaded(saved(tmp_path, a_frame(community=["C1", "C2", "C2"]), "other.gpkg"))

    assert one.version == same.version != other.version
