"""The file of one grid: every number of it is as many incidents as it opens into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import QueryError, SettingsError
from pipelines.figures.query import parse, rows
from pipelines.gridfile.file import GridDesk, GridFile, GridSheet
from pipelines.gridfile.picks import check
from pipelines.gridfile.register import load_grid_register
from pipelines.installation import Installation
from pipelines.model.clock import Verdict
from pipelines.model.milestone import TARGETED, Milestone
from tests.builders import at
from tests.pipelines.installations import (
    GRIDS,
    IN_G1,
    IN_G2,
    IN_G3,
    a_call,
    an_installation,
    taken_in,
)

DAY = 86_400
NOW = at(40 * DAY)
OWN = GRIDS + 'own_sources = ["calls"]\n'
CALLS = (
    a_call("A-1", accepted=30, dispatched=90, arrived=312, resolved=900),
    *(
        a_call(f"B-{n}", reported=n * DAY, accepted=n * DAY + 20, arrived=n * DAY + 200,
               resolved=n * DAY + 800)
        for n in range(12, 40)
    ),
    a_call("C-1", reported=39 * DAY, place=IN_G1, kind="noise", dispatched=39 * DAY + 60,
           resolved=39 * DAY + 900),
    a_call("C-2", reported=39 * DAY, kind="noise", resolved=39 * DAY + 900),
    a_call("C-3", reported=40 * DAY - 100),
    a_call("D-1", reported=39 * DAY, drill="yes"),
    a_call("E-1", reported=30 * DAY, place=IN_G2, arrived=30 * DAY + 100),
    a_call("E-2", reported=31 * DAY, place=IN_G3, arrived=31 * DAY + 900),
)  # fmt: skip


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = an_installation(tmp_path_factory.mktemp("grid"), grids=OWN)
    taken_in(installation, *CALLS, now=NOW)
    yield installation
    installation.store.close()


def file_of(street: Installation, code: str = "G1", **filters: str) -> GridFile:
    desk = GridDesk(street, load_grid_register(None))
    with street.store.reading() as reader:
        return desk.read(reader, {"code": code, **filters}, now=NOW)


def sheet(street: Installation, code: str = "G1", **filters: str) -> GridSheet:
    grid = file_of(street, code, **filters).grid
    assert grid is not None
    return grid


def picked(street: Installation, pick: str) -> int:
    found = sheet(street, pick=pick).picked
    assert found is not None
    assert found.total == len(found.rows)
    return found.total


@pytest.mark.parametrize("milestone", TARGETED)
def test_each_count_of_the_strip_opens_into_so_many_incidents(
    street: Installation, milestone: Milestone
) -> None:
    line = next(line for line in sheet(street).strip if line.milestone is milestone)

    for verdict in (v for v in Verdict if v is not Verdict.EXCLUDED):
        assert picked(street, f"{milestone}.{verdict}") == line.figures[str(verdict)]


def test_the_strip_is_the_figure_of_the_query_for_the_same_days(street: Installation) -> None:
    arrived = sheet(street).strip[2]
    asked = parse(
        {"grid": "G1", "from": at(11 * DAY).date().isoformat()}, now=NOW, zone=street.desk.zone
    )
    with street.store.reading() as reader:
        listed = rows(reader, asked, street.desk)

    hits = sum(1 for row in listed if row["verdict"] == "hit")
    assert arrived.figures["hit"] == hits


def test_it_stands_beside_the_street_and_its_own_past(street: Installation) -> None:
    arrived = sheet(street).strip[2]

    assert arrived.past["miss"] == 1
    assert isinstance(arrived.street["hit"], int)
    assert isinstance(arrived.figures["hit"], int)
    assert arrived.street["hit"] == arrived.figures["hit"] + 1
    assert arrived.standing is not None
    assert arrived.standing.known == arrived.figures["hit"]


def test_days_since_the_last_miss_are_counted_by_date(street: Installation) -> None:
    assert sheet(street).quiet_days == 40
    assert sheet(street, "G2").quiet_days is None
    assert picked(street, "missed") == 1


def test_what_is_open_is_counted_without_drills(street: Installation) -> None:
    grid = sheet(street)

    assert grid.open_total == picked(street, "open") == 1
    assert {incident.key for incident in grid.open} == {"C-3", "D-1"}


def test_the_hours_of_the_week_add_up_and_say_where_nothing_was_observed(
    street: Installation,
) -> None:
    heat = sheet(street).heat

    assert sum(n or 0 for row in heat.cells for n in row) == heat.total == picked(street, "heat")
    assert picked(street, "heat.0.9") == heat.cells[0][9]
    assert all(n is not None for row in heat.cells for n in row)
    assert heat.hours == 6


def test_an_hour_that_was_never_observed_has_no_number(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    taken_in(street, a_call("A-1", reported=40 * DAY - 7200), now=NOW)

    cells = [n for row in sheet(street).heat.cells for n in row]

    assert cells.count(None) == 7 * 24 - 2
    street.store.close()


def test_a_place_with_three_incidents_in_ninety_days_repeats(street: Installation) -> None:
    (repeat,) = sheet(street).repeats

    assert repeat.kind == "spot"
    assert picked(street, repeat.pick) == repeat.n == 32
    assert "30.05" not in repeat.pick


def test_handling_counts_open_into_their_incidents(street: Installation) -> None:
    handling = sheet(street).handling

    for name in ("found", "reported", "untold", "alone", "resolved", "unsaid"):
        assert picked(street, f"handling.{name}") == getattr(handling, name)
    assert (handling.alone, handling.resolved) == (29, 31)
    assert (handling.found, handling.reported) == (0, 0)


def test_what_another_source_answered_at_once_is_not_the_grids_own_doing(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    taken_in(street, *CALLS, now=NOW)

    handling = sheet(street).handling

    assert (handling.alone, handling.resolved, handling.unsaid) == (0, 31, 0)
    street.store.close()


def test_own_sources_must_be_sources(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such source"):
        an_installation(tmp_path, grids=GRIDS + 'own_sources = ["nobody"]\n')


def test_a_grid_that_is_not_there_is_said_to_be_not_there(street: Installation) -> None:
    assert file_of(street, "G9").grid is None
    assert file_of(street, "").grid is None


def test_a_pick_that_no_number_has_opens_nothing(street: Installation) -> None:
    assert sheet(street, pick="handling.everything").picked is None
    assert sheet(street, pick="arrived.somehow").picked is None
    assert sheet(street, pick="nonsense").picked is None


def test_a_pick_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(QueryError, match="pick="):
        check({"pick": "<script>"})
