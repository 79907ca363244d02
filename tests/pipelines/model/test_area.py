"""The tree of areas: what lies in what, and what is no tree."""

import pytest

from pipelines.model.area import Area, AreaError, AreaLevel, AreaTree

DISTRICT = Area(code="330102", level=AreaLevel.DISTRICT, names={"zh": "区", "en": "District"})


def an_area(code: str, level: AreaLevel, parent: str = "330102") -> Area:
    return Area(code=code, level=level, names={"zh": code, "en": code}, parent=parent)


STREETS = (
    an_area("330102014", AreaLevel.STREET),
    an_area("330102015", AreaLevel.STREET),
)
COMMUNITIES = (
    an_area("330102014001", AreaLevel.COMMUNITY, "330102014"),
    an_area("330102014002", AreaLevel.COMMUNITY, "330102014"),
    an_area("330102015001", AreaLevel.COMMUNITY, "330102015"),
)
GRIDS = {
    "330102014001001": "330102014001",
    "330102014002001": "330102014002",
    "330102015001001": "330102015001",
    "loose": "330102",
}


@pytest.fixture
def tree() -> AreaTree:
    return AreaTree(DISTRICT, (*COMMUNITIES, *STREETS), GRIDS)


def test_a_grid_lies_in_every_area_above_it(tree: AreaTree) -> None:
    assert tree.at(AreaLevel.COMMUNITY, "330102014002001") == "330102014002"
    assert tree.at(AreaLevel.STREET, "330102014002001") == "330102014"
    assert tree.at(AreaLevel.DISTRICT, "330102014002001") == "330102"
    assert [area.code for area in tree.path("330102014002001")] == [
        "330102", "330102014", "330102014002",
    ]  # fmt: skip


def test_an_area_holds_its_grids_and_no_others(tree: AreaTree) -> None:
    assert tree.grids("330102014") == ("330102014001001", "330102014002001")
    assert tree.holds("330102014", "330102014001001")
    assert not tree.holds("330102014", "330102015001001")
    assert not tree.holds("330102014", "")
    assert not tree.holds("33010201", "330102014001001")


def test_the_whole_holds_also_what_is_on_no_map(tree: AreaTree) -> None:
    assert tree.holds("330102", "")
    assert tree.holds("330102", "unheard-of")
    assert tree.at(AreaLevel.STREET, "") == ""
    assert tree.at(AreaLevel.STREET, "loose") == ""


def test_a_district_is_parted_into_streets_and_a_street_into_communities(tree: AreaTree) -> None:
    assert tree.below("330102") is AreaLevel.STREET
    assert tree.below("330102014") is AreaLevel.COMMUNITY
    assert tree.below("330102014001") is None
    assert tree.part_of("330102015001001") == "330102015"
    assert tree.levels == (AreaLevel.DISTRICT, AreaLevel.STREET, AreaLevel.COMMUNITY)


def test_the_tree_of_one_street_knows_nothing_of_the_others(tree: AreaTree) -> None:
    street = tree.under("330102014")

    assert street.top.code == "330102014"
    assert street.knows("330102014002001")
    assert not street.knows("330102015")
    assert not street.knows("330102015001001")
    assert not street.knows("330102")


@pytest.mark.parametrize(
    ("areas", "code", "rule"),
    [
        ((STREETS[0], STREETS[0]), "330102014", "occurs twice"),
        ((COMMUNITIES[0],), "330102014001", "has the parent '330102014'"),
        ((an_area("a", AreaLevel.STREET, "b"), an_area("b", AreaLevel.STREET, "a")), "a",
         "is a street in 'b', a street"),
        ((an_area("330102014", AreaLevel.CITY),), "330102014", "is a city in '330102'"),
        ((*STREETS, an_area("loose", AreaLevel.STREET)), "loose", "of a grid and of an area"),
    ],
)  # fmt: skip
def test_what_is_no_tree_names_the_area_and_the_rule(
    areas: tuple[Area, ...], code: str, rule: str
) -> None:
    with pytest.raises(AreaError, match=rule) as error:
        AreaTree(DISTRICT, areas, {"loose": "330102"})

    assert error.value.code == code
