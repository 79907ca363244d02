"""Searching: by number, address, words and first letters, with the index and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.desk.board import read_page
from pipelines.desk.suggest import Suggestions, suggest
from pipelines.installation import Installation
from pipelines.privacy.clearance import LEAST
from pipelines.store.search import count_found, prepare, sought_in
from pipelines.upkeep.indexing import index_some
from tests.builders import at
from tests.pipelines.installations import a_call, an_installation, taken_in

NOW = at(7200)
CALLS = (
    a_call("HZ-0001", title="四季青街道怡和花园7幢 电梯困人"),
    a_call("HZ-0002", title="钱江路345号 电动车冒烟", reported=60),
    a_call("HZ-0003", title="致电 13812345678", reported=120),
    *(a_call(f"B-{n:03}", title="富春路 路面破损", reported=200 + n) for n in range(40)),
)


@pytest.fixture(params=["with the index", "before it"])
def street(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    if request.param == "with the index":
        index(installation)
    taken_in(installation, *CALLS, now=NOW)
    if request.param == "with the index":
        while index_some(installation.store):
            pass
    yield installation
    installation.store.close()


def index(installation: Installation) -> None:
    with installation.store.writing() as writer:
        prepare(writer)


def keys(street: Installation, sought: str) -> list[str]:
    with street.store.reading() as reader:
        rows = read_page(reader, street, {"q": sought}, now=NOW).each()
        return [row["incident_key"] for row in rows]


def offered(street: Installation, sought: str) -> Suggestions:
    with street.store.reading() as reader:
        return suggest(reader, street, sought, clearance=LEAST)


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("hz-0001", ["HZ-0001"]),
        ("怡和", ["HZ-0001"]),
        ("青", ["HZ-0001"]),
        ("sjq", ["HZ-0001"]),
        ("yhhy 电梯", ["HZ-0001"]),
        ("345号", ["HZ-0002"]),
        ("ddc", ["HZ-0002"]),
        ("电", ["HZ-0003", "HZ-0002", "HZ-0001"]),
        ("13812345678", []),
        ("怡和 冒烟", []),
        ("' OR 1=1 --", []),
        ('" NEAR * (', []),
    ],
)
def test_it_finds_what_is_said_and_nothing_that_is_masked(
    street: Installation, sought: str, found: list[str]
) -> None:
    assert keys(street, sought) == found
    assert [one.key for one in offered(street, sought).incidents] == found


def test_places_are_offered_by_name_code_and_nothing_for_nothing(street: Installation) -> None:
    assert [place.code for place in offered(street, "g2").places] == ["G2"]
    assert offered(street, "  ").places == ()


def test_words_that_have_changed_are_found_by_the_new_ones_only(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    index(street)
    taken_in(street, a_call("A-1", title="电梯困人"), a_call("A-2"), now=NOW)
    index_some(street.store)
    taken_in(street, a_call("A-1", title="水管爆裂"), now=at(7300))
    index_some(street.store)

    assert keys(street, "水管") == ["A-1"]
    assert keys(street, "困人") == []
    street.store.close()


def test_what_came_after_the_last_look_is_found_all_the_same(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    index(street)
    taken_in(street, *CALLS, now=NOW)
    while index_some(street.store):
        pass
    taken_in(street, a_call("new", title="儿童走失"), now=at(7300))

    assert keys(street, "走失") == ["new"]
    street.store.close()


def test_the_index_says_how_few_there_are_and_is_brought_up_to_date_once(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    index(street)
    taken_in(street, *CALLS, now=NOW)

    assert index_some(street.store)
    assert not index_some(street.store)
    with street.store.reading() as reader:
        assert count_found(reader, "怡和花园", 1000) == 1
        assert count_found(reader, "%", 1000) == 1000
    street.store.close()


def test_every_word_must_stand_somewhere() -> None:
    assert sought_in("sjq 7幢", ("四季青街道怡和花园7幢", None))
    assert not sought_in("sjq 8幢", ("四季青街道怡和花园7幢", None))
