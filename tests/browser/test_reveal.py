"""A supervisor has one masked value shown, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.access.guard import COOKIE
from pipelines.privacy.clearance import Role
from tests.dashboard.access.living import ORDINARY, PHONE, living
from tests.dashboard.access.site import Site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with living(tmp_path_factory.mktemp("street")) as whole:
        yield whole


def the_incident(chromium: Browser, street: Site, role: Role) -> Page:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    token = street.session(role, f"the {role}")
    context.add_cookies([{"name": COOKIE, "value": token, "url": street.server.url}])
    page = context.new_page()
    page.goto(f"{street.server.url}/incident/{ORDINARY}?lang=en")
    page.wait_for_selector("body:not(.is-connecting)", timeout=30_000)
    return page


def test_it_takes_a_reason_and_hides_nothing_of_who_asked(chromium: Browser, street: Site) -> None:
    page = the_incident(chromium, street, Role.SUPERVISOR)
    expect(page.locator("body")).not_to_contain_text(PHONE)

    page.locator("[data-reveal=phone]").first.click()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="4 to 200")).to_be_visible()
    page.locator(".reveal__reason").fill("call back the caller")
    page.get_by_role("button", name="Show", exact=True).click()

    expect(page.locator(".reveal__value")).to_have_text(PHONE)
    (entry,) = [e for e in street.keeper.audit.entries() if e.act == "revealed"]
    assert (entry.who, entry.detail["reason"]) == ("the supervisor", "call back the caller")
    assert PHONE not in page.url
    page.get_by_role("button", name="Close").click()
    expect(page.locator("body")).not_to_contain_text(PHONE)
    page.context.close()


def test_a_viewer_is_offered_nothing(chromium: Browser, street: Site) -> None:
    page = the_incident(chromium, street, Role.VIEWER)

    expect(page.locator("#case-title")).not_to_be_empty()
    expect(page.locator("[data-reveal]")).to_have_count(0)
    page.context.close()


def test_whoever_is_shut_out_is_led_to_the_login_by_the_page_itself(
    chromium: Browser, street: Site
) -> None:
    page = the_incident(chromium, street, Role.DUTY)

    street.keeper.close_account("the duty", by="admin", now=street.backend.now())

    page.wait_for_url("**/login?next=*", timeout=20_000)
    page.context.close()
