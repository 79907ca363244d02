"""Revealing one masked value: who may, what is written down first, and what never leaves."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from dashboard.access.keeper import REVEALS, Keeper
from dashboard.access.person import Role
from dashboard.access.reveal import REVEAL_PATH
from tests.builders import NINE
from tests.dashboard.access.site import Site, site
from tests.dashboard.builders import FakeBackend

ASKED = {"incident": "i-1", "what": "phone", "number": "1", "reason": "回访报警人"}


@pytest.fixture
def now() -> list[datetime]:
    return [NINE]


@pytest.fixture
def street(keeper: Keeper, backend: FakeBackend, now: list[datetime]) -> Iterator[Site]:
    with site(keeper, backend, lambda: now[0]) as whole:
        yield whole


def revealed(keeper: Keeper) -> list[tuple[str, str, object]]:
    entries = keeper.audit.entries(limit=1000)
    return [
        (entry.who, entry.about, dict(entry.detail)) for entry in entries if entry.act == "revealed"
    ]


def test_a_supervisor_gets_the_one_value_and_it_is_written_down(street: Site) -> None:
    with street.browser(street.session(Role.SUPERVISOR, "chen")) as browser:
        answer = browser.post(REVEAL_PATH, data=ASKED)

    assert answer.json() == {"value": "13812345678"}
    assert answer.headers["cache-control"] == "no-store"
    assert revealed(street.keeper) == [
        ("chen", "i-1", {"value": "phone 1", "reason": "回访报警人"})
    ]


def test_it_is_written_down_before_the_value_leaves(
    street: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = street.session(Role.SUPERVISOR)
    monkeypatch.setattr(Keeper, "note_reveal", lambda *_, **__: 1 / 0)

    with street.browser(token) as browser:
        answer = browser.post(REVEAL_PATH, data=ASKED)

    assert answer.status_code == 500
    assert "13812345678" not in answer.text


@pytest.mark.parametrize("role", [Role.WALL, Role.VIEWER])
def test_who_is_less_gets_nothing_and_the_backend_is_not_asked(street: Site, role: Role) -> None:
    with street.browser(street.session(role)) as browser:
        answer = browser.post(REVEAL_PATH, data=ASKED)

    assert answer.status_code == 403
    assert street.backend.seen == []


def test_nobody_gets_anything_without_a_session(street: Site) -> None:
    with street.browser(None) as browser:
        assert browser.post(REVEAL_PATH, data=ASKED).status_code == 401


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"reason": ""}, 400),
        ({"reason": " a  b "}, 400),
        ({"reason": "x" * 201}, 400),
        ({"number": "-1"}, 400),
        ({"number": "1 OR 1=1"}, 400),
        ({"number": "٣"}, 400),
        ({"incident": "x" * 65}, 400),
        ({"incident": "i-2"}, 404),
        ({"what": "raw"}, 404),
    ],
)
def test_what_is_asked_wrongly_is_refused_and_not_written_down(
    street: Site, changed: dict[str, str], status: int
) -> None:
    with street.browser(street.session(Role.DUTY)) as browser:
        assert browser.post(REVEAL_PATH, data=ASKED | changed).status_code == status

    assert revealed(street.keeper) == []


def test_it_is_asked_for_by_post_and_with_a_token(street: Site) -> None:
    with street.browser(street.session(Role.ADMIN)) as browser:
        assert browser.get(REVEAL_PATH, params=ASKED).status_code == 404
        del browser.headers["x-csrftoken"]
        assert browser.post(REVEAL_PATH, data=ASKED).status_code == 403

    assert revealed(street.keeper) == []


def test_many_in_a_short_time_are_too_many_and_that_is_written_down(
    street: Site, now: list[datetime]
) -> None:
    with street.browser(street.session(Role.SUPERVISOR, "chen")) as browser:
        answers = [browser.post(REVEAL_PATH, data=ASKED).status_code for _ in range(REVEALS + 1)]
        now[0] += timedelta(minutes=9)
        browser.post(REVEAL_PATH, data=ASKED)
        now[0] += timedelta(minutes=2)
        later = browser.post(REVEAL_PATH, data=ASKED)

    assert answers == [200] * REVEALS + [429]
    assert later.status_code == 200
    acts = [entry.act for entry in street.keeper.audit.entries(limit=1000)]
    assert acts.count("reveal_refused") == 2


def test_a_reason_that_names_somebody_is_kept_masked(street: Site) -> None:
    asked = ASKED | {"reason": "回拨13987654321"}

    with street.browser(street.session(Role.SUPERVISOR)) as browser:
        browser.post(REVEAL_PATH, data=asked)

    ((_, _, detail),) = revealed(street.keeper)
    assert re.search(r"1398765", str(detail)) is None
