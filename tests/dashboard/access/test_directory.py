"""Logging in by a directory: a real OpenLDAP server on loopback."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dashboard.access.directory import Directory
from dashboard.access.gate import Gate
from dashboard.access.keeper import AccessError, Keeper
from dashboard.access.outside import Known, OutsideError
from dashboard.access.person import Person, Role
from pipelines.errors import SettingsError
from pipelines.privacy.access_settings import LdapSettings
from tests.brokers import certificates
from tests.builders import NINE, at
from tests.dashboard.access.peers import (
    ADMIN_DN,
    ADMIN_PASSWORD,
    a_directory,
    administering,
    free_port,
)
from tests.dashboard.builders import FakeBackend

PEOPLE = {"chen": "Qiantang-2026", "wang": "Xihu-2026-lake", "li": "Liangzhu-2026"}
GROUPS = {"duty": ["chen"], "lookers": ["chen", "wang"]}
ROLES = {"duty": "duty", "cn=lookers,ou=groups,dc=street,dc=test": "viewer"}


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    certificates(folder)
    return folder


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, certified: Path) -> Iterator[str]:
    with a_directory(tmp_path_factory.mktemp("ldap"), certified) as url:
        with administering(url) as directory:
            directory.add("dc=street,dc=test", ["dcObject", "organization"], {"o": "street"})
            for unit in ("people", "groups"):
                directory.add(f"ou={unit},dc=street,dc=test", "organizationalUnit")
            for name, password in PEOPLE.items():
                about = {"sn": name, "cn": name, "userPassword": password}
                directory.add(f"uid={name},ou=people,dc=street,dc=test", "inetOrgPerson", about)
            for group, names in GROUPS.items():
                members = [f"uid={name},ou=people,dc=street,dc=test" for name in names]
                dn = f"cn={group},ou=groups,dc=street,dc=test"
                directory.add(dn, "groupOfNames", {"member": members})
        yield url


def settings(at: str, **changed: Any) -> LdapSettings:
    whole: dict[str, Any] = {
        "url": at,
        "bind_dn": ADMIN_DN,
        "base": "ou=people,dc=street,dc=test",
        "groups_attribute": None,
        "groups_base": "ou=groups,dc=street,dc=test",
        "roles": ROLES,
    }
    return LdapSettings.model_validate(whole | changed)


def directory(url: str, secret: str = ADMIN_PASSWORD, **changed: Any) -> Directory:
    return Directory(settings(url, **changed), secret=secret, folder=Path())


def test_whoever_binds_with_their_own_password_is_known_in_the_role_of_their_groups(
    url: str,
) -> None:
    asked = directory(url)

    assert asked.known("chen", PEOPLE["chen"]) == Known(name="chen", role=Role.DUTY)
    assert asked.known("WANG", PEOPLE["wang"]) == Known(name="wang", role=Role.VIEWER)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("chen", "wrong"),
        ("chen", ""),
        ("", "x"),
        ("nobody", PEOPLE["chen"]),
        ("*", PEOPLE["chen"]),
        ("ch*", PEOPLE["chen"]),
        ("chen)(uid=*", PEOPLE["chen"]),
        ("*)(|(uid=chen", PEOPLE["chen"]),
        ("chen\x00", PEOPLE["chen"]),
    ],
)
def test_nobody_else_is_known_by_whatever_name(url: str, name: str, password: str) -> None:
    assert directory(url).known(name, password) is None


def test_who_is_in_no_group_of_ours_stays_out(url: str) -> None:
    with pytest.raises(OutsideError, match="no_role"):
        directory(url).known("li", PEOPLE["li"])


def test_with_tls_passwords_go_only_to_a_directory_that_proves_who_it_is(
    url: str, certified: Path
) -> None:
    proved = directory(url, start_tls=True, ca_file=str(certified / "ca.pem"))
    another = directory(url, start_tls=True, ca_file=str(certified / "other.pem"))

    assert proved.known("chen", PEOPLE["chen"]) == Known(name="chen", role=Role.DUTY)
    with pytest.raises(OutsideError, match="outside_away"):
        another.known("chen", PEOPLE["chen"])


def test_a_directory_that_is_away_or_refuses_us_is_said_to_be_so(url: str) -> None:
    away = directory(f"ldap://127.0.0.1:{free_port()}", timeout="1s")

    for asked in (away, directory(url, secret="wrong")):
        with pytest.raises(OutsideError, match="outside_away") as error:
            asked.known("chen", PEOPLE["chen"])
        assert PEOPLE["chen"] not in str(error.value)


def test_groups_give_an_area_or_a_grid_too(url: str, keeper: Keeper) -> None:
    areas = {"duty": "G1", "cn=lookers,ou=groups,dc=street,dc=test": "C1"}
    asked = Directory(settings(url, areas=areas), secret=ADMIN_PASSWORD, folder=Path(),
                      scopes=FakeBackend().scopes())  # fmt: skip
    gate = Gate(keeper, lambda: NINE, secure=False, directory=asked)

    token = gate._log_in("wang", PEOPLE["wang"], "10.0.0.1")

    # chen is in a grid of that area, and in the whole area: the wider counts
    assert asked.known("chen", PEOPLE["chen"]) == Known(name="chen", role=Role.DUTY, scope="C1")
    assert keeper.person(token, now=at(1)) == Person(name="wang", role=Role.VIEWER, scope="C1")
    assert keeper.audit.entries()[0].detail["scope"] == "C1"


def test_an_area_of_a_group_that_is_not_there_stops_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match=r"\[access.ldap\] areas: 'duty' = 'C9': there is no"):
        directory(url, areas={"duty": "C9"})


@pytest.fixture
def gate(url: str, keeper: Keeper) -> Gate:
    return Gate(keeper, lambda: NINE, secure=False, directory=directory(url))


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    keeper = Keeper(f"sqlite:///{tmp_path / 'access.sqlite3'}")
    yield keeper
    keeper.close()


def test_the_login_asks_the_directory_and_begins_a_session(gate: Gate, keeper: Keeper) -> None:
    token = gate._log_in("chen", PEOPLE["chen"], "10.0.0.1")

    assert keeper.person(token, now=at(1)) == Person(name="chen", role=Role.DUTY)
    assert keeper.audit.entries()[0].detail["via"] == "ldap"


def test_five_wrong_passwords_lock_a_name_that_only_the_directory_knows(gate: Gate) -> None:
    for _ in range(5):
        with pytest.raises(AccessError, match="wrong"):
            gate._log_in("chen", "guess", "10.0.0.1")

    with pytest.raises(AccessError, match="locked"):
        gate._log_in("CHEN ", PEOPLE["chen"], "10.0.0.2")


def test_a_local_administrator_needs_no_directory(keeper: Keeper) -> None:
    away = directory(f"ldap://127.0.0.1:{free_port()}", timeout="1s")
    token = keeper.invite("admin", Role.ADMIN, by="x", now=NINE)
    keeper.set_password(token, "Hangzhou-2026", now=NINE)

    gate = Gate(keeper, lambda: NINE, secure=False, directory=away)

    assert gate._log_in("admin", "Hangzhou-2026", "")


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"url": "ldap://dc.example"}, "in the clear"),
        ({"url": "https://dc.example"}, "in the clear"),
        ({"filter": "(uid=chen)"}, "must hold {name} once"),
        ({"roles": {"x": "wall"}}, "for screens"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(changed: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        settings("ldap://127.0.0.1", **changed)


def test_a_plain_connection_that_begins_tls_is_allowed() -> None:
    assert settings("ldap://dc.example", start_tls=True).start_tls
