"""The administrator's page: what it does, for whom, and what it shows once."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from urllib.parse import quote

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


@pytest.mark.parametrize(
    ("said", "scope"),
    [("C1", "C1"), (" G1 ", "G1"), ("一格", "G1"), ("First", "C1"), ("", None), ("S1", None)],
)
def test_a_scope_is_given_by_code_or_name_at_once_and_written_down(
    street: Site, admin: httpx.Client, said: str, scope: str | None
) -> None:
    token = street.session(Role.VIEWER, "zhang", scope="C1")

    answer = do(admin, "scope", name="zhang", scope=said)

    person = street.keeper.person(token, now=NINE)
    entry = street.keeper.audit.entries(limit=1)[0]
    assert "The scope of zhang was changed" in answer.text
    assert (person and person.scope) == scope
    assert (entry.who, entry.act, entry.about) == ("admin", "scope_changed", "zhang")
    assert entry.detail == {"scope": scope or "", "was": "C1"}


def test_a_scope_is_given_with_an_invitation_and_shown_by_its_name(
    street: Site, admin: httpx.Client
) -> None:
    do(admin, "invite", name="grid leader", role="viewer", scope="G1")

    page = admin.get("/admin?lang=en").text

    assert {row.name: row.scope for row in street.keeper.accounts()}["grid leader"] == "G1"
    assert "First · Grid 1" in page
    assert '<option value="C1">First</option>' in page


def test_a_wall_is_confined_moved_and_given_a_new_link(street: Site, admin: httpx.Client) -> None:
    link = the_link(do(admin, "add-wall", tab="walls", name="east hall", scope="C1"))
    with street.browser(None) as wall:
        assert wall.get(link).status_code == 303
        do(admin, "wall-scope", tab="walls", name="east hall", scope="G1")
        assert wall.get("/wall").status_code == 200
        again = the_link(do(admin, "wall-link", tab="walls", name="east hall"))
        assert wall.get("/wall").status_code == 401
        assert wall.get(again).status_code == 303

    (kept,) = [row for row in street.keeper.walls() if row.name == "east hall"]
    acts = [e.act for e in street.keeper.audit.entries() if e.about == "east hall"]
    assert kept.scope == "G1"
    assert acts[:3] == ["wall_added", "scope_changed", "wall_added"]


def test_who_a_directory_knows_is_shut_out_and_let_in_again(
    street: Site, admin: httpx.Client
) -> None:
    street.keeper.come_in("ldap zhang", Role.DUTY, via="ldap", peer="", now=NINE)

    do(admin, "close", name="ldap zhang")
    with pytest.raises(AccessError, match="closed"):
        street.keeper.come_in("ldap zhang", Role.DUTY, via="ldap", peer="", now=NINE)
    do(admin, "reopen", name="ldap zhang")

    assert street.keeper.come_in("ldap zhang", Role.DUTY, via="ldap", peer="", now=NINE)
    acts = [e.act for e in street.keeper.audit.entries() if e.about == "ldap zhang"]
    assert acts[:2] == ["account_reopened", "account_closed"]


def test_whose_scope_groups_say_is_not_given_another_here(
    street: Site, admin: httpx.Client
) -> None:
    street.keeper.come_in("oidc qian", Role.DUTY, via="oidc", peer="", now=NINE, scope="C1")

    answer = do(admin, "scope", name="oidc qian", scope="")

    assert answer.status_code == 400
    assert "given by groups" in answer.text
    assert {row.name: row.scope for row in street.keeper.accounts()}["oidc qian"] == "C1"


def test_a_source_is_rehearsed_and_what_it_could_not_read_is_one_step_away(
    street: Site, admin: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster = street.backend.roster()
    line = replace(roster.lines[0], quarantined=12)
    monkeypatch.setattr(street.backend, "roster", lambda: replace(roster, lines=(line,)))
    sent = do(admin, "canary", tab="sources", name="110")

    page = admin.get("/admin?tab=sources&lang=en").text
    entry = street.keeper.audit.entries(limit=1)[0]
    assert "The canary through 110 came back" in sent.text
    assert (entry.who, entry.act, entry.about) == ("admin", "canary_sent", "110")
    assert f'<a href="/quarantine?source={quote(line.id)}&amp;lang=en">12</a>' in page


def test_an_area_that_is_gone_is_said_to_be(street: Site, admin: httpx.Client) -> None:
    street.session(Role.VIEWER, "of the past", scope="C9")

    assert "C9 (no longer there: shows nothing)" in admin.get("/admin?lang=en").text


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
        ("reopen", {"name": "admin"}, "no such account"),
        ("scope", {"name": "admin", "scope": "C1"}, "An administrator has the whole"),
        ("scope", {"name": "nobody", "scope": "C1"}, "no such account"),
        ("scope", {"name": "admin", "scope": "<b>C9"}, "no area or grid “&lt;b&gt;C9”"),
        ("invite", {"name": "somebody", "role": "viewer", "scope": "C9"}, "“C9”"),
        ("invite", {"name": "somebody", "role": "admin", "scope": "C1"}, "has the whole"),
        ("invite", {"name": "admin", "role": "viewer"}, "an account “admin” already"),
        ("wall-scope", {"name": "nowhere", "scope": "C1"}, "not valid"),
        ("unlock", {"name": "nobody"}, "no such account"),
        ("drop", {"name": "admin"}, "no such action"),
        ("canary", {"name": "nowhere"}, "no source “nowhere”"),
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
