"""The page of sources in a real browser: complete, legible at a desk, and live."""

import pytest

from dashboard.access.audit import Audit
from dashboard.access.engine import open_engine
from dashboard.access.rehearsing import canary_route
from dashboard.hub import Pace
from dashboard.server import create_app
from pipelines.desk.roster import Standing
from tests.browser.legibility import faults
from tests.dashboard.builders import FakeBackend
from tests.dashboard.rosters import (
    NOON,
    a_canary,
    a_code,
    a_detail,
    a_quarantine_list,
    a_roster,
    an_item,
)
from tests.dashboard.serving import serving

pytestmark = pytest.mark.browser

DESKS = [(1440, 900), (1920, 1080)]
SMALLEST_PX = 12


class Street(FakeBackend):
    """Sources of every standing, one of which has quarantined a script."""

    def __init__(self):
        super().__init__()
        trouble = {"last_problem": "timed out after 30 s", "last_problem_at": NOON}
        self.lines = (
            a_detail("110", canary=a_canary(), quarantined=7, **trouble),
            *(a_detail(f"源{i}", standing) for i, standing in enumerate(Standing)),
        )

    def roster(self):
        return a_roster(*self.lines, codes=tuple(a_code(f"09{i:02}", 50 - i) for i in range(12)))

    def quarantine(self, source, /):
        script = "<script>document.title = 'owned'</script><img src=x onerror=alert(1)>"
        return a_quarantine_list(an_item(script), source=source)

    def canary(self, source, /):
        self._version += 1
        self.lines = (a_detail("110", canary=a_canary("no place on disk")), *self.lines[1:])
        return super().canary(source)


@pytest.fixture
def desk(chromium, tmp_path):
    """Opens a page of the street at a size; fails when it complains."""
    complaints, pages = [], []
    street, audit = Street(), Audit(open_engine(f"sqlite:///{tmp_path / 'access.sqlite3'}"))
    canary = canary_route(street, audit, lambda: NOON, asks_who=False)
    app = create_app(street, build="test", pace=Pace(beat_s=0.5), more=[canary])
    with serving(street, app=app) as server:

        def open_one(path, size):
            page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
            pages.append(page)
            page.on("pageerror", lambda error: complaints.append(error.stack or str(error)))
            page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
            page.goto(f"{server.url}{path}")
            page.wait_for_selector("body:not(.is-connecting) main > *", timeout=30_000)
            return page

        yield open_one
        for page in pages:
            page.close()
    assert complaints == []


@pytest.mark.parametrize("size", DESKS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_word_of_the_sources_can_be_read(desk, size, language):
    page = desk(f"/sources?lang={language}", size)
    page.wait_for_selector(".line--down")

    assert faults(page, smallest_px=SMALLEST_PX) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#lines-rows > .line").count() == 8


def test_a_canary_is_sent_by_a_button_and_its_fate_comes_by_the_stream(desk):
    page = desk("/sources", DESKS[0])

    page.click('[data-canary="110"]')

    page.wait_for_selector(".canary--lost", timeout=10_000)
    assert "失败" in page.inner_text(".canary--lost")
    assert page.get_attribute(".canary--lost", "title") == "no place on disk"


def test_quarantine_is_one_click_away_and_its_bytes_are_text(desk):
    page = desk("/sources", DESKS[0])

    page.click('a[href^="/quarantine"]')
    page.wait_for_selector(".item__raw")

    assert page.inner_text(".item__raw").startswith("<script>document.title")
    assert page.title() == "隔离记录"
    assert page.locator(".item__raw img").count() == 0
