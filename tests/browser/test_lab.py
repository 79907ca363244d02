"""The definition lab in a browser: nothing is cut off, and a filter opens it anew."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page

from pipelines.clock import ManualClock
from tests.browser.at_a_desk import Street, a_page, a_street
from tests.builders import NINE
from tests.pipelines.installations import IN_G2, a_call

NOW = NINE + timedelta(hours=20)
CALLS = [
    a_call(
        f"A-{n}",
        reported=n * 300,
        accepted=n * 300 + 20,
        arrived=n * 300 + 100 + n * 3,
        resolved=n * 300 + 900,
        kind="smoke" if n % 4 == 0 else "fire",
        place=IN_G2,
    )
    for n in range(100)
]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with a_street(tmp_path_factory.mktemp("street"), ManualClock(NOW)) as street:
        street.take_in(*CALLS)
        yield street


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with a_page(chromium) as page:
        yield page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_fits_the_screen_and_marks_the_published_figure(
    lab: Street, page: Page, language: str
) -> None:
    page.goto(f"{lab.url}/lab?lang={language}&window=7d")
    marked = page.locator("#rules-table td.is-published")
    marked.wait_for()

    figure = page.locator("#span-figure strong").inner_text()
    high, wide = page.evaluate(
        "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
    )
    assert figure in marked.inner_text()
    assert (high, wide) == (900, 1440)
    assert _left(page, "#span-axis") > _right(page, "#span-figure")


def test_a_filter_opens_the_same_lab_with_it(lab: Street, page: Page) -> None:
    page.goto(f"{lab.url}/lab?lang=en&window=7d")
    page.locator("#span-figure", has_text="100 incidents").wait_for()

    page.locator("[data-filter=kind]").select_option("smoke")

    page.wait_for_url("**kind=smoke**")
    page.locator("#span-figure", has_text="25 incidents").wait_for()


def test_the_desk_leads_to_the_lab(lab: Street, page: Page) -> None:
    page.goto(f"{lab.url}/?lang=en")

    page.get_by_text("Definition lab").click()

    page.locator("#rules-table td").first.wait_for()


def _left(page: Page, selector: str) -> float:
    return (page.locator(selector).bounding_box() or {})["x"]


def _right(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box() or {}
    return box["x"] + box["width"]
