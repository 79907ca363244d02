"""An administrator without a mouse: invites, confines, shuts out and lets in again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.access.guard import COOKIE
from pipelines.privacy.clearance import Role
from tests.dashboard.access.living import living
from tests.dashboard.access.site import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with living(tmp_path_factory.mktemp("street")) as whole:
        yield whole


@pytest.fixture
def page(chromium: Browser, street: Site) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    token = street.session(Role.ADMIN, "admin")
    context.add_cookies([{"name": COOKIE, "value": token, "url": street.server.url}])
    page = context.new_page()
    page.goto(f"{street.server.url}/admin?lang=en")
    yield page
    context.close()


def scopes(street: Site) -> dict[str, str | None]:
    return {row.name: row.scope for row in street.keeper.accounts()}


def test_everything_is_done_by_keys_and_says_so(street: Site, page: Page) -> None:
    page.locator("[name=name]").first.focus()
    page.keyboard.type("grid leader")
    page.keyboard.press("Tab")
    page.keyboard.type("Super")
    page.keyboard.press("Tab")
    page.keyboard.type("G1")
    page.keyboard.press("Enter")
    expect(page.locator(".admin-once code")).to_contain_text("/invitation/")
    invited = scopes(street)["grid leader"]

    row = page.locator("tr", has_text="grid leader")
    field = row.get_by_label("Scope of grid leader")
    expect(row).to_contain_text("C1 · Grid G1")
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("nowhere")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("no area or grid “nowhere”")
    field.fill("C1")
    field.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The scope of grid leader was changed")
    moved = scopes(street)["grid leader"]

    row.locator("summary").press("Enter")
    row.get_by_role("button", name="Yes, shut grid leader out now").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("grid leader was shut out")

    assert (invited, moved) == ("G1", "C1")
    assert street.keeper.role_of("grid leader") is Role.SUPERVISOR
    (closed,) = [r.closed_ms for r in street.keeper.accounts() if r.name == "grid leader"]
    assert closed is not None


def test_the_fields_offer_every_area_and_grid(page: Page) -> None:
    offered = page.locator("#scopes option").evaluate_all("all => all.map((one) => one.value)")

    assert offered == ["street", "C1", "G1", "G2", "C2", "G3"]
