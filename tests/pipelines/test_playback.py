"""Playback: a moment shows what was known then, and its figures are those of the query."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipelines.desk.playback import Playback, Player, check
from pipelines.errors import QueryError
from pipelines.figures.query import kpi, parse
from pipelines.figures.windows import bounds
from pipelines.installation import Installation
from pipelines.model.milestone import Milestone
from pipelines.privacy.clearance import Clearance, Role
from tests.builders import at
from tests.pipelines.installations import a_call, an_installation, taken_in

LATER = at(86_400)
MOMENTS = [0, 30, 61, 100, 250, 299, 301, 320, 400, 500, 700, 1000, 1900, 4000, 90_000]


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    """A morning, as its reports came in: some late, some corrected, one a day after."""
    installation = an_installation(tmp_path)
    heard = (
        (60, a_call("A-1", accepted=30)),
        (320, a_call("A-1", accepted=30, arrived=290)),
        (900, a_call("A-1", accepted=30, arrived=310, resolved=800)),
        (150, a_call("A-2", reported=100, accepted=140)),
        (1800, a_call("A-2", reported=100, accepted=140, arrived=380, resolved=450)),
        (600, a_call("A-3", reported=480, kind="noise")),
        (86_400, a_call("A-4", reported=50, accepted=70)),
        (700, a_call("A-5", reported=40, place=None)),
    )
    for seconds, call in heard:
        taken_in(installation, call, now=at(seconds))
    yield installation
    installation.store.close()


def played(street: Installation, seconds: float, **filters: str) -> Playback:
    asked = {"at": at(seconds).isoformat(), **filters}
    with street.store.reading() as reader:
        return Player(street).read(
            reader, asked, now=LATER + timedelta(days=1), clearance=Clearance(role=Role.VIEWER)
        )


def asked_of(
    street: Installation, moment: datetime, milestone: Milestone, *, known: bool
) -> Mapping[str, object]:
    """What ``app.py kpi --as-of T --known-at T --from …`` answers."""
    start, _ = bounds(street.settings.wall.window, moment, street.desk.zone)
    assert start is not None
    asked = {"as_of": moment.isoformat(), "from": start.isoformat(), "milestone": milestone.value}
    if known:
        asked["known_at"] = moment.isoformat()
    query = parse(asked, now=LATER, zone=street.desk.zone)
    with street.store.reading() as reader:
        (line,) = kpi(reader, query, street.desk)
    return {name: value for name, value in line.items() if name != "key"}


@pytest.mark.parametrize("know", ["then", "now"])
@pytest.mark.parametrize("seconds", MOMENTS)
def test_the_figures_of_a_step_are_those_of_the_query(
    street: Installation, seconds: float, know: str
) -> None:
    for tile in played(street, seconds, know=know).tiles:
        asked = asked_of(street, at(seconds), tile.milestone, known=know == "then")
        assert tile.figures == asked


@pytest.mark.parametrize(
    ("seconds", "open_then", "open_now"),
    [
        (30, [], ["A-1"]),
        (61, ["A-1"], ["A-1", "A-4", "A-5"]),
        (500, ["A-1", "A-2"], ["A-1", "A-3", "A-4", "A-5"]),
        (850, ["A-1", "A-2", "A-3", "A-5"], ["A-3", "A-4", "A-5"]),
        (1000, ["A-2", "A-3", "A-5"], ["A-3", "A-4", "A-5"]),
        (90_000, ["A-3", "A-4", "A-5"], ["A-3", "A-4", "A-5"]),
    ],
)
def test_what_was_open_is_what_was_known_to_be_open(
    street: Installation, seconds: float, open_then: list[str], open_now: list[str]
) -> None:
    assert sorted(i.key for i in played(street, seconds).open) == open_then
    assert sorted(i.key for i in played(street, seconds, know="now").open) == open_now


def test_the_map_counts_what_the_list_lists(street: Installation) -> None:
    page = played(street, 850)

    assert sum(grid.open for grid in page.grids) + page.unlocated == page.open_total == 4
    assert page.unlocated == 1


def test_before_the_first_report_nothing_was_known(street: Installation) -> None:
    page = played(street, 30)

    assert page.first_known == at(60)
    assert page.at < page.first_known
    assert page.open == ()


def test_no_moment_lies_ahead(street: Installation) -> None:
    now = at(1000)
    with street.store.reading() as reader:
        page = Player(street).read(reader, {"at": at(5000).isoformat()}, now=now)

    assert page.at == now
    assert page.ends <= now


def test_the_bar_spans_the_local_day_or_the_hour(street: Installation) -> None:
    day, hour = played(street, 100), played(street, 100, span="hour")

    assert (day.ends - day.begins, hour.ends - hour.begins) == (
        timedelta(days=1),
        timedelta(hours=1),
    )
    assert day.begins.astimezone(street.desk.zone).hour == 0


def test_a_moment_is_kept_and_given_out_again_as_it_was(street: Installation) -> None:
    player = Player(street)
    asked = {"at": at(400).isoformat()}
    with street.store.reading() as reader:
        first = player.read(reader, asked, now=LATER)
    taken_in(street, a_call("A-9", reported=10, accepted=12), now=LATER)
    with street.store.reading() as reader:
        again = player.read(reader, asked, now=LATER + timedelta(seconds=9))
        fresh = Player(street).read(reader, asked, now=LATER)

    assert again.tiles is first.tiles
    assert fresh.tiles == first.tiles
    assert fresh.open == first.open


@pytest.mark.parametrize(
    "wrong", [{"at": "noon"}, {"at": "2026-03-02T09:00"}, {"know": "maybe"}, {"span": "week"}]
)
def test_a_wrong_parameter_is_refused_with_what_is_allowed(wrong: dict[str, str]) -> None:
    with pytest.raises(QueryError, match=next(iter(wrong))):
        check(wrong)
