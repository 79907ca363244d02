"""Letting people in, and keeping others out."""

from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.access import passwords
from dashboard.access.keeper import AccessError, Keeper
from dashboard.access.passwords import WeakPasswordError
from dashboard.access.person import Person, Role
from tests.builders import NINE, at

PASSWORD = "Qiantang-2026"


def join(keeper: Keeper, name: str = "chen", role: Role = Role.SUPERVISOR) -> None:
    token = keeper.invite(name, role, by="admin", now=NINE)
    keeper.set_password(token, PASSWORD, now=NINE)


def log_in(keeper: Keeper, password: str = PASSWORD, *, seconds: float = 0) -> str:
    return keeper.log_in("chen", password, peer="127.0.0.1", now=at(seconds))


def test_an_invited_person_sets_a_password_and_comes_in(keeper: Keeper) -> None:
    join(keeper)

    person = keeper.person(log_in(keeper), now=at(1))

    assert person == Person(name="chen", role=Role.SUPERVISOR)


def test_there_is_no_password_by_default(keeper: Keeper) -> None:
    keeper.invite("chen", Role.ADMIN, by="", now=NINE)

    assert not keeper.has_admin
    with pytest.raises(AccessError, match="wrong"):
        log_in(keeper, "")


def test_a_link_works_once(keeper: Keeper) -> None:
    token = keeper.invite("chen", Role.VIEWER, by="admin", now=NINE)
    keeper.set_password(token, PASSWORD, now=NINE)

    with pytest.raises(AccessError, match="bad_invitation"):
        keeper.set_password(token, "Another-2026", now=NINE)


def test_a_link_is_good_for_a_day(keeper: Keeper) -> None:
    token = keeper.invite("chen", Role.VIEWER, by="admin", now=NINE)

    with pytest.raises(AccessError, match="bad_invitation"):
        keeper.set_password(token, PASSWORD, now=NINE + timedelta(hours=25))


@pytest.mark.parametrize(
    ("password", "rule"),
    [("Short-1", "length"), ("x" * 201, "length"), ("alllowercase", "classes"),
     ("Chen-is-here-1", "name")],
)  # fmt: skip
def test_a_weak_password_is_refused_and_the_link_stays_good(
    keeper: Keeper, password: str, rule: str
) -> None:
    token = keeper.invite("chen", Role.VIEWER, by="admin", now=NINE)

    with pytest.raises(WeakPasswordError) as refused:
        keeper.set_password(token, password, now=NINE)

    assert refused.value.rule == rule
    assert keeper.invited(token, now=NINE) == "chen"


def test_a_wrong_name_and_a_wrong_password_look_the_same(keeper: Keeper) -> None:
    join(keeper)

    with pytest.raises(AccessError) as wrong_password:
        log_in(keeper, "wrong")
    with pytest.raises(AccessError) as wrong_name:
        keeper.log_in("nobody", PASSWORD, peer="", now=NINE)

    assert str(wrong_password.value) == str(wrong_name.value) == "wrong"


def test_five_failures_lock_an_account_for_five_minutes_even_for_the_right_password(
    keeper: Keeper,
) -> None:
    join(keeper)

    for _ in range(5):
        with pytest.raises(AccessError):
            log_in(keeper, "wrong")
    with pytest.raises(AccessError, match="locked"):
        log_in(keeper, seconds=299)

    assert log_in(keeper, seconds=301)


def test_failures_are_counted_in_a_row(keeper: Keeper) -> None:
    join(keeper)

    for _ in range(3):
        for _ in range(4):
            with pytest.raises(AccessError, match="wrong"):
                log_in(keeper, "wrong")
        assert log_in(keeper)


def test_a_session_ends_after_ten_idle_minutes(keeper: Keeper) -> None:
    join(keeper)
    token = log_in(keeper)

    assert keeper.person(token, now=at(599))
    assert keeper.person(token, now=at(599 + 601)) is None
    assert keeper.person(token, now=at(600)) is None


def test_a_stream_that_is_merely_open_does_not_keep_a_session_alive(keeper: Keeper) -> None:
    join(keeper)
    token = log_in(keeper)

    for minute in range(10):
        assert keeper.person(token, now=at(60 * minute), active=False)

    assert keeper.person(token, now=at(601), active=False) is None


def test_a_session_ends_after_twelve_hours_however_busy(keeper: Keeper) -> None:
    join(keeper)
    token = log_in(keeper)

    busy = [keeper.person(token, now=at(300 * n)) for n in range(145)]
    assert all(busy)
    assert keeper.person(token, now=at(12 * 3600 + 1)) is None


def test_every_login_has_a_session_of_its_own(keeper: Keeper) -> None:
    join(keeper)
    first, second = log_in(keeper), log_in(keeper)

    keeper.log_out(first, now=NINE)

    assert first != second
    assert keeper.person(first, now=NINE) is None
    assert keeper.person(second, now=NINE)


def test_a_new_password_ends_every_session(keeper: Keeper) -> None:
    join(keeper)
    token = log_in(keeper)

    join(keeper)

    assert keeper.person(token, now=NINE) is None


def test_a_closed_account_is_out_at_once(keeper: Keeper) -> None:
    join(keeper)
    token = log_in(keeper)

    keeper.close_account("chen", by="admin", now=NINE)

    assert keeper.person(token, now=NINE) is None
    with pytest.raises(AccessError, match="wrong"):
        log_in(keeper)


def test_a_wall_comes_in_for_months_and_is_out_when_revoked(keeper: Keeper) -> None:
    token = keeper.enter_wall(keeper.add_wall("hall", by="admin", now=NINE), now=NINE)

    months = keeper.person(token, now=NINE + timedelta(days=200))
    keeper.revoke_wall("hall", by="admin", now=NINE)

    assert months == Person(name="hall", role=Role.WALL)
    assert keeper.person(token, now=NINE) is None


def test_no_secret_is_kept_as_it_is(keeper: Keeper, tmp_path: Path) -> None:
    join(keeper)
    session = log_in(keeper)
    wall = keeper.add_wall("hall", by="admin", now=NINE)
    keeper.close()

    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert b"$argon2id$" in kept
    assert all(secret.encode() not in kept for secret in (PASSWORD, session, wall))


def test_the_file_is_private(tmp_path: Path, keeper: Keeper) -> None:
    assert (tmp_path / "access.sqlite3").stat().st_mode & 0o077 == 0


def test_everything_done_is_in_the_log(keeper: Keeper) -> None:
    join(keeper)
    keeper.log_out(log_in(keeper), now=NINE)
    with pytest.raises(AccessError):
        log_in(keeper, "wrong")

    acts = [entry.act for entry in reversed(keeper.audit.entries())]

    assert acts == ["invited", "password_set", "logged_in", "logged_out", "refused"]
    assert keeper.audit.verify().broken is None


def test_nobody_is_checked_as_slowly_as_somebody() -> None:
    assert not passwords.matches(None, "nobody has this password")
