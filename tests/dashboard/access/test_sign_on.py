"""Single sign-on against a real provider on loopback: who comes in, and what does not fit."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from dashboard.access.gate import Gate
from dashboard.access.guard import COOKIE, Guard
from dashboard.access.keeper import Keeper
from dashboard.access.outside import Grants, OutsideError
from dashboard.access.person import Person, Role
from dashboard.access.provider import Provider
from dashboard.access.sign_on import SignOn
from dashboard.server import create_app
from pipelines.model.area import AreaLevel
from pipelines.privacy.access_settings import OidcSettings
from pipelines.privacy.scope import Scope
from tests.builders import NINE, at
from tests.dashboard.access.peers import CLIENT, CLIENT_SECRET, SignOnProvider, a_provider
from tests.dashboard.builders import FakeBackend
from tests.dashboard.serving import Server

ROLES = {"duty": "duty", "leaders": "supervisor", "lookers": "viewer"}


class Street:
    """The site with its provider, and a browser in front of it."""

    def __init__(
        self, provider: SignOnProvider, keeper: Keeper, areas: dict[str, str] | None = None
    ) -> None:
        self.provider, self.keeper = provider, keeper
        settings = OidcSettings.model_validate(
            {
                "issuer": provider.issuer,
                "client_id": CLIENT,
                "roles": ROLES,
                "areas": areas or {},
            }
        )
        gate = Gate(keeper, lambda: NINE, secure=False, sign_on={"zh": "统一", "en": "Sign on"})
        asked = Provider(
            settings, secret=CLIENT_SECRET, folder=Path(), scopes=FakeBackend().scopes()
        )
        sign_on = SignOn(gate, keeper, asked, lambda: NINE, secure=False)
        app = create_app(FakeBackend(), build="x", more=[*gate.routes, *sign_on.routes])
        hosts = frozenset({"127.0.0.1"})
        guard = Guard(app, keeper=keeper, clock=lambda: NINE, hosts=hosts)
        self.server = Server(FakeBackend(), app=guard)
        self.browser = httpx.Client(base_url=self.server.url, timeout=30)

    def come_in(self, onward: str = "/desk") -> httpx.Response:
        """Go out to the provider and back; the answer of the last step."""
        out = self.browser.get("/oidc/login", params={"next": onward})
        back = httpx.get(out.headers["location"])
        return self.browser.get(back.headers["location"])

    def close(self) -> None:
        """Stop."""
        self.browser.close()
        self.server.stop()

    @property
    def person(self) -> Person | None:
        token = self.browser.cookies.get(COOKIE)
        return self.keeper.person(token, now=at(1)) if token else None


@pytest.fixture(scope="module")
def provider() -> Iterator[SignOnProvider]:
    with a_provider() as provider:
        yield provider


@pytest.fixture
def street(provider: SignOnProvider, keeper: Keeper) -> Iterator[Street]:
    provider.person = {"preferred_username": "chen", "groups": ["duty"]}
    provider.bend, provider.sign, provider.about = lambda claims: claims, provider._signed, {}
    street = Street(provider, keeper)
    yield street
    street.close()


def test_who_the_provider_knows_comes_in_in_the_role_of_their_group(street: Street) -> None:
    answer = street.come_in("/desk?window=7d")

    assert (answer.status_code, answer.headers["location"]) == (303, "/desk?window=7d")
    assert street.person == Person(name="chen", role=Role.DUTY)
    entry = street.keeper.audit.entries()[0]
    assert (entry.act, entry.who, entry.detail["via"]) == ("logged_in", "chen", "oidc")


def test_what_is_sent_out_holds_no_secret_and_proves_itself(street: Street) -> None:
    out = street.browser.get("/oidc/login")

    asked = {name: v[0] for name, v in parse_qs(urlsplit(out.headers["location"]).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 40
    assert asked["state"] != asked["nonce"]
    assert CLIENT_SECRET not in out.headers["location"]
    assert "code_verifier" not in asked
    assert "httponly" in out.headers["set-cookie"].lower()


def test_the_highest_of_several_groups_counts_and_changes_with_them(street: Street) -> None:
    street.provider.person["groups"] = ["lookers", "duty", "unknown"]
    street.come_in()
    first = street.person

    street.provider.person["groups"] = ["lookers"]
    street.come_in()

    assert first is not None
    assert first.role is Role.DUTY
    assert street.person == Person(name="chen", role=Role.VIEWER)


@pytest.mark.parametrize("groups", [[], ["unknown"], None, 7])
def test_who_is_in_no_group_of_ours_stays_out(street: Street, groups: Any) -> None:
    street.provider.person["groups"] = groups

    answer = street.come_in()

    assert answer.status_code == 403
    assert street.person is None


AREAS = {"street": "S1", "first": "C1", "grid one": "G1"}


@pytest.mark.parametrize(
    ("groups", "scope"),
    [
        (["street"], None),
        (["first"], "C1"),
        (["grid one"], "G1"),
        (["grid one", "first"], "C1"),
        (["grid one", "street"], None),
    ],
)
def test_groups_give_a_scope_and_the_widest_counts(
    provider: SignOnProvider, keeper: Keeper, groups: list[str], scope: str | None
) -> None:
    provider.person = {"preferred_username": "chen", "groups": ["duty", *groups]}
    street = Street(provider, keeper, AREAS)

    street.come_in()

    assert street.person == Person(name="chen", role=Role.DUTY, scope=scope)
    street.close()


def test_a_scope_changes_with_the_groups_and_without_one_nobody_comes_in(
    provider: SignOnProvider, keeper: Keeper
) -> None:
    provider.person = {"preferred_username": "chen", "groups": ["duty", "street"]}
    street = Street(provider, keeper, AREAS)
    street.come_in()

    provider.person["groups"] = ["duty", "grid one"]
    street.come_in()
    narrowed = street.person
    provider.person["groups"] = ["duty"]
    refused = street.come_in()

    assert narrowed == Person(name="chen", role=Role.DUTY, scope="G1")
    assert refused.status_code == 403
    street.close()


def test_who_is_given_two_areas_side_by_side_is_told_to_ask() -> None:
    side = Scope(code="C2", names={"zh": "二社"}, level=AreaLevel.COMMUNITY, path=("S1", "C2"))
    grants = Grants({"duty": Role.DUTY}, {"a": "C1", "b": "C2"}, (*FakeBackend().scopes(), side))

    with pytest.raises(OutsideError, match="two_areas"):
        grants.known("chen", ["duty", "a", "b"])


def none(claims: dict[str, Any]) -> str:
    """A token that nobody signed."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def by_public_key(provider: SignOnProvider) -> Callable[[dict[str, Any]], str]:
    """A token signed with the public key as if it were a shared secret."""

    def sign(claims: dict[str, Any]) -> str:
        parts = [json.dumps(p).encode() for p in ({"alg": "HS256", "kid": "one"}, claims)]
        said = ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
        seal = hmac.new(provider.key.as_pem(private=False), said.encode(), sha256).digest()
        return f"{said}.{urlsafe_b64encode(seal).rstrip(b'=').decode()}"

    return sign


NOW = int(NINE.timestamp())
BENT: list[dict[str, Any]] = [
    {"iss": "https://evil.test"},
    {"aud": "another"},
    {"aud": [CLIENT, "another"]},
    {"aud": [CLIENT, "another"], "azp": "another"},
    {"azp": "another"},
    {"exp": NOW - 3600},
    {"exp": "tomorrow"},
    {"exp": None},
    {"iat": NOW + 3600},
    {"nbf": NOW + 3600},
    {"nonce": "another"},
    {"nonce": None},
    {"preferred_username": ""},
    {"preferred_username": None},
    {"preferred_username": ["chen"]},
    {"preferred_username": "\x00\x01\x02"},
]


@pytest.mark.parametrize(
    "bent", BENT, ids=lambda bent: ",".join(f"{k}={v}" for k, v in bent.items())
)
def test_a_token_that_does_not_fit_lets_nobody_in(street: Street, bent: dict[str, Any]) -> None:
    street.provider.bend = lambda claims: claims | bent

    answer = street.come_in()

    assert answer.status_code == 403
    assert street.person is None


def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(street: Street) -> None:
    other = RSAKey.generate_key(2048, parameters={"kid": "one"})
    ours = street.provider.key

    def by_another(claims: dict[str, Any]) -> str:
        street.provider.key = other
        try:
            return street.provider._signed(claims)
        finally:
            street.provider.key = ours

    for sign in (none, by_public_key(street.provider), by_another, lambda _: "x.y.z"):
        street.provider.sign = sign
        assert street.come_in().status_code == 403
        assert street.person is None


def test_a_new_key_of_the_provider_is_fetched(street: Street) -> None:
    street.come_in()
    street.provider.key = RSAKey.generate_key(2048, parameters={"kid": "two"})

    assert street.come_in().status_code == 303


def test_an_answer_is_good_once_and_only_in_the_browser_that_set_out(street: Street) -> None:
    out = street.browser.get("/oidc/login")
    back = httpx.get(out.headers["location"]).headers["location"]
    with httpx.Client(base_url=street.server.url) as another:
        stolen = another.get(back)
    used = street.browser.get(back)
    again = street.browser.get(back)

    assert stolen.status_code == 403
    assert used.status_code == 303
    assert again.status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "code=code-0&state=forged",
        "code=code-0",
        "error=access_denied&state={state}",
        "code=x&state={state}",
        "code=code-0&state={state}&iss=https://evil.test",
    ],
)
def test_what_comes_back_otherwise_lets_nobody_in(street: Street, query: str) -> None:
    out = street.browser.get("/oidc/login")
    state = parse_qs(urlsplit(out.headers["location"]).query)["state"][0]

    answer = street.browser.get(f"/oidc/callback?{query.format(state=state)}")

    assert answer.status_code == 403
    assert street.person is None


def test_nobody_is_led_on_to_another_site(street: Street) -> None:
    assert street.come_in("https://evil.test").headers["location"] == "/"


def test_the_provider_cannot_take_an_account_of_here(street: Street) -> None:
    token = street.keeper.invite("chen", Role.ADMIN, by="x", now=NINE)
    street.keeper.set_password(token, "Hangzhou-2026", now=NINE)

    answer = street.come_in()

    assert answer.status_code == 403
    assert street.keeper.role_of("chen") is Role.ADMIN


def test_who_was_shut_out_here_stays_out(street: Street) -> None:
    street.come_in()
    street.keeper.close_account("chen", by="admin", now=NINE)

    assert street.come_in().status_code == 403
    assert street.person is None


def test_without_the_provider_the_local_administrator_still_comes_in(street: Street) -> None:
    token = street.keeper.invite("admin", Role.ADMIN, by="x", now=NINE)
    street.keeper.set_password(token, "Hangzhou-2026", now=NINE)
    street.provider.about = {"issuer": "https://evil.test"}

    refused = street.browser.get("/oidc/login")

    assert refused.status_code == 503
    assert street.keeper.log_in("admin", "Hangzhou-2026", peer="", now=NINE)


def test_the_login_page_leads_to_the_provider(street: Street) -> None:
    page = street.browser.get("/login?next=/desk&lang=en").text

    assert 'href="/oidc/login?next=%2Fdesk"' in page
    assert "Sign on" in page


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"issuer": "http://idp.example"}, "https"),
        ({"roles": {}}, "at least one group"),
        ({"roles": {"x": "wall"}}, "for screens"),
        ({"roles": {"x": "god"}}, "viewer"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(changed: dict[str, Any], rule: str) -> None:
    whole = {"issuer": "https://idp.example", "client_id": "x", "roles": ROLES}

    with pytest.raises(ValidationError, match=rule):
        OidcSettings.model_validate(whole | changed)
