"""The definition lab in a browser: nothing is cut off, and a filter opens it anew."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from dashboard.access.site import guarded
from pipelines.clock import ManualClock
from pipelines.live import Live
from tests.builders import NINE
from tests.dashboard.serving import Server
from tests.pipelines.installations import IN_G2, a_call, an_installation, taken_in

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


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Server]:
    street = an_installation(tmp_path)
    taken_in(street, *CALLS, now=NOW)
    live = Live(street, clock=ManualClock(NOW))
    live.start()
    server = Server(live, app=guarded(live, street.settings, where="", build="test", more=()))
    yield server
    server.stop()
    live.stop()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    yield page
    context.close()
    assert complaints == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_fits_the_screen_and_marks_the_published_figure(
    lab: Server, page: Page, language: str
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


def test_a_filter_opens_the_same_lab_with_it(lab: Server, page: Page) -> None:
    page.goto(f"{lab.url}/lab?lang=en&window=7d")
    page.locator("#span-figure", has_text="100 incidents").wait_for()

    page.locator("[data-filter=kind]").select_option("smoke")

    page.wait_for_url("**kind=smoke**")
    page.locator("#span-figure", has_text="25 incidents").wait_for()


def test_the_desk_leads_to_the_lab(lab: Server, page: Page) -> None:
    page.goto(f"{lab.url}/?lang=en")

    page.get_by_text("Definition lab").click()

    page.locator("#rules-table td").first.wait_for()


def _left(page: Page, selector: str) -> float:
    return (page.locator(selector).bounding_box() or {})["x"]


def _right(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box() or {}
    return box["x"] + box["width"]
