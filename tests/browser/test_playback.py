"""Somebody scrubs through the past: by mouse, by keys, and by an address that a colleague sent."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from pipelines.clock import ManualClock
from tests.browser.at_a_desk import Street, a_page, a_street
from tests.builders import NINE, at
from tests.pipelines.installations import IN_G2, a_call

NOW = NINE + timedelta(hours=6)
CALLS = (
    a_call("A-1", title="first", accepted=30, arrived=200),
    a_call("B-1", title="second", place=IN_G2, reported=600, accepted=620, resolved=7200),
)
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    clock = ManualClock(at(720))
    with a_street(tmp_path_factory.mktemp("street"), clock) as street:
        street.take_in(*CALLS)
        clock.advance(at(1600) - clock.now())
        street.take_in(a_call("A-1", title="first", accepted=30, arrived=200, resolved=1500))
        clock.advance(NOW - clock.now())
        yield street


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with a_page(chromium) as page:
        yield page


def opened(street: Street, page: Page, **asked: str) -> None:
    query = "&".join(f"{name}={value}" for name, value in {"lang": "en", **asked}.items())
    page.goto(f"{street.url}/playback?{query}")
    page.locator("#play-controls input[type=range]").wait_for()


def rows(page: Page) -> list[str]:
    return page.locator("#playopen-rows .row__where").all_inner_texts()


def moment(page: Page) -> str:
    return page.inner_text("#play-moment")


# times are UTC in addresses and those of Shanghai on the screen
def test_the_slider_the_keys_and_the_address_show_a_moment_as_it_was(
    street: Street, page: Page
) -> None:
    opened(street, page, at="2026-03-02T01:30:00Z")
    then = rows(page)

    page.locator("#play-controls input[type=range]").fill(str(int(at(900).timestamp() * 1000)))
    expect(page.locator("#play-moment")).to_contain_text("09:15:00")
    both = rows(page)
    page.keyboard.press("End")
    expect(page.locator("#play-moment")).to_contain_text("15:00:00")
    over = page.inner_text("#playopen-rows")
    page.keyboard.press("Home")
    expect(page.locator("#play-moment")).to_contain_text("2026-03-02 00:00:00")
    before = page.inner_text("#play-known")

    assert [text.split(" · ")[-1] for text in then] == ["second"]
    assert sorted(text.split(" · ")[-1] for text in both) == ["first", "second"]
    assert over == "No open incident"
    assert "Nothing had been received by then: the first report came at 03-02 09:12:00" in before
    assert "at=2026-03-01T16%3A00%3A00Z" in page.url


def test_space_plays_and_stops_and_the_figures_go_along(street: Street, page: Page) -> None:
    opened(street, page, at="2026-03-02T01:00:00Z", know="now", speed="8")
    start, play = moment(page), page.locator("#play-controls button").first
    first = page.inner_text("#playtiles-row")

    page.keyboard.press(" ")
    expect(play).to_contain_text("Pause")
    page.wait_for_function("(was) => document.querySelector('#play-moment').innerText !== was",
                           arg=start)  # fmt: skip
    page.locator("#playopen-rows .row__where", has_text="second").wait_for()
    page.keyboard.press(" ")

    expect(play).to_contain_text("Play")
    held = page.locator("#play-controls output").inner_text()
    assert moment(page) > start
    assert page.inner_text("#playtiles-row") != first
    page.wait_for_timeout(400)  # longer than a step takes at this speed
    assert page.locator("#play-controls output").inner_text() == held


def test_another_day_another_span_and_the_same_address_for_a_colleague(
    street: Street, page: Page
) -> None:
    opened(street, page, at="2026-03-02T01:13:00Z", span="hour")
    bar = page.locator("#play-controls input[type=range]")
    minutes = (int(bar.get_attribute("max")) - int(bar.get_attribute("min"))) / 60_000

    page.get_by_role("button", name="Hour before").click()
    page.wait_for_url("**at=2026-03-02T00%3A13%3A00Z**")
    expect(page.locator("#play-moment")).to_contain_text("08:13:00")
    page.get_by_role("button", name="This day").click()
    page.wait_for_url("**span=day**")
    bar.wait_for()
    shown, url = moment(page), page.url
    page.goto(url)
    bar.wait_for()

    assert minutes == 60
    assert moment(page) == shown
    assert "span=day" in url


def test_what_happens_meanwhile_does_not_take_the_past_away(street: Street, page: Page) -> None:
    opened(street, page, know="now")
    page.keyboard.press("Home")
    expect(page.locator("#play-moment")).to_contain_text("00:00:00")

    street.clock.advance(timedelta(minutes=10))
    street.take_in(a_call("C-1", reported=21_700))
    beat = page.evaluate("grid135.live.stats.bytes")
    page.wait_for_function("(was) => grid135.live.stats.bytes > was", arg=beat)
    page.wait_for_timeout(1000)  # a drawing of the stream would be up by now

    assert "00:00:00" in moment(page)
    assert rows(page) == []
