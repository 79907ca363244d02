"""The administrator's page: what it does, for whom, and what it shows once."""

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from dashboard.access.audit import Act
from dashboard.access.keeper import AccessError, Keeper
from dashboard.access.person import Role
from dashboard.text import LANGUAGES
from tests.builders import NINE, at
from tests.dashboard.access.site import PASSWORD, Site, site
from tests.dashboard.builders import FakeBackend


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    keeper = Keeper(f"sqlite:///{tmp_path_factory.mktemp('people') / 'access.sqlite3'}")
    with site(keeper, FakeBackend()) as whole:
        yield whole
    keeper.close()


@pytest.fixture
def admin(street: Site) -> Iterator[httpx.Client]:
    with street.browser(street.session(Role.ADMIN, "admin")) as browser:
        yield browser


def do(admin: httpx.Client, act: str, tab: str = "accounts", **fields: str) -> httpx.Response:
    return admin.post("/admin", params={"tab": tab, "lang": "en"}, data={"act": act, **fields})


def the_link(answer: httpx.Response) -> str:
    found = re.search(r"<code>(http[^<]+)</code>", answer.text)
    assert found is not None
    return unescape(found[1])


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_nobody_else_gets_the_page_or_anything_done(street: Site, role: Role) -> None:
    with street.browser(street.session(role, f"a {role}")) as browser:
        seen = browser.get("/admin")
        done = do(browser, "invite", name="mallory", role="admin")

    assert (seen.status_code, done.status_code) == (403, 403)
    assert "mallory" not in [row.name for row in street.keeper.accounts()]


def test_an_invited_person_comes_in_by_the_link_that_is_shown_once(
    street: Site, admin: httpx.Client
) -> None:
    answer = do(admin, "invite", name="chen", role="supervisor")
    link = the_link(answer)
    form = {"password": "Chaoyang-2026", "again": "Chaoyang-2026"}

    with street.browser(None) as browser:
        page = browser.get(link)
        token = re.search(r'name="csrf" value="(\w+)"', page.text)
        assert token is not None
        done = browser.post(link, data=form | {"csrf": token[1]})

    assert link.startswith(street.server.url + "/invitation/")
    assert done.status_code == 303
    assert street.keeper.log_in("chen", "Chaoyang-2026", peer="", now=NINE)
    assert link not in admin.get("/admin").text


def test_a_wall_is_let_in_and_shut_out(street: Site, admin: httpx.Client) -> None:
    link = the_link(do(admin, "add-wall", tab="walls", name="lobby"))

    with street.browser(None) as wall:
        assert wall.get(link).status_code == 303
        assert wall.get("/wall").status_code == 200
        do(admin, "revoke-wall", tab="walls", name="lobby")
        assert wall.get("/wall").status_code == 401


def test_a_role_is_changed_an_account_unlocked_and_closed(
    street: Site, admin: httpx.Client
) -> None:
    street.session(Role.VIEWER, "wang")
    for _ in range(5):
        with pytest.raises(AccessError):
            street.keeper.log_in("wang", "wrong", peer="", now=NINE)

    do(admin, "role", name="wang", role="duty")
    do(admin, "unlock", name="wang")
    assert street.keeper.log_in("wang", PASSWORD, peer="", now=NINE)
    assert street.keeper.role_of("wang") is Role.DUTY
    do(admin, "close", name="wang")

    with pytest.raises(AccessError, match="wrong"):
        street.keeper.log_in("wang", PASSWORD, peer="", now=NINE)
    acts = [(e.who, e.act) for e in street.keeper.audit.entries() if e.about == "wang"]
    assert acts[:3] == [
        ("admin", "account_closed"),
        ("admin", "unlocked"),
        ("admin", "role_changed"),
    ]


def test_a_link_for_a_new_password_leaves_the_role(street: Site, admin: httpx.Client) -> None:
    street.session(Role.DUTY, "zhao")

    assert "/invitation/" in the_link(do(admin, "link", name="zhao"))
    assert street.keeper.role_of("zhao") is Role.DUTY


@pytest.mark.parametrize(
    ("act", "fields", "words"),
    [
        ("close", {"name": "admin"}, "last administrator"),
        ("role", {"name": "admin", "role": "viewer"}, "last administrator"),
        ("invite", {"name": "x", "role": "viewer"}, "2 to 40"),
        ("invite", {"name": "somebody", "role": "wall"}, "no such role"),
        ("invite", {"name": "somebody", "role": "god"}, "no such role"),
        ("add-wall", {"name": "\x00\x01"}, "2 to 40"),
        ("revoke-wall", {"name": "nowhere"}, "not valid"),
        ("link", {"name": "nobody"}, "no such account"),
        ("unlock", {"name": "nobody"}, "no such account"),
        ("drop", {"name": "admin"}, "no such action"),
    ],
)
def test_what_cannot_be_done_says_why(
    admin: httpx.Client, act: str, fields: dict[str, str], words: str
) -> None:
    answer = do(admin, act, **fields)

    assert answer.status_code == 400
    assert words in answer.text


def test_nothing_is_done_by_an_address_or_without_a_token(
    street: Site, admin: httpx.Client
) -> None:
    asked = {"act": "invite", "name": "mallory", "role": "admin"}

    admin.get("/admin", params=asked)
    del admin.headers["x-csrftoken"]
    assert admin.post("/admin", data=asked).status_code == 403

    assert "mallory" not in [row.name for row in street.keeper.accounts()]


def test_a_name_with_markup_is_shown_as_text(admin: httpx.Client) -> None:
    name = "<img src=x onerror=alert(1)>"

    for answer in (do(admin, "invite", name=name, role="viewer"), admin.get("/admin?tab=audit")):
        assert "<img" not in answer.text
        assert "&lt;img" in answer.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tab", ["accounts", "walls", "sources", "audit", "nonsense"])
def test_every_tab_is_there_in_every_language(admin: httpx.Client, tab: str, language: str) -> None:
    answer = admin.get("/admin", params={"tab": tab, "lang": language})

    assert answer.status_code == 200
    assert "no-store" in answer.headers["cache-control"]


@pytest.mark.parametrize("before", ["1", "-1", "9" * 40, "x", "1;DROP TABLE audit"])
def test_the_log_is_filtered_and_a_strange_page_is_no_error(
    street: Site, admin: httpx.Client, before: str
) -> None:
    street.keeper.audit.add(Act.EXPORTED, who="li", now=at(1), about="rows of today")

    found = admin.get("/admin", params={"tab": "audit", "act": "exported", "who": "li"}).text
    other = admin.get("/admin", params={"tab": "audit", "act": "exported", "who": "chen"}).text
    paged = admin.get("/admin", params={"tab": "audit", "before": before})

    assert "rows of today" in found
    assert "rows of today" not in other
    assert paged.status_code == 200


def test_a_page_learns_who_is_looking_and_only_an_administrator_of_this_page(
    street: Site, admin: httpx.Client
) -> None:
    with street.browser(street.session(Role.DUTY, "wu")) as browser:
        duty = browser.get("/session?lang=en").json()

    assert duty == {"name": "wu", "role": "Duty officer", "log_out": "Log out", "admin": None}
    assert admin.get("/session?lang=en").json()["admin"] == "Administration"


def test_it_says_whether_the_log_is_whole(street: Site, admin: httpx.Client) -> None:
    assert "The log is whole" in admin.get("/admin?tab=audit&lang=en").text
