"""A supervisor at the desk: from a figure to the sentence that says why one case missed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from dashboard.access.site import guarded
from pipelines.clock import ManualClock
from pipelines.installation import Installation
from pipelines.live import Live
from tests.builders import NINE
from tests.dashboard.serving import Server
from tests.pipelines.installations import IN_G2, a_call, an_installation, taken_in

NOW = NINE + timedelta(hours=2)
CALLS = (
    a_call("A-1", accepted=30, dispatched=90, arrived=312, resolved=900),
    a_call("A-2", place=IN_G2, accepted=30, arrived=250, resolved=600),
    *(a_call(f"B-{n}", reported=n, accepted=n + 20, arrived=n + 200) for n in range(40)),
)
pytestmark = pytest.mark.browser


@pytest.fixture
def street(tmp_path: Path) -> Installation:
    installation = an_installation(tmp_path)
    taken_in(installation, *CALLS, now=NOW)
    return installation


@pytest.fixture
def desk(street: Installation) -> Iterator[Server]:
    live = Live(street, clock=ManualClock(NOW))
    live.start()
    app = guarded(live, street.settings, where="", build="test", more=live.routes())
    server = Server(live, app=app)
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


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("zh", "超时：报警后 312 秒才到场"), ("en", "missed: arrived 312 s after the report")],
)
def test_from_a_figure_to_why_one_case_missed_in_two_clicks(
    desk: Server, page: Page, language: str, sentence: str
) -> None:
    page.goto(f"{desk.url}/desk?lang={language}")
    tile = page.locator(".desk-tile").nth(2)

    tile.locator(".count--miss").click()
    page.locator("#cases-rows li").first.wait_for()
    listed = page.locator("#cases-rows li").count()
    page.locator("#cases-rows a").first.click()

    assert listed == 1
    page.get_by_text(sentence).first.wait_for()
    page.go_back()
    page.locator("#cases-rows a").first.wait_for()
    assert "verdict=miss" in page.url


def test_from_the_street_through_community_and_grid(desk: Server, page: Page) -> None:
    page.goto(f"{desk.url}/desk?window=7d&lang=en")

    page.locator("#parts-rows a", has_text="C1").first.click()
    page.locator("#parts-rows a", has_text="Grid G2").click()
    page.locator("#desk-crumbs h1", has_text="Grid G2").wait_for()

    assert page.locator("#cases-rows li").count() == 1
    assert "window=7d" in page.url


def test_choosing_a_filter_opens_the_board_with_it(desk: Server, page: Page) -> None:
    page.goto(f"{desk.url}/desk?lang=en")

    page.locator("[data-filter=verdict]").select_option("hit")

    page.wait_for_url("**verdict=hit**")
    page.locator("#cases-rows li").first.wait_for()
    assert page.locator("#cases-rows li").count() == 41


def test_the_same_address_opens_the_same_view_for_a_colleague(
    desk: Server, page: Page, chromium: Browser
) -> None:
    page.goto(f"{desk.url}/desk?grid=G1&verdict=miss&lang=en")
    page.locator("#cases-rows li").first.wait_for()

    colleague = chromium.new_page()
    colleague.goto(page.url)
    colleague.locator("#cases-rows li").first.wait_for()

    assert colleague.locator("#cases-rows").inner_text() == page.locator("#cases-rows").inner_text()
    colleague.close()


def test_a_search_lists_what_stands_in_title_address_or_number(desk: Server, page: Page) -> None:
    page.goto(f"{desk.url}/desk?lang=en")
    page.locator("#cases-rows li").first.wait_for()

    page.locator("#desk-search").fill("a-2")
    page.keyboard.press("Enter")

    page.wait_for_url("**q=a-2**")
    page.locator("#cases-rows li").first.wait_for()
    assert page.locator("#cases-rows li").count() == 1
