"""The map of the desk: a grid leads on, a drag leads nowhere, and without WebGL a list does it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from pipelines.clock import ManualClock
from tests.browser.at_a_desk import WITHOUT_WEBGL, Street, a_page, a_street
from tests.builders import NINE
from tests.pipelines.installations import IN_G1, IN_G2, IN_G3, a_call

CALLS = tuple(
    a_call(f"A-{n}", place=place, accepted=30, arrived=200, resolved=600)
    for n, place in enumerate((IN_G1, IN_G1, IN_G1, IN_G2, IN_G2, IN_G3))
)
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    clock = ManualClock(NINE + timedelta(hours=2))
    with a_street(tmp_path_factory.mktemp("street"), clock) as street:
        street.take_in(*CALLS)
        yield street


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with a_page(chromium) as page:
        yield page


def spot(page: Page, lat: float, lon: float) -> tuple[float, float]:
    """Where a place is on the screen, once the map has drawn the grid that is there."""
    found = page.wait_for_function(
        """([lat, lon]) => {
            const map = grid135.grids.map();
            if (!map || !map.loaded() || !map.getLayer('grids')) return null;
            const at = map.project([lon, lat]), box = map.getCanvas().getBoundingClientRect();
            const grids = map.queryRenderedFeatures(at, { layers: ['grids'] });
            return grids.length ? [box.left + at.x, box.top + at.y] : null;
        }""",
        arg=[lat, lon],
    )
    x, y = found.json_value()
    return x, y


def total(page: Page) -> str:
    return page.locator("#cases-state").get_attribute("data-total") or ""


def test_a_click_on_a_grid_filters_everything_and_back_undoes_it(
    street: Street, page: Page
) -> None:
    page.goto(f"{street.url}/?lang=en")
    # beside the marks, which lead to their incidents
    x, y = spot(page, IN_G3[0] + 0.03, IN_G3[1])
    far = page.evaluate("grid135.grids.map().getZoom()")
    assert total(page) == "6"

    page.mouse.move(x, y)
    expect(page.locator(".map__figure")).to_have_attribute("title", "Grid G3: 1")
    page.mouse.click(x, y)
    page.wait_for_url("**/community/C2**")
    page.wait_for_function("() => document.querySelector('#cases-state')?.dataset.total === '1'")
    page.wait_for_function("(was) => grid135.grids.map().getZoom() !== was", arg=far)
    followed = page.inner_text("#course-heading"), page.inner_text("#kinds-rows")
    page.mouse.click(*spot(page, IN_G3[0] + 0.03, IN_G3[1]))
    page.wait_for_url("**/grid/G3**")
    page.go_back()
    page.wait_for_url("**/community/C2**")
    page.go_back()
    page.wait_for_function("() => document.querySelector('#cases-state')?.dataset.total === '6'")

    assert "1 in all" in followed[0]
    assert "1/1" in followed[1]


def test_a_page_that_is_asked_for_its_view_before_it_has_its_parts_waits_for_them(
    street: Street, chromium: Browser
) -> None:
    # as going back does, where the page is still at hand
    asks_early = "addEventListener('DOMContentLoaded', () => grid135.live.connect())"
    with a_page(chromium, script=asks_early) as page:
        page.goto(f"{street.url}/?lang=en")

        page.wait_for_function(
            "() => document.querySelector('#cases-state')?.dataset.total === '6'"
        )
        assert page.evaluate("grid135.live.stats.connects") == 1


def test_a_drag_over_the_map_leads_nowhere_and_moves_nothing(street: Street, page: Page) -> None:
    page.goto(f"{street.url}/?lang=en")
    x, y = spot(page, IN_G1[0] + 0.03, IN_G1[1])
    was = page.url

    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 10, steps=4)
    page.mouse.up()
    page.mouse.wheel(0, 400)

    assert spot(page, IN_G1[0] + 0.03, IN_G1[1]) == (x, y)
    assert page.url == was
    assert not page.locator("body.is-turning").count()


@pytest.mark.parametrize(("language", "sentence"), [("zh", "WebGL"), ("en", "cannot draw the map")])
def test_without_webgl_a_sentence_and_a_list_lead_where_the_map_would(
    street: Street, chromium: Browser, language: str, sentence: str
) -> None:
    with a_page(chromium, script=WITHOUT_WEBGL) as page:
        page.goto(f"{street.url}/?lang={language}")
        page.locator("body.is-without-webgl #map-list").wait_for()
        page.wait_for_function(
            "() => document.querySelector('#cases-state')?.dataset.total === '6'"
        )

        said = page.inner_text("#map-list")
        lines = page.locator("#map-list li a")
        box = page.locator("#map-list").bounding_box()
        count = lines.count()
        page.locator(".map__heading a").last.focus()
        reached = []
        for _ in range(count + 2):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.dataset.grid"))
        lines.last.press("Enter")
        page.wait_for_url("**/community/C2**")

    assert sentence in said
    assert count == 3
    assert [grid for grid in reached if grid] == ["G1", "G2", "G3"]
    assert box is not None
    assert box["height"] > 200
