"""Many streets in one installation: figures of every level, any node of the tree a filter."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.desk.board import read_board, read_page
from pipelines.errors import QueryError, SettingsError
from pipelines.figures.groups import UNLOCATED
from pipelines.figures.intake import intake
from pipelines.figures.query import By, Query, kpi, rows, tallies
from pipelines.installation import Installation, prepare
from pipelines.model.area import AreaLevel
from pipelines.model.milestone import Milestone
from pipelines.model.tally import EMPTY, total
from pipelines.registers.areas import read_areas
from tests.builders import MUCH_LATER, at
from tests.pipelines.districts import (
    BOUNDARIES,
    DISTRICT,
    EAST,
    GRIDS,
    IN,
    IN_LOOSE,
    LOOSE,
    WEST,
    a_district,
    district_settings,
)
from tests.pipelines.installations import ELSEWHERE, a_call, a_file, taken_in
from tests.pipelines.test_ingest import an_empty_street

LEVELS = (By.DISTRICT, By.STREET, By.COMMUNITY, By.GRID)
SPOTS = [*IN.values(), IN_LOOSE, ELSEWHERE, None]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return a_district(tmp_path_factory.mktemp("district"))


@pytest.fixture(scope="module")
def district(template: Installation) -> Iterator[Installation]:
    with an_empty_street(template) as fresh:
        calls = [
            a_call(f"A-{n}", place=spot, reported=n * 60, accepted=n * 60 + 5,
                   dispatched=n * 60 + 9, arrived=n * 60 + 200, resolved=n * 60 + 900)
            for n, spot in enumerate(SPOTS * 3)
        ]  # fmt: skip
        taken_in(fresh, *calls)
        yield fresh


def incidents(district: Installation, **asked: Any) -> dict[str, int]:
    with district.store.reading() as reader:
        found = tallies(reader, Query(as_of=MUCH_LATER, **asked), district.desk)
    return {key: tally.incidents for key, tally in found.items()}


def test_a_district_is_counted_by_its_streets(district: Installation) -> None:
    found = incidents(district, by=By.STREET)

    assert found == {EAST: 6, WEST: 6, "no_street": 3, UNLOCATED: 6}
    assert incidents(district, by=By.DISTRICT) == {DISTRICT: 21}


@settings(max_examples=25)
@given(
    said=st.lists(
        st.builds(
            lambda n, spot, wait: a_call(
                f"A-{n}", record=f"{n}-{spot}-{wait}", place=spot, reported=n * 600,
                accepted=n * 600 + 9, dispatched=n * 600 + 90, arrived=n * 600 + wait,
            ),
            st.integers(0, 30),
            st.sampled_from(SPOTS),
            st.integers(91, 600),
        ),
        max_size=12,
    ),
    as_of=st.integers(0, 20_000).map(at) | st.just(MUCH_LATER),
)  # fmt: skip
def test_every_total_equals_the_sum_of_its_parts_at_every_level(
    template: Installation, said: list[dict[str, str]], as_of: Any
) -> None:
    with an_empty_street(template) as district:
        taken_in(district, *said)

        with district.store.reading() as reader:
            whole = tallies(reader, Query(as_of=as_of), district.desk).get("all", EMPTY)
            for by in LEVELS:
                parts = tallies(reader, Query(as_of=as_of, by=by), district.desk)
                assert total(parts.values()) == whole
            for area in (DISTRICT, EAST, WEST, EAST + "001"):
                asked = Query(as_of=as_of, area=area)
                mine = tallies(reader, asked, district.desk).get("all", EMPTY)
                below = tallies(reader, Query(as_of=as_of, area=area, by=By.GRID), district.desk)
                assert total(below.values()) == mine


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (DISTRICT, 21), (EAST, 6), (WEST + "002", 3), (GRIDS[0], 3), (LOOSE, 3), (UNLOCATED, 6),
    ],
)  # fmt: skip
def test_any_node_of_the_tree_is_a_filter_of_figures_rows_and_intake_alike(
    district: Installation, area: str, expected: int
) -> None:
    query = Query(as_of=MUCH_LATER, area=area, start=at(0))
    until = Query(as_of=at(86_400), area=area, start=at(0))

    with district.store.reading() as reader:
        listed = read_page(reader, district, {"area": area, "window": "90d"}, now=at(86_400))
        assert len(rows(reader, query, district.desk)) == listed.total == expected
        (line,) = intake(reader, until, district.desk)
    assert sum(window["count"] for window in line["windows"]) == expected
    assert sum(incidents(district, area=area).values()) == expected


def test_an_area_that_is_not_there_is_an_error_and_not_an_empty_answer(
    district: Installation,
) -> None:
    for question in (kpi, rows, intake):
        with district.store.reading() as reader, pytest.raises(QueryError, match="no such area"):
            question(reader, Query(as_of=at(0), start=at(-60), area="330103"), district.desk)


def test_a_level_above_the_whole_cannot_be_grouped_by(district: Installation) -> None:
    with district.store.reading() as reader, pytest.raises(QueryError, match="the whole is a dis"):
        kpi(reader, Query(as_of=MUCH_LATER, by=By.CITY), district.desk)


def boards(district: Installation, **filters: str) -> tuple[Any, list[Mapping[str, str]]]:
    given = {"window": "365d", **filters}
    with district.store.reading() as reader:
        board = read_board(reader, district, given, now=at(7200))
    return board, [dict(place) for place, _ in board.crumbs]


def test_the_desk_leads_from_the_district_down_to_a_grid(district: Installation) -> None:
    whole, top = boards(district)
    street, to_street = boards(district, area=EAST)
    community, to_community = boards(district, community=f"{EAST}001")
    grid, to_grid = boards(district, grid=GRIDS[0])

    assert (whole.parts_by, street.parts_by) == (By.STREET, By.COMMUNITY)
    assert (community.parts_by, grid.parts_by) == (By.GRID, None)
    assert [part.code for part in whole.parts] == [EAST, WEST, UNLOCATED, "no_street"]
    assert [part.code for part in street.parts] == [f"{EAST}001", f"{EAST}002"]
    assert top == [{}]
    assert to_street == [{}, {"area": EAST}]
    assert to_community == [{}, {"area": EAST}, {"community": f"{EAST}001"}]
    assert to_grid == [*to_community, {"grid": GRIDS[0]}]


def test_the_map_of_a_district_colours_its_streets(district: Installation) -> None:
    chart = district.chart_at(at(0))

    assert chart.level is AreaLevel.STREET
    assert [cell.code for cell in chart.cells] == [EAST, WEST, LOOSE]
    assert chart.members[EAST] == GRIDS[:2]


def test_streets_are_known_by_the_codes_of_communities_or_by_a_column_of_their_own(
    tmp_path: Path,
) -> None:
    by_column = BOUNDARIES + 'street = "street"\n'
    for folder, grids in (("code", BOUNDARIES), ("column", by_column)):
        district = a_district(tmp_path / folder, grids=grids)
        assert district.desk.areas.at(AreaLevel.STREET, GRIDS[3]) == WEST
        district.store.close()


def test_a_list_of_areas_gives_the_streets_their_names(tmp_path: Path) -> None:
    listed = f"code,level,name,name_en\n{EAST},street,东街道,East\n"
    a_file(tmp_path / "areas.csv", listed)
    district = a_district(tmp_path, grids=BOUNDARIES + 'areas = "areas.csv"\n')

    area = district.desk.areas.get(EAST)

    assert area is not None
    assert dict(area.names) == {"zh": "东街道", "en": "East"}
    district.store.close()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"{EAST},street,东,,330199", "has the parent '330199'; there is no such area"),
        (f"{EAST},street,东,,{WEST}\n{WEST},street,西,,{EAST}", "is a street in"),
        (f"{EAST},street,东,,\n{EAST},street,东,,", "occurs twice"),
        (f"{EAST},village,东,,", "column 'level', value 'village': must be one of: province"),
        (",street,东,,", "column 'code', value ''"),
        (f"{DISTRICT},district,区,,", "is the whole"),
        (f"{EAST},community,东,,", "is a community and a street"),
    ],
)
def test_what_is_no_tree_of_areas_stops_the_start_and_names_file_and_rule(
    tmp_path: Path, line: str, message: str
) -> None:
    file = a_file(tmp_path / "areas.csv", f"code,level,name,name_en,parent\n{line}\n")
    grids = BOUNDARIES + 'areas = "areas.csv"\nstreet = "street"\n'

    with pytest.raises(SettingsError) as error:
        prepare(district_settings(tmp_path, grids=grids))

    assert message in str(error.value)
    assert str(file.parent) in str(error.value)


def test_a_list_of_areas_needs_its_columns(tmp_path: Path) -> None:
    file = a_file(tmp_path / "areas.csv", "code,name\n1,one\n")

    with pytest.raises(SettingsError, match="no column 'level'"):
        read_areas(file)


def test_targets_of_an_area_hold_for_all_that_lies_in_it(tmp_path: Path) -> None:
    more = f'\n[[targets.special]]\nareas = ["{WEST}"]\narrived = "600s"\n'
    district = a_district(tmp_path, more=more)
    limits = {grid: district.desk.rules.limit("fire", Milestone.ARRIVED, grid=grid) for grid in IN}

    assert [limit.total_seconds() for limit in limits.values()] == [300, 300, 600, 600]  # type: ignore[union-attr]
    district.store.close()
