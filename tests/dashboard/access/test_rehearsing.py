"""Sending a canary: whoever operates may, and it is written down."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dashboard.access.audit import Audit
from dashboard.access.engine import open_engine
from dashboard.access.forgery import CSRF_COOKIE, CSRF_HEADER
from dashboard.access.guard import Guard
from dashboard.access.keeper import Keeper
from dashboard.access.person import Role
from dashboard.access.rehearsing import CANARY_PATH, canary_route
from dashboard.server import create_app
from pipelines.privacy.clearance import Clearance
from tests.builders import NINE
from tests.dashboard.access.site import Site, site
from tests.dashboard.builders import FakeBackend
from tests.dashboard.serving import Server

OF_OURS = {"X-Grid135": "1"}
TOKEN = "a" * 64


@pytest.fixture
def street(keeper: Keeper, backend: FakeBackend) -> Iterator[Site]:
    with site(keeper, backend) as whole:
        yield whole


def send(street: Site, role: Role, source: str = "110") -> httpx.Response:
    with street.browser(street.session(role, "chen")) as browser:
        return browser.post(CANARY_PATH, params={"source": source}, headers=OF_OURS)


def sent(audit: Audit) -> list[tuple[str, str]]:
    entries = audit.entries(limit=1000)
    return [(entry.who, entry.about) for entry in entries if entry.act == "canary_sent"]


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DUTY, Role.ADMIN])
def test_who_operates_sends_one_and_it_is_written_down(street: Site, role: Role):
    answer = send(street, role)

    assert answer.status_code == 200
    assert answer.json()["source"] == "110"
    assert sent(street.keeper.audit) == [("chen", "110")]


@pytest.mark.parametrize("role", [Role.WALL, Role.VIEWER])
def test_who_only_looks_sends_none(street: Site, role: Role):
    answer = send(street, role)

    assert answer.status_code == 403
    assert sent(street.keeper.audit) == []


def test_only_a_script_of_our_own_pages_sends_one(street: Site):
    with street.browser(street.session(Role.ADMIN)) as browser:
        answers = [
            browser.post(CANARY_PATH, params={"source": "110"}),
            browser.get(CANARY_PATH, params={"source": "110"}, headers=OF_OURS),
        ]

    assert not any(answer.is_success for answer in answers)
    assert street.backend.canaries == []


def test_one_through_a_source_that_is_not_there_is_not_written_down(street: Site):
    assert send(street, Role.DUTY, "nowhere").status_code == 400
    assert sent(street.keeper.audit) == []


def test_where_nobody_is_asked_who_they_are_it_is_written_down_all_the_same(
    tmp_path: Path, backend: FakeBackend
):
    audit = Audit(open_engine(f"sqlite:///{tmp_path / 'access.sqlite3'}"))
    route = canary_route(backend, audit, lambda: NINE, asks_who=False)
    app = create_app(backend, build="test", more=[route])
    hosts = frozenset({"127.0.0.1"})
    server = Server(backend, app=Guard(app, keeper=None, clock=lambda: NINE, hosts=hosts))
    headers = {"sec-fetch-site": "same-origin", CSRF_HEADER: TOKEN, **OF_OURS}

    with httpx.Client(base_url=server.url, headers=headers, cookies={CSRF_COOKIE: TOKEN}) as client:
        answer = client.post(CANARY_PATH, params={"source": "110"})
    server.stop()

    assert answer.status_code == 200
    assert sent(audit) == [("open", "110")]


def test_the_button_is_there_for_whom_it_works():
    may = [role for role in Role if Clearance(role=role).may_rehearse(asks_who=True)]

    assert may == [Role.SUPERVISOR, Role.DUTY, Role.ADMIN]
    assert Clearance(role=Role.VIEWER).may_rehearse(asks_who=False)
