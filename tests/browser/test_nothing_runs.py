"""A real browser on records that try to run something: titles, file names, codes, bad values."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dashboard.access.guard import COOKIE
from pipelines.model.incident import incident_id
from pipelines.privacy.clearance import Role
from pipelines.roles.live import Live
from tests.builders import MUCH_LATER
from tests.dashboard.access.living import living
from tests.dashboard.access.site import Site
from tests.pipelines.installations import a_bad_record, a_batch, a_call, a_record

pytestmark = pytest.mark.browser

RUNS = "window.ran = true"
TRIES = (
    f'<img src=x onerror="{RUNS}">',
    f"<script>{RUNS}</script>",
    f'"><svg onload="{RUNS}">',
    f"javascript:{RUNS}",
    f"'-({RUNS})-'",
    f"</script><script>{RUNS}</script>",
    "{{constructor.constructor('" + RUNS + "')()}}",
    f"[click](javascript:{RUNS})",
)
FILE = f'<img src=x onerror="{RUNS}">.csv'


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with living(tmp_path_factory.mktemp("street")) as whole:
        live = whole.backend
        assert isinstance(live, Live)
        records = [
            a_record(a_call(f"X-{n}", title=text, unit=text, kind=text), ordinal=n, part=FILE)
            for n, text in enumerate(TRIES, start=1)
        ]
        bad = [a_record(a_call("B-1", reported=text), part=FILE) for text in TRIES]
        bad += [a_bad_record(text) for text in TRIES]
        installation = live._installation
        for batch in (records, bad):
            installation.door.accept(installation.sources[0], a_batch(*batch), now=MUCH_LATER)
        yield whole


def pages() -> list[str]:
    first = incident_id("calls", "X-1")
    return [
        "/wall",
        "/desk?window=90d",
        "/desk?window=90d&q=" + TRIES[0].replace('"', "%22").replace(" ", "%20"),
        f"/incident?id={first}",
        "/quarantine",
        "/sources",
        "/lab",
        "/handover",
        "/playback",
        "/grid/G1",
        "/admin?tab=audit&who=%3Cimg%20src=x%20onerror=%22window.ran=true%22%3E",
        "/login",
    ]


@pytest.mark.parametrize("path", pages(), ids=range(len(pages())))
def test_nothing_that_a_record_says_runs(chromium: Browser, street: Site, path: str) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    token = street.session(Role.ADMIN, "the admin")
    context.add_cookies([{"name": COOKIE, "value": token, "url": street.server.url}])
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))

    page.goto(street.server.url + path)
    if not path.startswith(("/admin", "/login")):
        page.wait_for_selector("body:not(.is-connecting)", timeout=30_000)
        if path.startswith(("/desk", "/incident", "/quarantine")):
            page.get_by_text("window.ran").first.wait_for(timeout=30_000)

    assert page.evaluate("window.ran") is None
    assert page.evaluate("document.querySelector('main img[src=x], main svg[onload]')") is None
    assert said == []
    context.close()


def test_the_policy_would_stop_what_got_into_a_page_all_the_same(
    chromium: Browser, street: Site, tmp_path: Path
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(street.server.url + "/login")

    page.evaluate(
        """() => {
            const image = document.createElement("div");
            image.innerHTML = '<img src="x:" onerror="window.ran = true">';
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(image, script);
        }"""
    )
    page.wait_for_timeout(200)

    assert page.evaluate("window.ran") is None
    context.close()
