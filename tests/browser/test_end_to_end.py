"""The whole product as it is started: files in a folder, a browser, the command line."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.product import ROOT, Product, an_incident, started

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

IN_VIEW = "new Set(grid135.grids.map().querySourceFeatures('grids').map((f) => f.id))"
"""The codes of the grids that the map has drawn."""


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    product = started(tmp_path)
    yield product
    product.kill()


def shown_fraction(screen, milestone: str) -> str:
    return screen.text(f"#tile-{milestone} .tile__fraction").replace("\n", "")


def test_a_record_dropped_into_the_folder_appears_on_the_wall(product, open_screen):
    screen = open_screen(product)

    product.drop("calls", an_incident("A1", age_s=20, accepted=15))

    screen.wait_for_text("#open-rows", "火警")
    screen.wait_for_text("#open-rows", "00101")


def test_the_tiles_say_what_the_command_line_says(product, open_screen):
    screen = open_screen(product)
    stages = {"accepted": 30, "dispatched": 90, "resolved": 900}
    rows = [
        an_incident(f"B{i}", age_s=7200 + 60 * i, arrived=200 + 20 * i, **stages) for i in range(12)
    ]

    product.drop("calls", *rows, an_incident("C1", age_s=3600, **stages))

    screen.wait_for_text("#tile-arrived", "6")
    for milestone in ("accepted", "dispatched", "arrived"):
        figures = product.kpi("--milestone", milestone)
        known = int(figures["hit"]) + int(figures["miss"])
        assert shown_fraction(screen, milestone) == f"{figures['hit']}/{known}"
    assert product.kpi()["unknown"] == 1


def test_the_map_has_every_grid(product, open_screen):
    screen = open_screen(product)
    screen.wait_for_map()

    screen.page.wait_for_function(f"() => ({IN_VIEW}).size === 4")
    codes = screen.page.evaluate(f"() => [...({IN_VIEW})]")

    assert sorted(codes) == ["00001", "00101", "00201", "00301"]


def test_a_product_that_was_killed_comes_back_with_the_same_figures(product, open_screen):
    screen = open_screen(product)
    screen.may_lose_the_server = True
    times = {"accepted": 30, "dispatched": 90, "arrived": 250, "resolved": 900}
    product.drop("calls", an_incident("D1", age_s=3600, **times))
    screen.wait_for_text("#tile-arrived .tile__fraction", "1")
    before = shown_fraction(screen, "arrived")

    product.kill()
    screen.wait_for_text("#banner", "失去联系")
    product.start()
    back_by = time.monotonic() + 3

    screen.page.wait_for_function("() => !document.body.classList.contains('is-stale')")
    assert time.monotonic() < back_by
    assert shown_fraction(screen, "arrived") == before == "1/1"


def test_the_shipped_configuration_is_a_replay_that_says_so(tmp_path, open_screen):
    product = Product(tmp_path, ROOT / "config" / "sffd.toml")
    try:
        screen = open_screen(product)
        screen.wait_for_text("#header-labels", "回放")
        screen.wait_for_map()

        # the camera looks at a part of the city, and the map knows all of it
        screen.page.wait_for_function(f"() => ({IN_VIEW}).size > 8")
        grids = screen.page.evaluate(
            "async () => (await (await fetch('/geo/grids.geojson')).json()).features.length"
        )

        assert grids == 37
        assert screen.page.locator("#open-rows .row").count() > 0
        assert "/" in shown_fraction(screen, "arrived")
    finally:
        product.kill()
