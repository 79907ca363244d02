"""What somebody tries who may look, or may not even do that, and what they get."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from dashboard.access.engine import changing
from dashboard.access.forgery import MOST_FORM
from dashboard.access.guard import COOKIE, MOST_ADDRESS, MOST_BODY
from dashboard.access.keeper import FAILURES_OF_A_PEER, AccessError
from dashboard.access.person import Role
from dashboard.access.reveal import REVEAL_PATH
from dashboard.access.tables import attempt
from dashboard.pages import PAGES
from pipelines.figures.query import PARAMETERS
from pipelines.store.rows import to_ms
from tests.builders import NINE, at
from tests.dashboard.access.living import HIDDEN, ORDINARY, SECRETS, SENSITIVE, WORDS, living
from tests.dashboard.access.site import PASSWORD, Site

ASKED = {"incident": ORDINARY, "what": "phone", "number": "1", "reason": "想看一看"}
REVEAL: Mapping[str, Any] = {"method": "POST", "data": ASKED}


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with living(tmp_path_factory.mktemp("street")) as whole:
        whole.session(Role.ADMIN, "the boss")
        yield whole


@pytest.fixture(scope="module")
def viewer(street: Site) -> str:
    return street.session(Role.VIEWER, "mallory")


def heard(browser: httpx.Client, path: str, **asked: Any) -> tuple[int, str]:
    """What an address answers, headers and all; of a stream, the first ``messages``."""
    enough = asked.pop("messages", 1)
    request = browser.build_request(asked.pop("method", "GET"), path, **asked)
    answer = browser.send(request, stream=True)
    body, messages = "", 0
    for line in answer.iter_lines():
        body += line + "\n"
        messages += line.startswith("data: ")
        if messages == enough:
            break
    answer.close()
    return answer.status_code, body + str(answer.headers)


def stream(page: str, **query: str) -> tuple[str, Mapping[str, Any]]:
    return "/stream", {"params": {"page": page, **query}}


FORTY_WAYS: list[tuple[str, Mapping[str, Any]]] = [
    # the administrator's page, by every spelling of its name
    ("/admin", {}),
    ("/admin?tab=audit", {}),
    ("/admin/", {}),
    ("//admin", {}),
    ("/ADMIN", {}),
    ("/%61dmin", {}),
    ("/admin%2f", {}),
    ("/admin;x=1", {}),
    ("/wall/../admin", {}),
    ("/desk/../admin?tab=accounts", {}),
    ("/assets/../admin", {}),
    ("/admin", {"headers": {"X-Original-URL": "/wall", "X-Rewrite-URL": "/wall"}}),
    ("/admin", {"headers": {"X-Forwarded-User": "the boss", "X-Role": "admin"}}),
    ("/admin", {"headers": {"X-HTTP-Method-Override": "GET"}, "method": "POST"}),
    ("/admin", {"method": "POST", "data": {"act": "role", "name": "mallory", "role": "admin"}}),
    ("/admin", {"method": "POST", "data": {"act": "invite", "name": "eve", "role": "admin"}}),
    ("/admin", {"method": "POST", "data": {"act": "add-wall", "name": "mine"}}),
    ("/admin", {"method": "PUT", "data": {"act": "unlock", "name": "mallory"}}),
    # one masked value
    (REVEAL_PATH, REVEAL),
    (REVEAL_PATH, {**REVEAL, "data": {**ASKED, "role": "admin", "clearance": "admin"}}),
    (REVEAL_PATH, {**REVEAL, "data": {**ASKED, "incident": HIDDEN, "what": "address"}}),
    (REVEAL_PATH, {"params": ASKED}),
    (REVEAL_PATH + "/", REVEAL),
    (REVEAL_PATH, {**REVEAL, "headers": {"X-Forwarded-User": "the boss"}}),
    # views and questions that claim more than their viewer has, or look for what is masked
    stream("incident", id=ORDINARY),
    stream("incident", id=HIDDEN),
    stream("incident", id=HIDDEN, clearance="admin", role="supervisor", scope="*"),
    ("/stream?page=wall&page=incident&id=" + HIDDEN, {}),
    stream("desk", window="90d"),
    stream("desk", window="90d", kind="noise"),
    stream("desk", window="90d", q="12345678"),
    stream("desk", window="90d", q="小明"),
    stream("desk", window="90d", q=WORDS),
    stream("desk", window="90d", q="30.15"),
    stream("quarantine"),
    stream("lab", window="90d"),
    ("/api/v1/rows", {}),
    ("/api/v1/rows?kind=noise", {}),
    ("/api/v1/rows?clearance=admin", {}),
    ("/api/v1/monitors", {}),
    # files that are nobody's business
    ("/assets/../access.sqlite3", {}),
    ("/assets/..%2f..%2fapp.py", {}),
    ("/assets/%2e%2e/%2e%2e/street.toml", {}),
    ("/_dash-component-suites/dash/../../../../street.toml", {}),
    ("/geo/../../data/grid135.sqlite3", {}),
    ("/static/street.toml", {}),
    # what stands around it all
    ("/health", {}),
    ("/_dash-layout", {}),
    ("/desk/_dash-layout", {}),
    ("/invitation/x", {}),
    ("/enter/x", {}),
    ("/api/v1/frozen?month=../../x", {}),
]


@pytest.mark.parametrize(("path", "asked"), FORTY_WAYS, ids=range(len(FORTY_WAYS)))
def test_a_viewer_who_tries_to_reach_what_they_must_not_gets_nothing(
    street: Site, viewer: str, path: str, asked: Mapping[str, Any]
) -> None:
    before = [tuple(row)[:2] for row in street.keeper.accounts()]

    with street.browser(viewer) as browser:
        status, said = heard(browser, path, **asked)

    if sought := asked.get("params", {}).get("q"):
        assert "A-1" not in said  # nor does a search tell what it does not show
        assert "A-2" not in said
        said = said.replace(sought, "")  # the box holds what was typed
    assert status < 500
    assert path != "/stream" or status in (200, 403)
    assert not [secret for secret in (*SECRETS, *SENSITIVE) if secret in said]
    assert "the boss" not in said
    assert "CREATE TABLE" not in said
    assert "[kinds." not in said
    assert [tuple(row)[:2] for row in street.keeper.accounts()] == before
    assert "mine" not in [row.name for row in street.keeper.walls()]


def test_there_are_forty_ways() -> None:
    assert len({json.dumps(way, sort_keys=True) for way in FORTY_WAYS}) >= 40


@pytest.mark.parametrize("token", ["", "0" * 64, "' OR '1'='1", "../../x", "a" * 4000, "mallory"])
def test_no_made_up_session_opens_anything(street: Site, token: str) -> None:
    with httpx.Client(base_url=street.server.url) as browser:
        answer = browser.get("/desk", headers={"cookie": f"{COOKIE}={token}"})

    assert answer.status_code in (400, 401)


def test_what_is_kept_of_a_session_opens_nothing(street: Site, viewer: str) -> None:
    with street.keeper._engine.begin() as connection:
        kept = connection.exec_driver_sql("SELECT token FROM session").scalars().all()

    for token in kept:
        with street.browser(token) as browser:
            assert browser.get("/desk").status_code == 401


INJECTIONS = (
    "' OR '1'='1",
    "1; DROP TABLE incident; --",
    "%' UNION SELECT raw FROM report --",
    "\\",
    "%",
    "_",
    "${7*7}{{7*7}}",
    "\x00",
    "🔥\u202e",
    "1e309",
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59+23:59",
    "[]",
    "-1",
)


@pytest.mark.parametrize("name", [*PARAMETERS, "limit"])
def test_nothing_in_a_parameter_of_a_question_is_read_as_anything_else(
    street: Site, viewer: str, name: str
) -> None:
    with street.browser(viewer) as browser:
        whole = len(browser.get("/api/v1/rows").json())
        for text in INJECTIONS:
            for path in ("/api/v1/rows", "/api/v1/kpi", "/api/v1/intake"):
                answer = browser.get(path, params={name: text})

                assert answer.status_code in (200, 400), (path, text)
                assert answer.headers["content-type"] == "application/json"
        assert len(browser.get("/api/v1/rows").json()) == whole == 2


@pytest.mark.parametrize(
    ("page", "name"), [(page, name) for page in PAGES for name in PAGES[page].filters]
)
def test_nothing_in_a_filter_of_a_page_is_read_as_anything_else(
    street: Site, viewer: str, page: str, name: str
) -> None:
    with street.browser(viewer) as browser:
        for text in INJECTIONS:
            shown = browser.get(f"/{page}", params={name: text}, follow_redirects=True)
            status, said = heard(browser, "/stream", params={"page": page, name: text}, messages=1)

            assert shown.status_code in (200, 307, 400, 404)
            assert status in (200, 400)
            assert text == "%" or not [secret for secret in SECRETS if secret in said]


def test_what_matches_everything_in_a_database_matches_only_itself_in_a_search(
    street: Site, viewer: str
) -> None:
    with street.browser(viewer) as browser:
        for text in ("%", "_", "A%"):
            _, said = heard(browser, "/stream", params={"page": "desk", "window": "90d", "q": text})
            assert "A-1" not in said


@pytest.mark.parametrize(
    "path",
    [
        "/?next=//evil.test",
        "/login?next=https://evil.test",
        "/incident//evil.test",
        "/grid/%2f%2fevil.test",
        "/community/https:%2f%2fevil.test",
        "//evil.test/%2e%2e",
        "/?x=%0d%0aSet-Cookie:%20a=b",
        "/enter/x?//evil.test",
    ],
)
def test_nobody_is_sent_to_another_site(street: Site, viewer: str, path: str) -> None:
    with street.browser(viewer) as browser:
        answer = browser.get(path)

    where = answer.headers.get("location", "/")
    assert where.startswith("/")
    assert not where.startswith("//")
    assert "set-cookie: a=b" not in str(answer.headers).lower()


def raw(street: Site, request: bytes) -> bytes:
    """What the server answers to bytes that no client of ours would send."""
    with socket.create_connection(("127.0.0.1", street.server.port), timeout=10) as peer:
        peer.sendall(request)
        return peer.recv(4096)


@pytest.mark.parametrize(
    "host", [b"evil.test", b"127.0.0.1.evil.test", b"evil.test:80@127.0.0.1", b"", b"[::1"]
)
def test_a_forged_host_leads_nowhere(street: Site, host: bytes) -> None:
    answer = raw(street, b"GET /login HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")

    assert answer.startswith((b"HTTP/1.1 421", b"HTTP/1.1 400"))


def test_a_host_that_a_proxy_is_said_to_have_seen_is_not_believed(street: Site) -> None:
    headers = b"Host: 127.0.0.1\r\nX-Forwarded-Host: evil.test\r\nForwarded: host=evil.test\r\n"

    assert b"evil.test" not in raw(street, b"GET / HTTP/1.1\r\n" + headers + b"\r\n")


@pytest.mark.parametrize("header", [b"X: " + b"a" * 200_000, b"Cookie: " + b"a=b; " * 40_000])
def test_headers_that_are_too_long_are_refused(street: Site, header: bytes) -> None:
    request = b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n" + header + b"\r\n\r\n"

    with suppress(BrokenPipeError, ConnectionResetError):  # the server did not read to the end
        assert raw(street, request).startswith(b"HTTP/1.1 4")
    assert raw(street, b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").startswith(b"HTTP/1.1 2")


def test_addresses_and_bodies_that_are_too_long_are_refused(street: Site, viewer: str) -> None:
    with street.browser(viewer) as browser:
        assert browser.get("/desk?q=" + "x" * MOST_ADDRESS).status_code == 414
        long = browser.post("/_dash-update-component", content=b"x" * (MOST_BODY + 1))
        assert long.status_code == 413
    with street.browser(None) as browser:
        form = {"name": "x", "password": "x" * MOST_FORM}
        assert browser.post("/login", data=form).status_code == 413


def test_one_address_that_guesses_at_many_names_is_stopped(street: Site) -> None:
    street.session(Role.VIEWER, "target")

    failed = [{"peer": "10.0.0.9", "at_ms": to_ms(NINE)}] * (FAILURES_OF_A_PEER - 1)
    with changing(street.keeper._engine) as connection:
        connection.execute(insert(attempt), failed)
    with pytest.raises(AccessError, match="wrong"):
        street.keeper.log_in("somebody", "guess", peer="10.0.0.9", now=NINE)
    with pytest.raises(AccessError, match="locked"):
        street.keeper.log_in("target", PASSWORD, peer="10.0.0.9", now=at(60))

    assert street.keeper.log_in("target", PASSWORD, peer="10.0.0.8", now=at(60))
    assert street.keeper.log_in("target", PASSWORD, peer="10.0.0.9", now=at(301))


def test_an_error_is_never_a_page_that_could_run_something(street: Site, viewer: str) -> None:
    script = "<script>alert(1)</script>"
    with street.browser(viewer) as browser:
        for path in (f"/{script}", f"/api/v1/kpi?by={script}", f"/desk?window={script}"):
            answer = browser.get(path, follow_redirects=True)

            assert answer.status_code in (400, 404)
            assert answer.headers["content-type"].startswith(("text/plain", "application/json"))
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_log_holds_anything_about_anybody(
    street: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")

    with street.browser(street.session(Role.SUPERVISOR, "chen")) as browser:
        browser.get("/desk", params={"q": "13812345678"})
        browser.post(REVEAL_PATH, data=ASKED)
        heard(browser, "/stream", params={"page": "incident", "id": ORDINARY})
        browser.post("/login", data={"name": "chen", "password": PASSWORD})

    ours = [record for record in caplog.records if not record.name.startswith("http")]
    logged = "\n".join(record.getMessage() for record in ours)
    assert PASSWORD not in logged
    assert not [secret for secret in SECRETS if secret in logged]
