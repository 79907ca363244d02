"""Pull the plug on the source, the database or the network: the wall says so, and recovers.

The server's plug is pulled in ``test_end_to_end`` and ``test_wall``.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.browser.product import Product, an_incident, started
from tests.cables import Cable

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SAID_WITHIN_S = 5.0
BACK_WITHIN_S = 3.0
FRESH = "() => !document.body.classList.contains('is-stale')"
WATCH_FOR_PAUSES = """() => {
    window.longestPause = 0;
    let last = performance.now();
    window.setInterval(() => {
        window.longestPause = Math.max(window.longestPause, performance.now() - last);
        last = performance.now();
    }, 50);
}"""


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    product = started(tmp_path)
    product.drop("calls", an_incident("A1", age_s=20, accepted=15))
    yield product
    product.kill()


@pytest.fixture
def cable(product: Product) -> Iterator[Cable]:
    cable = Cable(product.port)
    yield cable
    cable.plug_in()
    cable.close()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What happens in the block takes no longer."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def test_a_source_that_is_gone_is_said_by_name_and_comes_back(product, open_screen):
    screen = open_screen(product)
    screen.wait_for_text("#open-rows", "00101", timeout_s=30)
    folder, away = product.folder / "in", product.folder / "away"

    with within(SAID_WITHIN_S):
        folder.rename(away)
        screen.wait_for_text("#header-sources .chip--down", "断开")
    with within(BACK_WITHIN_S):
        away.rename(folder)
        screen.page.wait_for_selector("#header-sources .chip--live", timeout=5000)

    assert screen.text("#banner") == ""


def test_a_database_that_another_holds_leaves_the_wall_alive_and_loses_no_record(
    product, open_screen
):
    screen = open_screen(product)
    screen.wait_for_text("#open-rows", "00101", timeout_s=30)
    file = product.folder / "data" / "grid135.sqlite3"

    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN EXCLUSIVE")
        product.drop("more", an_incident("A2", age_s=5))
        beats = screen.page.evaluate("() => grid135.live.state().stats.bytes")
        screen.page.wait_for_function(
            "(n) => grid135.live.state().stats.bytes > n", arg=beats, timeout=5000
        )
        assert screen.text("#banner") == ""
        assert screen.text("#open-heading .open__total").startswith("1 ")
        other.execute("ROLLBACK")

    with within(BACK_WITHIN_S):
        screen.wait_for_text("#open-heading .open__total", "2 ")


def test_a_screen_that_is_cut_off_says_so_and_comes_back(product, cable, open_screen):
    screen = open_screen(cable)
    screen.may_lose_the_server = True
    screen.wait_for_text("#open-rows", "00101", timeout_s=30)

    with within(SAID_WITHIN_S):
        cable.pull()
        screen.wait_for_text("#banner", "失去联系")
    product.drop("more", an_incident("A2", age_s=5))
    with within(BACK_WITHIN_S):
        cable.plug_in()
        screen.page.wait_for_function(FRESH, timeout=5000)

    screen.wait_for_text("#open-heading", "2")


def test_a_burst_of_records_is_counted_while_the_screen_stays_awake(product, open_screen):
    screen = open_screen(product)
    screen.wait_for_text("#open-rows", "00101", timeout_s=30)
    screen.page.evaluate(WATCH_FOR_PAUSES)

    product.drop("burst", *(an_incident(f"B{i}", age_s=10) for i in range(5000)))

    screen.wait_for_text("#open-heading", "5001", timeout_s=30)
    rows = screen.page.locator("#open-rows .row:visible").count()
    screen.wait_for_text("#open-more .open__more", f"另有 {5001 - rows} 件未显示", timeout_s=30)
    assert screen.page.evaluate("() => window.longestPause") < 3000
    assert screen.page.locator("#open-rows .row").count() <= 40
