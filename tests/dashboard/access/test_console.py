"""Who may write notes and hand over; what the audit log keeps of it; who looked."""

from collections.abc import Iterator

import httpx
import pytest

from dashboard.access.console import console_routes
from dashboard.access.keeper import Keeper
from dashboard.access.person import Role
from dashboard.server import create_app
from pipelines.desk.console import LONGEST
from tests.builders import NINE
from tests.dashboard.access.site import Site, site
from tests.dashboard.builders import FakeBackend
from tests.dashboard.serving import Server

REMARKS, TRAIL = "/api/v1/remarks", "/api/v1/trail"
NOTE = {"act": "noted", "incident": "i-1", "text": "王先生 13812345678 已到场"}


@pytest.fixture
def street(keeper: Keeper, backend: FakeBackend) -> Iterator[Site]:
    with site(keeper, backend) as whole:
        yield whole


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DUTY, Role.ADMIN])
def test_a_supervisor_and_above_may_write(street: Site, role: Role) -> None:
    with street.browser(street.session(role, "chen")) as browser:
        answer = browser.post(REMARKS, data=NOTE)

    assert answer.status_code == 200
    said = {"incident": "i-1", "shift": "", "text": NOTE["text"]}
    assert street.backend.remarks == [("noted", "chen", said)]


@pytest.mark.parametrize("role", [Role.WALL, Role.VIEWER])
def test_who_only_looks_may_not(street: Site, role: Role) -> None:
    with street.browser(street.session(role)) as browser:
        answers = [browser.post(REMARKS, data=NOTE), browser.get(TRAIL)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert street.backend.remarks == []


def test_another_site_cannot_write_in_somebodys_name(street: Site) -> None:
    with street.browser(street.session(Role.SUPERVISOR)) as browser:
        del browser.headers["X-CSRFToken"]
        answer = browser.post(REMARKS, data=NOTE)

    assert answer.status_code == 403
    assert street.backend.remarks == []


def test_a_long_note_in_chinese_comes_through(street: Site) -> None:
    with street.browser(street.session(Role.SUPERVISOR)) as browser:
        answer = browser.post(REMARKS, data={**NOTE, "text": "记" * LONGEST})

    assert answer.status_code == 200
    assert len(street.backend.remarks[0][2]["text"]) == LONGEST


def test_where_the_site_is_open_nobody_writes_and_it_says_why(backend: FakeBackend) -> None:
    app = create_app(backend, build="test", more=console_routes(backend, None, lambda: NINE))
    server = Server(backend, app=app)
    try:
        answer = httpx.post(server.url + REMARKS, data=NOTE)
    finally:
        server.stop()

    assert answer.status_code == 403
    assert "accounts" in answer.json()["error"]
    assert backend.remarks == []


def test_each_act_and_each_look_is_in_the_trail_without_its_text(street: Site) -> None:
    with street.browser(street.session(Role.SUPERVISOR, "chen")) as browser:
        browser.get("/incident/i-1")
        browser.post(REMARKS, data=NOTE)
        trail = browser.get(TRAIL, params={"incident": "i-1"}).json()

    assert [(line["who"], line["act"]) for line in trail] == [("chen", "noted"), ("chen", "looked")]
    assert "13812345678" not in str(street.keeper.audit.entries(limit=1000))
    assert street.keeper.audit.verify().broken is None


def test_a_wall_that_shows_a_page_is_nobody_who_looks(street: Site) -> None:
    with street.browser(None) as browser:
        browser.get("/incident/i-1")

    assert street.keeper.audit.about("i-1") == []
