"""Whoever has a scope finds nothing outside of it on the pages of grids, shifts and the past."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.clock import ManualClock
from pipelines.errors import QueryError
from pipelines.model.incident import incident_id
from pipelines.privacy.clearance import Clearance, Role
from pipelines.roles.live import Live
from tests.builders import at
from tests.pipelines.installations import IN_G3, a_call, an_installation, taken_in

NOW = at(7200)
MINE, THEIRS = incident_id("calls", "A-1"), incident_id("calls", "A-2")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    installation = an_installation(tmp_path)
    taken_in(installation, a_call("A-1"), a_call("A-2", place=IN_G3), now=at(60))
    yield Live(installation, clock=ManualClock(NOW))
    installation.store.close()


@pytest.fixture
def seen(live: Live) -> Live:
    return live.seen_by(Clearance(role=Role.SUPERVISOR, scope="C1"))


def test_a_grid_outside_is_not_there(seen: Live) -> None:
    assert seen.grid({"code": "G1"}).grid is not None
    assert seen.grid({"code": "G3"}).grid is None
    assert (seen.has_grid("G1"), seen.has_grid("G3")) == (True, False)
    assert (seen.has_case(MINE), seen.has_case(THEIRS)) == (True, False)


def test_nothing_is_said_of_an_incident_outside_nor_read(live: Live, seen: Live) -> None:
    live.remark("pinned", "li", {"incident": THEIRS})
    live.remark("noted", "li", {"incident": THEIRS, "text": "theirs"})
    seen.remark("pinned", "li", {"incident": MINE})

    with pytest.raises(QueryError, match="no such incident"):
        seen.remark("noted", "li", {"incident": THEIRS, "text": "x"})
    page = seen.handover({})
    assert [row.id for row in page.pinned] == [MINE]
    assert [row.id for row in page.open] == [MINE]
    assert page.notes == ()
    assert {row.id for row in page.missed} == {MINE}


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({"community": "C2"}, "community = 'C2': there is no such community; use one of: C1, no"),
        ({"community": "C9"}, "community = 'C9': there is no such community; use one of: C1, no"),
        ({"grid": "G3"}, "grid = 'G3': there is no such grid; use one of: G1, G2, "),
        ({"grid": "G9"}, "grid = 'G9': there is no such grid; use one of: G1, G2, "),
    ],
)
def test_a_question_about_a_place_outside_is_answered_as_if_it_never_was(
    live: Live, seen: Live, place: dict[str, str], told: str
) -> None:
    for question in (seen.kpi, seen.rows, seen.intake):
        with pytest.raises(QueryError, match=told):
            question(place)
    if place.get("community") == "C2" or place.get("grid") == "G3":
        assert [figures["eligible"] for figures in live.kpi(place)] == [1]


@pytest.mark.parametrize("know", ["then", "now"])
def test_the_past_shows_no_more_than_the_present(seen: Live, know: str) -> None:
    page = seen.playback({"at": at(100).isoformat(), "know": know})

    assert [incident.id for incident in page.open] == [MINE]
    assert page.tiles[0].figures["eligible"] == 1
