"""Whoever may look no longer sees nothing more, also on a page that is already open."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from dashboard.access.engine import changing
from dashboard.access.keeper import Keeper
from dashboard.access.person import Role
from dashboard.access.tables import account
from pipelines.privacy.clearance import Clearance
from tests.builders import NINE
from tests.dashboard.access.site import Site, site
from tests.dashboard.builders import FakeBackend

SECONDS = 5.0


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NINE

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def street(keeper: Keeper, backend: FakeBackend, clock: Clock) -> Iterator[Site]:
    with site(keeper, backend, clock) as whole:
        yield whole


def ends(lines: Iterator[str]) -> bool:
    """Whether the stream says that it is over, and ends, within seconds."""
    until = time.monotonic() + SECONDS
    said = []
    for line in lines:
        said.append(line)
        if time.monotonic() > until:
            return False
    return "event: over" in said


def close_account(site: Site, clock: Clock) -> None:
    site.keeper.close_account("chen", by="admin", now=NINE)


def log_out(site: Site, clock: Clock) -> None:
    site.keeper.log_out(site.chen, now=NINE)  # type: ignore[attr-defined]


def set_a_new_password(site: Site, clock: Clock) -> None:
    token = site.keeper.invite("chen", Role.SUPERVISOR, by="admin", now=NINE)
    site.keeper.set_password(token, "Another-2026", now=NINE)


def lower_the_role(site: Site, clock: Clock) -> None:
    with changing(site.keeper._engine) as connection:
        connection.execute(update(account).values(role="viewer"))


def be_idle(site: Site, clock: Clock) -> None:
    clock.now += timedelta(minutes=11)


@pytest.mark.parametrize(
    "what", [close_account, log_out, set_a_new_password, lower_the_role, be_idle]
)
def test_the_stream_of_somebody_who_may_look_no_longer_ends_within_seconds(
    street: Site, clock: Clock, what: Callable[[Site, Clock], None]
) -> None:
    street.chen = street.session(Role.SUPERVISOR, "chen")  # type: ignore[attr-defined]

    with (
        street.browser(street.chen) as browser,  # type: ignore[attr-defined]
        browser.stream("GET", "/stream", params={"page": "sources"}) as stream,
    ):
        lines = stream.iter_lines()
        assert any(line.startswith("data: ") for line in lines)
        what(street, clock)

        assert ends(lines)


def test_the_stream_of_a_revoked_wall_ends_and_those_of_others_go_on(street: Site) -> None:
    hall, lobby = street.session(Role.WALL, "hall"), street.session(Role.WALL, "lobby")

    with (
        street.browser(hall) as one,
        street.browser(lobby) as other,
        one.stream("GET", "/stream") as revoked,
        other.stream("GET", "/stream") as kept,
    ):
        lines, others = revoked.iter_lines(), kept.iter_lines()
        assert next(lines)
        street.keeper.revoke_wall("hall", by="admin", now=NINE)

        assert ends(lines)
        assert any(line.startswith("data: ") for line in others)
        assert next(others) is not None


def test_a_wall_cannot_look_at_another_page_by_its_stream(street: Site) -> None:
    with street.browser(street.session(Role.WALL)) as wall:
        for page in ("desk", "incident", "quarantine", "sources", "lab"):
            assert wall.get("/stream", params={"page": page, "id": "x"}).status_code == 403
            assert wall.get(f"/{page}").status_code == 403


@pytest.mark.parametrize("claim", ["clearance", "role", "scope"])
def test_no_address_widens_what_its_viewer_may_see(street: Site, claim: str) -> None:
    token = street.session(Role.VIEWER)

    with (
        street.browser(token) as browser,
        browser.stream("GET", "/stream", params={"page": "sources", claim: "admin"}) as stream,
    ):
        assert any(line.startswith("data: ") for line in stream.iter_lines())

    assert set(street.backend.seen) == {Clearance(role=Role.VIEWER)}


def test_views_of_different_clearance_are_drawn_apart_and_the_wall_is_everybodys(
    street: Site,
) -> None:
    tokens = [street.session(role) for role in (Role.VIEWER, Role.SUPERVISOR)]

    for page in ("sources", "wall"):
        for token in tokens:
            with (
                street.browser(token) as browser,
                browser.stream("GET", "/stream", params={"page": page}) as stream,
            ):
                assert any(line.startswith("data: ") for line in stream.iter_lines())

    assert set(street.backend.seen) == {
        Clearance(role=Role.VIEWER),
        Clearance(role=Role.SUPERVISOR),
        Clearance(role=Role.WALL),
    }


def test_who_cannot_be_looked_up_is_told_to_try_again(
    street: Site,
) -> None:
    token = street.session(Role.VIEWER)
    with changing(street.keeper._engine) as connection:
        connection.exec_driver_sql("ALTER TABLE session RENAME TO gone")

    with street.browser(token) as browser:
        answer = browser.get("/sources")

    assert (answer.status_code, answer.text) == (503, "accounts cannot be read; try again")
