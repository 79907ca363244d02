"""The register of grids: read, and refused with file, line, column, value and rule."""

from datetime import date
from pathlib import Path

import pytest

from pipelines.errors import SettingsError
from pipelines.gridfile.register import Item, load_grid_register
from tests.pipelines.installations import a_file

HEAD = "grid,item,value,as_of,checked,right,name_en\n"


def test_a_grid_has_its_people_and_numbers_each_with_its_date(tmp_path: Path) -> None:
    rows = "G1,leader,王,2026-01-02,,,Wang\nG1,population,1077,2026-09-30,50,48,\n"

    leader, people = load_grid_register(a_file(tmp_path / "r.csv", HEAD + rows))["G1"]

    assert (leader.item, leader.names, leader.count) == (
        Item.LEADER,
        {"zh": "王", "en": "Wang"},
        None,
    )
    assert (people.count, people.as_of) == (1077, date(2026, 9, 30))
    assert (people.checked, people.right) == (50, 48)


def test_without_a_file_nothing_is_known() -> None:
    assert load_grid_register(None) == {}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("G1,mayor,Wang,2026-01-02,,,", "column 'item', value 'mayor'"),
        ("G1,population,many,2026-01-02,,,", "column 'value', value 'many'"),
        ("G1,population,9,January,,,", "column 'as_of', value 'January'"),
        ("G1,population,9,2026-01-02,4,5,", "checked must be at least 1"),
        ("G1,population,9,2026-01-02,4,,", "column 'right'"),
        (",population,9,2026-01-02,,,", "column 'grid' is empty"),
    ],
)
def test_a_wrong_row_is_refused_with_line_and_rule(tmp_path: Path, row: str, said: str) -> None:
    file = a_file(tmp_path / "r.csv", f"{HEAD}{row}\n")

    with pytest.raises(SettingsError) as refused:
        load_grid_register(file)

    assert f"{file}:2" in str(refused.value)
    assert said in str(refused.value)
