"""A supervisor at the desk: from a figure to the sentence that says why one case missed."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page

from pipelines.clock import ManualClock
from tests.browser.at_a_desk import Street, a_page, a_street
from tests.builders import NINE
from tests.pipelines.installations import IN_G2, a_call

NOW = NINE + timedelta(hours=2)
CALLS = (
    a_call("A-1", accepted=30, dispatched=90, arrived=312, resolved=900),
    a_call("A-2", place=IN_G2, accepted=30, arrived=250, resolved=600),
    *(a_call(f"B-{n}", reported=n, accepted=n + 20, arrived=n + 200) for n in range(40)),
)
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with a_street(tmp_path_factory.mktemp("street"), ManualClock(NOW)) as street:
        street.take_in(*CALLS)
        yield street


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with a_page(chromium) as page:
        yield page


def rows_of(page: Page) -> int:
    """How many rows the list says it has, once it shows them."""
    page.wait_for_function(
        """() => {
            const state = document.querySelector('#cases-state');
            const body = document.body;
            return state && state.dataset.total !== undefined
                && !body.classList.contains('is-turning')
                && body.dataset.rows === state.dataset.total;
        }"""
    )
    return int(page.evaluate("document.body.dataset.rows"))


def first_row(page: Page) -> Locator:
    return page.locator("#cases-grid .ag-row a.case-time").first


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("zh", "超时：报警后 312 秒才到场"), ("en", "missed: arrived 312 s after the report")],
)
def test_from_a_tile_of_the_street_to_why_one_case_missed_in_two_clicks(
    desk: Street, page: Page, language: str, sentence: str
) -> None:
    page.goto(f"{desk.url}/?lang={language}")
    tile = page.locator(".desk-tile").nth(2)

    assert "has-miss" in (tile.get_attribute("class") or "")  # its red edge
    tile.locator(".count--miss").click()
    page.wait_for_url("**verdict=miss**")
    assert rows_of(page) == 1
    first_row(page).click()

    page.get_by_text(sentence).first.wait_for()
    assert "/incident/" in page.url
    page.go_back()
    assert rows_of(page) == 1
    assert "verdict=miss" in page.url


def test_every_count_of_a_tile_is_the_length_of_its_list(desk: Street, page: Page) -> None:
    page.goto(f"{desk.url}/?lang=en")
    everything = rows_of(page)
    link = page.locator(".desk-tile").nth(2).locator(".count--hit")
    counted = int(link.locator("b").inner_text())

    link.click()
    page.wait_for_url("**verdict=hit**")

    assert rows_of(page) == counted
    page.go_back()
    assert rows_of(page) == everything


def test_from_the_street_through_community_and_grid(desk: Street, page: Page) -> None:
    page.goto(f"{desk.url}/?window=7d&lang=en")

    page.locator("#parts-rows a.part__name", has_text="C1").click()
    page.locator("#desk-crumbs h1", has_text="C1").wait_for()
    assert page.url.startswith(f"{desk.url}/community/C1?")
    assert rows_of(page) == 42
    href = page.locator("#parts-rows a.part__name", has_text="Grid G2").get_attribute("href")

    assert href is not None
    assert href.startswith("/grid/G2?")
    assert "window=7d" in href


def test_choosing_from_a_menu_opens_the_board_with_it(desk: Street, page: Page) -> None:
    page.goto(f"{desk.url}/?lang=en")
    rows_of(page)

    page.locator("[data-pick=verdict] summary").click()
    page.locator("[data-pick=verdict] a", has_text="met").click()

    page.wait_for_url("**verdict=hit**")
    assert rows_of(page) == 41


def test_a_bar_of_the_course_opens_its_day_and_back_undoes_it(desk: Street, page: Page) -> None:
    page.goto(f"{desk.url}/?lang=en")
    everything = rows_of(page)

    page.locator(".course__slot").last.click()
    page.wait_for_url("**from=**")
    page.locator(".dates.is-on").wait_for()
    of_the_day = rows_of(page)
    page.go_back()
    page.locator(".dates:not(.is-on)").wait_for()

    assert 0 < of_the_day <= everything
    assert rows_of(page) == everything


def test_the_same_address_opens_the_same_view_for_a_colleague(
    desk: Street, page: Page, chromium: Browser
) -> None:
    page.goto(f"{desk.url}/community/C1?verdict=miss&kind=fire&sort=address&lang=en")
    mine = rows_of(page)

    colleague = chromium.new_page()
    colleague.goto(page.url)

    assert rows_of(colleague) == mine == 1
    assert first_row(colleague).get_attribute("href") == first_row(page).get_attribute("href")
    colleague.close()


def test_a_search_lists_what_stands_in_title_address_or_number(desk: Street, page: Page) -> None:
    page.goto(f"{desk.url}/?lang=en")
    rows_of(page)

    page.keyboard.press("/")
    page.keyboard.type("a-2")
    page.keyboard.press("Enter")

    page.wait_for_url("**q=a-2**")
    assert rows_of(page) == 1


def test_nothing_found_is_said_with_a_way_on(desk: Street, page: Page) -> None:
    page.goto(f"{desk.url}/?lang=en&q=nowhere")

    page.locator("#cases-none", has_text="No incidents under these filters").wait_for()
    assert page.locator("#cases-none a").is_visible()
