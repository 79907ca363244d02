"""Somebody who may only look, at a real browser, forty ways: by its pages and by its console."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.access.guard import COOKIE
from pipelines.privacy.clearance import Role
from tests.dashboard.access.living import HIDDEN, ORDINARY, SECRETS, SENSITIVE, WORDS, living
from tests.dashboard.access.site import Site
from tests.dashboard.access.test_attacks import FORTY_WAYS

pytestmark = pytest.mark.browser

BY_CONSOLE = """
async (ways) => {
  const token = document.cookie.match(/_csrf_token=(\\w+)/)[1];
  const answers = [];
  for (const [path, asked] of ways) {
    const query = asked.params ? "?" + new URLSearchParams(asked.params) : "";
    const init = { method: asked.method || "GET", headers: { "X-CSRFToken": token } };
    Object.assign(init.headers, asked.headers || {});
    if (asked.data) init.body = new URLSearchParams(asked.data);
    const ended = new AbortController();
    init.signal = ended.signal;
    try {
      const answer = await fetch(path + query, init);
      let said = "";
      const reader = answer.body.getReader(), decoder = new TextDecoder();
      const isStream = path.startsWith("/stream");
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        said += decoder.decode(value);
        if (isStream && said.includes("\\n\\n") && said.includes("data: ")) break;
      }
      ended.abort();
      answers.push([answer.status, said]);
    } catch (error) {
      answers.push([0, String(error)]);  // the page's own policy would not have it
    }
  }
  return answers;
}
"""


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with living(tmp_path_factory.mktemp("street")) as whole:
        whole.session(Role.ADMIN, "the boss")
        yield whole


@pytest.fixture
def page(chromium: Browser, street: Site) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    token = street.session(Role.VIEWER, "mallory")
    context.add_cookies([{"name": COOKIE, "value": token, "url": street.server.url}])
    page = context.new_page()
    page.set_default_timeout(45_000)
    yield page
    context.close()


def shown(page: Page, address: str) -> str:
    """All that a page holds once it is there, what is hidden in it too."""
    page.goto(address)
    page.wait_for_selector("body:not(.is-connecting)")
    return page.content()


def found_in(said: str) -> list[str]:
    return [secret for secret in (*SECRETS, *SENSITIVE) if secret in said]


def test_a_viewer_who_tries_forty_ways_from_the_console_gets_nothing(
    street: Site, page: Page
) -> None:
    shown(page, f"{street.server.url}/?window=90d")
    before = [tuple(row)[:2] for row in street.keeper.accounts()]

    answers: list[tuple[int, str]] = page.evaluate(BY_CONSOLE, [[*way] for way in FORTY_WAYS])

    assert len(answers) == len(FORTY_WAYS) >= 40
    got: list[tuple[str, Any]] = []
    for (path, asked), (status, said) in zip(FORTY_WAYS, answers, strict=True):
        left = said.replace(asked.get("params", {}).get("q") or "\0", "")
        got += [(path, secret) for secret in found_in(left)]
        got += [(path, status)] if status >= 500 else []
        got += [(path, "admin")] if "/admin" in path and "the boss" in said else []
    assert got == []
    assert [tuple(row)[:2] for row in street.keeper.accounts()] == before
    assert "mine" not in [row.name for row in street.keeper.walls()]


def test_no_page_offers_a_viewer_more_than_they_may_or_holds_it_out_of_sight(
    street: Site, page: Page
) -> None:
    base = street.server.url
    held = {}
    for path in (f"/incident/{ORDINARY}", f"/incident/{HIDDEN}", "/quarantine", "/handover",
                 "/playback", "/grid/G1", "/lab"):  # fmt: skip
        held[path] = found_in(shown(page, f"{base}{path}?lang=en"))
        expect(page.locator("[data-reveal], #notes-ways button, .ways button")).to_have_count(0)
        expect(page.locator("a[href*='/admin']")).to_have_count(0)
    shown(page, f"{base}/?window=90d&lang=en")
    for sought in (*SECRETS[:3], WORDS):
        page.keyboard.press("/")
        page.locator("#desk-find input").fill(sought)
        page.keyboard.press("Enter")
        page.locator("#cases-none", has_text="No incidents").wait_for()
    refused = page.goto(f"{base}/admin")

    assert {path: secrets for path, secrets in held.items() if secrets} == {}
    assert refused is not None
    assert refused.status == 403
    assert "the boss" not in page.content()
