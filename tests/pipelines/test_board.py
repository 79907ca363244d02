"""The desk's board: every number on it opens into its rows."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from pipelines.desk.board import Board, BoardDesk, read_board, read_page
from pipelines.errors import QueryError
from pipelines.figures.query import By
from pipelines.installation import Installation
from pipelines.model.clock import Reading, Verdict
from pipelines.model.milestone import TARGETED
from tests.builders import at
from tests.pipelines.installations import (
    ELSEWHERE,
    IN_G2,
    IN_G3,
    a_call,
    an_installation,
    taken_in,
)

CALLS = (
    a_call("A-1", accepted=30, dispatched=100, arrived=280, resolved=900),
    a_call("A-2", place=IN_G2, accepted=70, dispatched=200, arrived=400),
    a_call("A-3", place=IN_G3, kind="smoke", accepted=10, resolved=800),
    a_call("A-4", place=None, kind="noise"),
    a_call("A-5", place=ELSEWHERE, accepted=20),
    a_call("A-6", drill="yes", accepted=20),
    a_call("A-7", accepted=-40),
    a_call("A-8", reported=86_400, accepted=86_430),
)
NOW = at(86_400 + 120)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    taken_in(installation, *CALLS, now=NOW)
    yield installation
    installation.store.close()


def board(street: Installation, **filters: str) -> Board:
    with street.store.reading() as reader:
        return read_board(reader, street, filters, now=NOW)


def listed(street: Installation, **filters: str) -> list[dict[str, Any]]:
    with street.store.reading() as reader:
        return list(read_page(reader, street, filters, now=NOW).each())


@pytest.mark.parametrize(("milestone", "reading"), list(product(TARGETED, Reading)))
@pytest.mark.parametrize("place", [{}, {"community": "C1"}, {"grid": "G1"}, {"grid": "not_on_map"}])
def test_every_count_of_a_tile_opens_into_as_many_rows(
    street: Installation, milestone: str, reading: str, place: dict[str, str]
) -> None:
    asked = {"milestone": milestone, "reading": reading, "window": "7d", **place}
    tile = next(t for t in board(street, **asked).tiles if t.milestone == milestone)

    for verdict in Verdict:
        counted = tile.figures[verdict]
        counted = sum(counted.values()) if isinstance(counted, dict) else counted
        assert len(listed(street, **asked, verdict=verdict)) == counted


def test_the_parts_and_the_bars_add_up_to_the_tile(street: Installation) -> None:
    shown = board(street, window="7d")
    tile = next(t for t in shown.tiles if t.milestone == shown.milestone)

    for key in ("hit", "miss", "unknown", "pending", "quarantined"):
        assert sum(part.figures[key] for part in shown.parts) == tile.figures[key]  # type: ignore[misc]
        assert sum(bar.figures[key] for bar in shown.bars) == tile.figures[key]  # type: ignore[misc]


def test_a_street_has_communities_a_community_has_grids_and_a_grid_has_nothing(
    street: Installation,
) -> None:
    of_street, of_community = board(street), board(street, community="C1")

    assert (of_street.parts_by, of_community.parts_by) == (By.COMMUNITY, By.GRID)
    assert [part.code for part in of_street.parts if part.is_named] == ["C1", "C2"]
    assert [part.code for part in of_community.parts] == ["G1", "G2"]
    assert board(street, grid="G1").parts == ()


def test_the_crumbs_lead_from_the_street_to_the_grid(street: Installation) -> None:
    crumbs = board(street, grid="G1").crumbs

    assert [place for place, _ in crumbs] == [{}, {"community": "C1"}, {"grid": "G1"}]


def test_today_is_compared_with_yesterday_until_the_same_time(street: Installation) -> None:
    accepted = board(street, window="today").tiles[0]

    # of yesterday's: in time, A-2 late; A-5 outside, A-6 a drill, A-4 no emergency
    assert accepted.figures["hit"] == 1
    assert (accepted.before["hit"], accepted.before["miss"]) == (2, 1)


@pytest.mark.parametrize("name", ["window", "milestone", "reading", "verdict"])
def test_a_filter_that_says_nothing_is_refused_with_what_it_can_say(
    street: Installation, name: str
) -> None:
    with pytest.raises(QueryError, match=f"{name} ?= ?'5m':? must be one of: "):
        board(street, **{name: "5m"})


def test_a_place_that_is_not_there_has_nothing_in_it(street: Installation) -> None:
    shown = board(street, grid="'; DROP TABLE incident; --")

    assert shown.rows_total == 0
    assert listed(street, grid="'; DROP TABLE incident; --") == []
    assert listed(street, window="7d")


def test_the_newest_come_first_and_no_page_has_more_than_was_asked(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    taken_in(street, *(a_call(f"A-{n:03}", reported=n) for n in range(201)), now=at(3600))

    with street.store.reading() as reader:
        listing = read_page(reader, street, {}, now=NOW)
        first, last = listing.page(0, 200), listing.page(200, 200)

    assert listing.total == 201
    assert (len(first), len(last)) == (200, 1)
    assert first[0]["t0"] == at(200).isoformat()
    street.store.close()


def test_a_mark_on_the_map_says_the_verdict_of_the_target_that_is_chosen(
    street: Installation,
) -> None:
    desk = BoardDesk(street)
    with street.store.reading() as reader:
        for milestone, reading in product(TARGETED, Reading):
            asked = {"window": "7d", "milestone": str(milestone), "reading": str(reading)}
            shown = read_board(reader, street, asked, now=NOW, desk=desk, version=1)
            verdicts = {row["id"]: row["verdict"] for row in listed(street, **asked)}

            assert shown.map.marks
            assert all(mark.verdict == verdicts[mark.id] for mark in shown.map.marks)


def test_boards_of_one_moment_are_equal_to_boards_read_alone(street: Installation) -> None:
    desk = BoardDesk(street)
    asked_for = [
        {"window": "7d", "milestone": str(milestone), "versus": versus, "shade": shade, **place}
        for milestone in TARGETED
        for versus in ("before", "week", "none")
        for shade in ("incidents", "missed", "rate")
        for place in ({}, {"community": "C1"}, {"kind": "fire"}, {"verdict": "miss"})
    ]
    with street.store.reading() as reader:
        for asked in asked_for:
            beside = read_board(reader, street, asked, now=NOW, desk=desk, version=1)

            assert beside == read_board(reader, street, asked, now=NOW)


def test_what_settles_later_is_judged_anew_in_the_list(tmp_path: Path) -> None:
    installation = an_installation(tmp_path)
    taken_in(installation, a_call("A-1", accepted=30), now=at(60))
    desk = BoardDesk(installation)
    with installation.store.reading() as reader:

        def verdict(seconds: float) -> str:
            listing = read_page(reader, installation, {}, now=at(seconds), desk=desk, version=1)
            (row,) = listing.page(0, 10)
            return str(row["verdict"])

        assert [verdict(s) for s in (100, 200, 299, 301, 400)] == [*["pending"] * 3, *["miss"] * 2]
    taken_in(installation, a_call("A-1", accepted=30, arrived=200, resolved=900), now=at(1000))
    with installation.store.reading() as reader:
        listing = read_page(reader, installation, {}, now=at(1000), desk=desk, version=2)
        assert [row["verdict"] for row in listing.page(0, 10)] == ["hit"]
    installation.store.close()


def test_a_search_finds_what_is_shown_and_nothing_that_is_masked(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    taken_in(street, a_call("A-1", title="100% smoke, call 13812345678"), a_call("B-2"), now=NOW)

    found = {
        sought: listed(street, q=sought, window="7d")
        for sought in ("SMOKE", "b-2", "100%", "%", "138****5678", "13812345678", "a_1")
    }

    assert {sought: len(rows) for sought, rows in found.items()} == {
        "SMOKE": 1, "b-2": 1, "100%": 1, "%": 1, "138****5678": 0, "13812345678": 0, "a_1": 0,
    }  # fmt: skip
    street.store.close()
