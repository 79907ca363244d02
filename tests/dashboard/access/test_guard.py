"""The guard at the gate."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard.access.forgery import CSRF_COOKIE, CSRF_HEADER
from dashboard.access.gate import Gate
from dashboard.access.guard import COOKIE, Guard, safe_next
from dashboard.access.keeper import Keeper
from dashboard.access.person import Role
from tests.builders import NINE

PASSWORD = "Qiantang-2026"
HOSTS = frozenset({"grid135.test"})
PATHS = ("/wall", "/", "/incident/1", "/admin", "/api/v1/rows", "/api/v1/kpi", "/quarantine")


async def who(request: Request) -> Response:
    return JSONResponse({"role": request.state.person.role})


class Site:
    """A site behind the guard, and a browser in front of it."""

    def __init__(self, keeper: Keeper | None, *, secure: bool = False) -> None:
        gate = Gate(keeper, lambda: NINE, secure=secure).routes if keeper else []
        pages = [Route(path, who, methods=["GET", "POST"]) for path in (*PATHS, "/ingest/x")]
        app = Starlette(routes=[*gate, *pages])
        self._app = Guard(app, keeper=keeper, clock=lambda: NINE, hosts=HOSTS, secure=secure)
        self._base = "https://grid135.test" if secure else "http://grid135.test"
        self.cookies = httpx.Cookies()

    def ask(self, method: str, path: str, **asked: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url=self._base, cookies=self.cookies
            ) as client:
                response = await client.request(method, path, **asked)
                self.cookies = client.cookies
                return response

        return asyncio.run(send())

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return self.ask("GET", path, **asked)

    def post(self, path: str, **asked: Any) -> httpx.Response:
        headers = {"sec-fetch-site": "same-origin", **self.token, **asked.pop("headers", {})}
        return self.ask("POST", path, headers=headers, **asked)

    @property
    def token(self) -> dict[str, str]:
        """What a page's script sends along: the token that the page brought."""
        self.get("/login")
        return {CSRF_HEADER: self.cookies[CSRF_COOKIE]}

    def log_in(self, name: str, password: str = PASSWORD, **asked: Any) -> httpx.Response:
        return self.post("/login", data={"name": name, "password": password}, **asked)


def join(keeper: Keeper, name: str, role: Role) -> None:
    keeper.set_password(keeper.invite(name, role, by="x", now=NINE), PASSWORD, now=NINE)


@pytest.mark.parametrize("path", PATHS)
def test_nobody_sees_anything_without_logging_in(keeper: Keeper, path: str) -> None:
    site = Site(keeper)

    page = site.get(path, headers={"accept": "text/html"})
    data = site.get(path)

    assert (page.status_code, data.status_code) == (303, 401)
    assert page.headers["location"].startswith("/login?next=%2F")


@pytest.mark.parametrize(
    ("role", "reached"),
    [(Role.VIEWER, set(PATHS) - {"/admin"}), (Role.DUTY, set(PATHS) - {"/admin"}),
     (Role.ADMIN, set(PATHS))],
)  # fmt: skip
def test_a_role_reaches_what_it_may(keeper: Keeper, role: Role, reached: set[str]) -> None:
    join(keeper, "person", role)
    site = Site(keeper)
    site.log_in("person")

    assert {path for path in PATHS if site.get(path).status_code == 200} == reached


def test_a_wall_reaches_the_wall_and_no_row(keeper: Keeper) -> None:
    site = Site(keeper)

    entered = site.get(f"/enter/{keeper.add_wall('hall', by='x', now=NINE)}?lang=en")

    assert (entered.status_code, entered.headers["location"]) == (303, "/wall?lang=en")
    reached = {path for path in PATHS if site.get(path).status_code == 200}
    assert reached == {"/wall", "/", "/api/v1/kpi"}


def test_an_open_site_makes_everybody_a_viewer_and_nobody_more() -> None:
    site = Site(None)

    assert site.get("/wall").json() == {"role": "viewer"}
    assert site.get("/admin").status_code == 403


def test_logging_in_leads_on_to_where_one_wanted_to_go(keeper: Keeper) -> None:
    join(keeper, "chen", Role.VIEWER)
    site = Site(keeper)

    answer = site.log_in("chen", params={"next": "/incident/1?lang=en"})

    assert answer.headers["location"] == "/incident/1?lang=en"
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert "samesite=lax" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "asked",
    ["//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "", None, "evil",
     "/ok\r\nset-cookie: x=1", "/\t/evil.test"],
)  # fmt: skip
def test_nobody_is_sent_to_another_site_after_logging_in(asked: str | None) -> None:
    assert safe_next(asked) == "/"


def test_a_session_offered_by_somebody_else_is_not_taken_up(keeper: Keeper) -> None:
    join(keeper, "chen", Role.VIEWER)
    site = Site(keeper)
    site.cookies.set(COOKIE, "fixed-by-an-attacker", domain="grid135.test")

    site.log_in("chen")

    assert site.get("/wall").status_code == 200
    assert keeper.person("fixed-by-an-attacker", now=NINE) is None


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
     {"origin": "http://evil.test"}, {"origin": "null"}],
)  # fmt: skip
def test_another_site_cannot_make_a_browser_change_anything(
    keeper: Keeper, headers: dict[str, str]
) -> None:
    join(keeper, "chen", Role.ADMIN)
    site = Site(keeper)
    site.log_in("chen")

    headers = headers | site.token
    assert site.ask("POST", "/wall", headers=headers).status_code == 403
    assert site.ask("POST", "/logout", headers=headers).status_code == 403
    assert site.get("/wall").status_code == 200


def test_a_page_of_ours_may(keeper: Keeper) -> None:
    join(keeper, "chen", Role.ADMIN)
    site = Site(keeper)
    site.log_in("chen")

    headers = {"origin": "http://grid135.test", **site.token}
    by_origin = site.ask("POST", "/wall", headers=headers)

    assert by_origin.status_code == 200
    assert site.post("/wall").status_code == 200


def test_a_platform_that_pushes_needs_no_page(keeper: Keeper) -> None:
    # it is let through to the receiver, which asks for its own secret
    with pytest.raises(AttributeError, match="role"):
        Site(keeper).ask("POST", "/ingest/x")


OURS = {"sec-fetch-site": "same-origin"}


def test_a_page_of_ours_needs_the_token_it_brought(keeper: Keeper) -> None:
    join(keeper, "chen", Role.ADMIN)
    site = Site(keeper)
    site.log_in("chen")

    def answer(token: str) -> int:
        return site.ask("POST", "/wall", headers={**OURS, CSRF_HEADER: token}).status_code

    assert answer("") == 403
    assert answer("0" * 64) == 403
    assert answer(site.token[CSRF_HEADER]) == 200


def test_a_token_from_before_the_login_is_worth_nothing_after_it(keeper: Keeper) -> None:
    join(keeper, "chen", Role.ADMIN)
    site = Site(keeper)
    before = site.token
    site.log_in("chen")

    assert site.ask("POST", "/wall", headers={**OURS, **before}).status_code == 403


def test_the_token_of_one_session_is_worth_nothing_in_another(keeper: Keeper) -> None:
    sites = []
    for name in ("chen", "wang"):
        join(keeper, name, Role.ADMIN)
        sites.append(Site(keeper))
        sites[-1].log_in(name)

    headers = {**OURS, **sites[0].token}
    cookies = httpx.Cookies(sites[1].cookies)
    cookies.set(CSRF_COOKIE, headers[CSRF_HEADER], domain="grid135.test")
    sites[1].cookies = cookies

    assert sites[1].ask("POST", "/wall", headers=headers).status_code == 403


def test_a_login_that_another_site_prepared_is_refused(keeper: Keeper) -> None:
    join(keeper, "chen", Role.VIEWER)

    answer = Site(keeper).ask(
        "POST", "/login", headers=OURS, data={"name": "chen", "password": PASSWORD}
    )

    assert answer.status_code == 403


def test_a_plain_form_holds_its_token_in_a_field(keeper: Keeper) -> None:
    join(keeper, "chen", Role.VIEWER)
    site = Site(keeper)
    page = site.get("/login").text
    token = re.search(r'name="csrf" value="(\w{64})"', page)
    assert token is not None

    fields = {"name": "chen", "password": PASSWORD, "csrf": token[1]}
    answer = site.ask("POST", "/login", headers=OURS, data=fields)

    assert answer.status_code == 303


def test_logging_in_anew_ends_the_session_there_was(keeper: Keeper) -> None:
    join(keeper, "chen", Role.VIEWER)
    site = Site(keeper)
    site.log_in("chen")
    first = site.cookies[COOKIE]

    site.log_in("chen")

    assert site.cookies[COOKIE] != first
    assert keeper.person(first, now=NINE) is None


def test_by_https_cookies_are_bound_to_this_very_host(keeper: Keeper) -> None:
    join(keeper, "chen", Role.VIEWER)
    site = Site(keeper, secure=True)

    answer = site.log_in("chen")

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-grid135=")
    assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "domain" not in cookie.lower()
    assert site.get("/wall").json() == {"role": "viewer"}
    assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize("host", ["evil.test", "grid135.test.evil.test", "", "127.0.0.1"])
def test_a_forged_host_is_refused(keeper: Keeper, host: str) -> None:
    assert Site(keeper).get("/login", headers={"host": host}).status_code == 421


def test_every_answer_tells_browsers_what_this_site_never_does(keeper: Keeper) -> None:
    site = Site(keeper)

    for path in ("/login", "/wall", "/nowhere"):
        headers = site.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_five_wrong_passwords_lock_and_say_so(keeper: Keeper) -> None:
    join(keeper, "chen", Role.VIEWER)
    site = Site(keeper)

    answers = [site.log_in("chen", "wrong").status_code for _ in range(6)]

    assert answers == [401, 401, 401, 401, 429, 429]
    assert "锁定" in site.log_in("chen").text


def test_a_name_with_markup_is_shown_as_text(keeper: Keeper) -> None:
    answer = Site(keeper).log_in('"><script>alert(1)</script>')

    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_an_invitation_is_turned_into_a_password_in_the_browser(keeper: Keeper) -> None:
    site = Site(keeper)
    link = f"/invitation/{keeper.invite('chen', Role.VIEWER, by='x', now=NINE)}"

    assert "chen" in site.get(link).text
    differing = site.post(link, data={"password": PASSWORD, "again": "x"})
    weak = site.post(link, data={"password": "short", "again": "short"})
    done = site.post(link, data={"password": PASSWORD, "again": PASSWORD})

    assert "不一致" in differing.text
    assert "至少 10 位" in weak.text
    assert (done.status_code, done.headers["location"]) == (303, "/login")
    assert site.get(link).status_code == 410
    assert site.log_in("chen").status_code == 303


def test_a_form_larger_than_a_form_is_nothing(keeper: Keeper) -> None:
    join(keeper, "chen", Role.VIEWER)

    assert Site(keeper).log_in("chen", PASSWORD + "x" * 10_000).status_code == 401
