"""Photographs the desk for the documentation, as ``screens.py`` does the wall: the same evening."""

import logging
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent))

from screens import CHOSEN, EVENING, FLAGS, MAP_IS_DRAWN, Camera, Street, a_street

DESK, TABLET, PAPER = (1440, 900), (768, 1024), (794, 1123)


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One picture: its file name, the address, with ``{grid}`` and ``{case}`` for a late one."""

    name: str
    path: str
    size: tuple[int, int] = DESK
    has_map: bool = True
    on_paper: bool = False


SIGHTS = (
    Sight(name="desk-zh", path="/?lang=zh"),
    Sight(name="desk-en-tablet", path="/?lang=en", size=TABLET),
    Sight(name="grid-zh", path="/grid/{grid}?lang=zh", has_map=False),
    Sight(name="incident-en", path="/incident/{case}?lang=en"),
    Sight(name="playback-zh", path="/playback?lang=zh&at={at}&know=now"),
    Sight(name="handover-zh-paper", path="/handover?lang=zh", size=PAPER, has_map=False,
          on_paper=True),
    Sight(name="lab-en", path="/lab?lang=en", has_map=False),
)  # fmt: skip


def main() -> None:
    """Play the evening until after its alarms, and photograph the pages."""
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    with sync_playwright() as playwright:
        flags = [*FLAGS, "--hide-scrollbars"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        camera = Camera(browser, CHOSEN.folder)
        with a_street(EVENING) as street:
            street.go_on(lambda seen: len(seen.critical) >= 2)
            street.settle(3)
            places = late_one(street)
            for sight in SIGHTS:
                with page_of(browser, street, sight, places) as page:
                    camera.keep(page, sight.name)
        browser.close()


def late_one(street: Street) -> Mapping[str, str]:
    """The newest incident that was reached too late, its grid, and a moment of an earlier day."""
    asked = {"verdict": "miss", "milestone": "arrived"}
    rows = httpx.get(f"{street.server.url}/api/v1/rows", params=asked, timeout=60).json()
    late = max((row for row in rows if row["grid"]), key=lambda row: str(row["t0"]))
    return {"case": str(late["id"]), "grid": str(late["grid"]), "at": "2026-11-23T02:30:00Z"}


@contextmanager
def page_of(
    browser: Browser, street: Street, sight: Sight, places: Mapping[str, str]
) -> Iterator[Page]:
    """A page of the desk, complete with its map."""
    width, height = sight.size
    page = browser.new_page(viewport={"width": width, "height": height})
    if sight.on_paper:
        page.emulate_media(media="print")
    page.goto(street.server.url + sight.path.format(**places))
    page.wait_for_selector("body:not(.is-connecting)", timeout=60_000)
    if sight.has_map:
        page.wait_for_function(MAP_IS_DRAWN, timeout=60_000)
    page.wait_for_timeout(2500)
    yield page
    page.close()


if __name__ == "__main__":
    main()
