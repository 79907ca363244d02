"""The desk's panels: from real stores, empty and full, in every language."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from dash.development.base_component import Component

from dashboard.pages import PAGES
from dashboard.text import LANGUAGES, say_in
from dashboard.views import BadViewError, parse_view
from pipelines.desk.board import Board, read_board
from pipelines.desk.casefile import CaseFile, read_case
from pipelines.installation import Installation
from pipelines.model.incident import incident_id
from tests.builders import NINE, at
from tests.pipelines.installations import IN_G2, a_call, altered, an_installation, taken_in

NOW = at(7200)
CALLS = (
    a_call("A-1", title="<script>alert(1)</script>", accepted=30, dispatched=90, arrived=312),
    a_call("A-2", place=IN_G2, accepted=30, arrived=250, resolved=600),
    a_call("A-3", place=None, accepted=-20),
    a_call("A-4", drill="yes"),
    *(a_call(f"B-{n}", reported=n, accepted=n + 20, arrived=n + 200) for n in range(40)),
)


@pytest.fixture(params=["empty", "full"])
def street(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    if request.param == "full":
        taken_in(installation, *CALLS, now=NOW)
    yield installation
    installation.store.close()


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    taken_in(installation, *CALLS, now=NOW)
    yield installation
    installation.store.close()


def board(street: Installation, **filters: str) -> Board:
    with street.store.reading() as reader:
        return read_board(reader, street, filters, now=NOW)


def case(street: Installation, key: str = "A-1") -> CaseFile:
    with street.store.reading() as reader:
        return read_case(reader, street, incident_id("calls", key), now=NOW)


def drawn(page: str, picture: object, language: str) -> dict[str, Mapping[str, object]]:
    """Every leaf of a page."""
    leaves: dict[str, Mapping[str, object]] = {}
    for panel in PAGES[page].panels:
        part = panel.draw(picture, say_in(language))
        assert set(part) == set(panel.leaves)
        leaves |= part
    return leaves


def parts(thing: object) -> Iterator[Any]:
    """Everything in a leaf: components, and texts."""
    if isinstance(thing, list | tuple):
        for one in thing:
            yield from parts(one)
    elif isinstance(thing, Component):
        yield thing
        yield from parts(getattr(thing, "children", None))
    elif thing is not None:
        yield thing


def text(leaf: Mapping[str, object]) -> str:
    return " ".join(
        str(part) for part in parts(leaf.get("children")) if isinstance(part, str | int)
    )


def links(leaves: Mapping[str, Mapping[str, object]]) -> list[str]:
    found = [part for leaf in leaves.values() for part in parts(leaf.get("children"))]
    return [part.href for part in found if getattr(part, "href", "#") != "#"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("filters", [{}, {"community": "C1"}, {"grid": "G1", "window": "today"}])
def test_the_board_is_drawn(street: Installation, language: str, filters: dict[str, str]) -> None:
    leaves = drawn("desk", board(street, **filters), language)

    assert text(leaves["desk-crumbs"])
    assert "None" not in " ".join(text(leaf) for leaf in leaves.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_case_is_drawn_and_so_is_one_that_is_not_there(
    street: Installation, language: str
) -> None:
    leaves = drawn("incident", case(street), language)

    assert text(leaves["case-title"])


def test_two_moments_at_which_the_desk_shows_the_same_are_drawn_the_same(
    full: Installation,
) -> None:
    page = PAGES["desk"]
    with full.store.reading() as reader:
        for filters in ({}, {"window": "today"}, {"window": "yesterday", "versus": "week"}):
            boards = [
                read_board(reader, full, filters, now=NOW + timedelta(minutes=m))
                for m in (0, 1, 60, 24 * 60)
            ]
            for one, other in pairwise(boards):
                is_same = page.shown(one) == page.shown(other)
                for language in LANGUAGES:
                    pictures = [drawn("desk", board, language) for board in (one, other)]
                    looks = [str(picture) for picture in pictures]
                    assert not is_same or looks[0] == looks[1]
            assert page.shown(boards[0]) == page.shown(boards[1])
            assert page.shown(boards[2]) != page.shown(boards[3])


def test_the_course_says_the_most_of_what_it_shows_whatever_it_is_compared_with(
    full: Installation,
) -> None:
    with full.store.reading() as reader:
        month_later = read_board(reader, full, {"window": "30d"}, now=NOW + timedelta(days=31))

    heading = text(drawn("desk", month_later, "en")["course-heading"])

    assert "0 in all · at most 0" in heading
    assert "44" in heading  # of the time before


def test_every_link_of_the_desk_opens_a_page_that_is_there(full: Installation) -> None:
    for link in links(drawn("desk", board(full), "en") | drawn("incident", case(full), "en")):
        url = urlsplit(link)
        asked = {k: v[0] for k, v in parse_qs(url.query).items()}
        view = parse_view(unquote(url.path), asked)
        assert view.language == asked["lang"]


def test_a_link_keeps_the_filters_it_does_not_change(full: Installation) -> None:
    leaves = drawn("desk", board(full, window="7d", kind="fire"), "zh")

    to_part = next(link for link in links({"parts": leaves["parts-rows"]}) if "C1" in link)

    assert urlsplit(to_part).path == "/community/C1"
    asked = parse_qs(urlsplit(to_part).query)
    assert asked == {"kind": ["fire"], "window": ["7d"], "lang": ["zh"]}


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("zh", "超时：报警后 312 秒才到场；时限 300 秒；时间精度 1 秒"),
        ("en", "missed: arrived 312 s after the report; target 300 s; stamp precision 1 s"),
    ],
)
def test_the_sentence_says_why_it_missed(full: Installation, language: str, sentence: str) -> None:
    assert sentence in text(drawn("incident", case(full), language)["verdicts-rows"])


@pytest.mark.parametrize(
    ("arrived", "sentence"),
    [
        (-60, "无法判定：到场早于接入，而来源尚未给出报警时间；时限 300 秒"),
        (312, "超时：接入后 312 秒才到场；时限 300 秒；时间精度 1 秒"),
    ],
)
def test_where_no_report_is_known_the_sentence_counts_from_our_receipt(
    tmp_path: Path, arrived: int, sentence: str
) -> None:
    street = altered(tmp_path, 'reported = "reported"\n', "")
    taken_in(street, a_call("L-1", arrived=arrived), now=NINE)

    said = text(drawn("incident", case(street, "L-1"), "zh")["verdicts-rows"])
    street.store.close()

    assert sentence in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["A-1", "A-2", "A-3", "A-4", "B-1"])
def test_every_verdict_has_a_sentence(full: Installation, language: str, key: str) -> None:
    rows = drawn("incident", case(full, key), language)["verdicts-rows"]

    assert all(len(part) > 1 for part in parts(rows["children"]) if isinstance(part, str))


def test_what_a_source_wrote_is_text_and_nothing_else(full: Installation) -> None:
    components = [
        part
        for leaf in drawn("incident", case(full), "en").values()
        for part in parts(leaf.get("children"))
        if isinstance(part, Component)
    ]

    assert not {type(c).__name__ for c in components} & {"Script", "Iframe", "Markdown"}
    assert not any(
        "dangerously" in name for c in components for name in c.to_plotly_json()["props"]
    )


@pytest.mark.parametrize("query", [{"window": "5m"}, {"verdict": "x"}, {"grid": "x" * 300}])
def test_a_wrong_filter_is_refused_before_anything_is_drawn(query: dict[str, str]) -> None:
    with pytest.raises(BadViewError):
        parse_view("desk", query)
