"""The example district: it tiles, it says what it is, and it is reproducible."""

import csv
import io
import json
from functools import cache
from pathlib import Path

import shapely
from shapely.geometry import shape

from pipelines.demo.geography.district.__main__ import FOLDER, main
from pipelines.demo.geography.district.files import district_files
from pipelines.installation import prepare
from pipelines.model.area import AreaLevel
from pipelines.settings import load

DEGREE_M2 = 110_861 * 96_160
CONFIG = Path("config/district.toml")


@cache
def files():
    return district_files()


@cache
def grids():
    features = json.loads(files()["grids.geojson"])["features"]
    return {f["properties"]["code"]: shape(f["geometry"]) for f in features}


def test_the_files_in_the_repository_are_what_the_code_writes(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["district", str(tmp_path)])

    main()

    written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert written == {name: (FOLDER / name).read_bytes() for name in written}
    assert len(written) == 4


def test_the_grids_of_three_streets_lie_beside_each_other_and_in_no_other():
    shapes = list(grids().values())
    overlap = sum(s.area for s in shapes) - shapely.union_all(shapes).area

    assert all(s.geom_type == "Polygon" and s.is_valid for s in shapes)
    assert overlap * DEGREE_M2 < 100
    assert min(s.area for s in shapes) * DEGREE_M2 > 20_000
    streets = json.loads(files()["streets.geojson"])["features"]
    assert [f["geometry"]["type"] for f in streets] == ["Polygon"] * 3


def test_every_case_begins_before_it_ends_and_lies_in_the_district_or_nowhere():
    whole = shapely.union_all(list(grids().values()))
    rows = list(csv.DictReader(io.StringIO(files()["cases.csv"].decode())))

    assert 300 < len(rows) < 900
    for row in rows:
        stamps = [
            row[name] for name in ("reported", "accepted", "dispatched", "arrived") if row[name]
        ]
        assert stamps == sorted(stamps)
        if row["lat"]:
            assert whole.intersects(shapely.Point(float(row["lon"]), float(row["lat"])))


def test_the_configuration_makes_a_district_of_three_streets():
    settings = load({}, str(CONFIG))

    grids, _ = prepare(settings)

    assert settings.area.level is AreaLevel.DISTRICT
    assert settings.labels == ("synthetic", "schematic")
    assert len(grids) == 128
