"""Boundaries that change: which version is valid when, and what cannot be one history."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from pipelines.errors import SettingsError
from pipelines.geo.history import GridHistory, load_history
from pipelines.geo.placing import spots_of
from pipelines.geo.settings import GridSettings
from pipelines.model.place import Place
from pipelines.store.rows import to_ms
from tests.pipelines.installations import a_file, a_square

SHANGHAI = ZoneInfo("Asia/Shanghai")
IN_WEST, IN_EAST = Place(30.05, 120.05), Place(30.05, 120.15)
BEFORE, AFTER = datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


def boundaries(path: Path, *grids: tuple[str, float, dict[str, str | None]]) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "parent": "C1", **more},
            "geometry": {"type": "Polygon", "coordinates": [a_square(west)]},
        }
        for code, west, more in grids
    ]
    a_file(path, json.dumps({"type": "FeatureCollection", "features": features}))


def versions(folder: Path, *dated: tuple[str, str | None]) -> GridHistory:
    said = [{"file": file} | ({"valid_from": day} if day else {}) for file, day in dated]
    options = GridSettings.model_validate({"code": "code", "parent": "parent", "versions": said})
    return load_history(options, lambda file: folder / file, SHANGHAI)


def grids_at(history: GridHistory, moment: datetime, places: Iterable[Place]) -> list[str]:
    asked = list(places)
    return [spot.grid for spot in spots_of(asked, [to_ms(moment)] * len(asked), history)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    boundaries(tmp_path / "old.geojson", ("G1", 120.0, {}), ("G2", 120.1, {}))
    boundaries(tmp_path / "new.geojson", ("G1", 120.1, {}), ("G3", 120.0, {}))
    return tmp_path


def test_a_position_lies_in_the_grid_of_its_day(folder: Path) -> None:
    history = versions(folder, ("old.geojson", None), ("new.geojson", "2026-03-01"))

    assert grids_at(history, BEFORE, (IN_WEST, IN_EAST)) == ["G1", "G2"]
    assert grids_at(history, AFTER, (IN_WEST, IN_EAST)) == ["G3", "G1"]


def test_a_version_begins_at_the_local_midnight_of_its_day(folder: Path) -> None:
    history = versions(folder, ("old.geojson", None), ("new.geojson", "2026-03-01"))
    midnight = datetime(2026, 2, 28, 16, tzinfo=UTC)

    assert grids_at(history, midnight, (IN_WEST,)) == ["G3"]
    assert grids_at(history, midnight.replace(hour=15, minute=59), (IN_WEST,)) == ["G1"]


def test_the_owners_own_code_is_one_of_its_day(folder: Path) -> None:
    history = versions(folder, ("old.geojson", None), ("new.geojson", "2026-03-01"))

    assert grids_at(history, AFTER, (Place(grid="G2"), Place(grid="G3"))) == ["", "G3"]
    assert grids_at(history, BEFORE, (Place(grid="G2"), Place(grid="G3"))) == ["G2", ""]


def test_every_grid_that_ever_was_has_a_name(folder: Path) -> None:
    history = versions(folder, ("old.geojson", None), ("new.geojson", "2026-03-01"))

    assert sorted(grid.code for grid in history) == ["G1", "G2", "G3"]
    assert history.get("G2").parent == "C1"


def test_one_file_may_say_of_each_grid_from_when_until_when(tmp_path: Path) -> None:
    boundaries(
        tmp_path / "grids.geojson",
        ("G1", 120.0, {"since": None, "until": "2026-03-01"}),
        ("G2", 120.1, {"since": None, "until": None}),
        ("G3", 120.0, {"since": "2026-03-01", "until": None}),
    )
    said = {"file": "grids.geojson", "code": "code", "valid_from": "since", "valid_to": "until"}
    history = load_history(GridSettings.model_validate(said), lambda f: tmp_path / f, SHANGHAI)

    assert [len(version.grids) for version in history.versions] == [2, 2]
    assert grids_at(history, BEFORE, (IN_WEST, IN_EAST)) == ["G1", "G2"]
    assert grids_at(history, AFTER, (IN_WEST, IN_EAST)) == ["G3", "G2"]


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        ("soon", None, "column 'since', value 'soon': must be a date or a time"),
        ("2026-03-01", "2026-03-01", "must be later than 'since'"),
    ],
)
def test_a_wrong_date_of_a_grid_names_file_column_value_and_rule(
    tmp_path: Path, since: str, until: str | None, message: str
) -> None:
    boundaries(tmp_path / "grids.geojson", ("G1", 120.0, {"since": since, "until": until}))
    said = {"file": "grids.geojson", "code": "code", "valid_from": "since", "valid_to": "until"}

    with pytest.raises(SettingsError, match=message) as error:
        load_history(GridSettings.model_validate(said), lambda f: tmp_path / f, SHANGHAI)

    assert "grids.geojson" in str(error.value)


def test_versions_must_follow_each_other(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"new.geojson .*must be later than that of the ver"):
        versions(folder, ("old.geojson", "2026-03-02"), ("new.geojson", "2026-03-01"))


def test_a_grid_that_moves_to_another_community_needs_another_code(folder: Path) -> None:
    boundaries(folder / "moved.geojson", ("G1", 120.0, {"parent": "C2"}))

    with pytest.raises(SettingsError, match=r"the grid 'G1' lies in 'C2', in an earlier version"):
        versions(folder, ("old.geojson", None), ("moved.geojson", "2026-03-01"))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "needs either file or"),
        ({"file": "a", "versions": [{"file": "b"}]}, "needs either file or"),
        ({"versions": [{"file": "a"}, {"file": "b"}]}, "the version 'b' needs valid_from"),
        ({"versions": [{"file": "a"}], "valid_from": "since"}, "versions say their own"),
    ],
)
def test_boundaries_are_given_in_one_way(said: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GridSettings.model_validate({"code": "code", **said})


def test_names_do_not_make_other_boundaries(folder: Path) -> None:
    boundaries(folder / "named.geojson", ("G1", 120.0, {"name": "一"}), ("G2", 120.1, {}))
    said = {"file": "named.geojson", "code": "code", "parent": "parent", "name": "name"}
    named = load_history(GridSettings.model_validate(said), lambda f: folder / f, SHANGHAI)
    (plain,) = versions(folder, ("old.geojson", None)).versions

    assert named.versions[0].grids.boundaries == plain.grids.boundaries
    assert named.versions[0].grids.version != plain.grids.version
