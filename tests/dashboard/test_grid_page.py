"""The page of a grid: drawn empty and full, in every language, each number a way that is there."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard.pages import PAGES
from dashboard.text import LANGUAGES
from dashboard.views import BadViewError, parse_view
from pipelines.gridfile.file import GridDesk, GridFile
from pipelines.gridfile.register import load_grid_register
from pipelines.installation import Installation
from tests.dashboard.test_desk import drawn, links, text
from tests.pipelines.gridfile.test_file import CALLS, NOW
from tests.pipelines.installations import a_file, an_installation, taken_in

REGISTER = """grid,item,value,as_of,checked,right,name_en
G1,leader,网格长 13812345678,2026-01-02,,,Leader
G1,population,1077,2026-09-30,50,48,
G1,key_place,Tower <b>One</b>,2026-09-30,,,
"""


@pytest.fixture(scope="module", params=["empty", "full"])
def street(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    installation = an_installation(tmp_path_factory.mktemp(request.param))
    if request.param == "full":
        taken_in(installation, *CALLS, now=NOW)
    yield installation
    installation.store.close()


def file_of(street: Installation, tmp_path: Path, **filters: str) -> GridFile:
    register = load_grid_register(a_file(tmp_path / "register.csv", REGISTER))
    with street.store.reading() as reader:
        return GridDesk(street, register).read(reader, {"code": "G1", **filters}, now=NOW)


def words(leaves: Mapping[str, Mapping[str, object]]) -> str:
    return " ".join(text(leaf) for leaf in leaves.values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("pick", ["", "arrived.miss", "heat.0.9", "handling.resolved", "missed"])
def test_the_grid_is_drawn(street: Installation, tmp_path: Path, language: str, pick: str) -> None:
    leaves = drawn("grid", file_of(street, tmp_path, pick=pick), language)

    assert "None" not in words(leaves)
    assert "1,077" in text(leaves["gridbase-rows"])
    assert "48" in text(leaves["gridbase-rows"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_grid_without_data_and_one_that_is_not_there_say_so(
    street: Installation, tmp_path: Path, language: str
) -> None:
    without = drawn("grid", file_of(street, tmp_path, code="G2"), language)
    missing = drawn("grid", file_of(street, tmp_path, code="G9"), language)

    assert text(without["gridbase-rows"])
    assert text(missing["grid-title"])
    assert links(missing)


def test_every_way_of_the_page_is_there_and_keeps_language_and_theme(
    street: Installation, tmp_path: Path
) -> None:
    page = PAGES["grid"]
    picture = page.look(file_of(street, tmp_path, pick="arrived.hit"), {"theme": "light"})

    for link in links(drawn("grid", picture, "en")):
        url = urlsplit(link)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        assert parse_view(url.path.strip("/"), query).language == "en"
        assert url.path != "/grid" or query["theme"] == "light"


def test_a_phone_number_in_the_register_is_masked(street: Installation, tmp_path: Path) -> None:
    said = words(drawn("grid", file_of(street, tmp_path), "zh"))

    assert "138****5678" in said
    assert "13812345678" not in said


def test_a_pick_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(BadViewError):
        parse_view("grid", {"code": "G1", "pick": "a b"})
