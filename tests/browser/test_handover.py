"""The hand-over of a shift on paper: A4, black on white, all of it, and nothing to press."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page

from pipelines.clock import ManualClock
from tests.browser.at_a_desk import Street, a_page, a_street
from tests.builders import NINE
from tests.pipelines.installations import a_call

A4_AT_96_DPI = {"width": 794, "height": 1123}
OPEN = 60
pytestmark = pytest.mark.browser


@pytest.fixture
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    clock = ManualClock(NINE + timedelta(hours=1))
    with a_street(tmp_path_factory.mktemp("street"), clock) as street:
        street.take_in(
            *(a_call(f"A-{n}", title=f"call {n}", reported=n, accepted=n + 30) for n in range(OPEN))
        )
        yield street


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with a_page(chromium) as page:
        yield page


def test_a_hand_over_prints_whole_and_legibly_on_a4(street: Street, page: Page) -> None:
    page.set_viewport_size(A4_AT_96_DPI)
    page.emulate_media(media="print")
    page.goto(f"{street.url}/handover?lang=zh")
    page.locator(".handed").nth(OPEN - 1).wait_for()

    rows, cut, colours, buttons, width = page.evaluate(
        """() => {
            const rows = [...document.querySelectorAll('.handed')];
            const whole = document.documentElement.scrollHeight;
            const cut = rows.filter((row) => {
                const list = row.closest('ul');
                return list.scrollHeight > list.clientHeight + 1 ||
                    row.getBoundingClientRect().bottom > whole;
            });
            const colours = [document.body, ...rows].map((one) => {
                const style = getComputedStyle(one);
                return [style.color, style.backgroundColor];
            });
            const seen = (one) => one.offsetParent !== null;
            const buttons = [...document.querySelectorAll('button')].filter(seen).length;
            return [rows.length, cut.length, colours, buttons,
                document.documentElement.scrollWidth];
        }"""
    )

    assert (rows >= OPEN, cut, buttons) == (True, 0, 0)
    assert colours[0][1] == "rgb(255, 255, 255)"
    assert {ink for ink, _ in colours} == {"rgb(0, 0, 0)"}
    assert width <= A4_AT_96_DPI["width"]
    assert page.pdf(format="A4").startswith(b"%PDF")
